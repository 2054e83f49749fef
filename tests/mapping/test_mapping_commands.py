"""``mappings``, ``mappings show`` and ``map``: what is in effect, where it stands, and what it makes of a resource."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from typer.testing import CliRunner, Result

from adapter.cli.main import app

ROOT = Path(__file__).parents[2]
DAY = {"start": "2023-06-01T10:00:00-04:00", "end": "2023-06-01T10:40:00-04:00"}
STORY = str(ROOT / "fixtures" / "stories" / "0592t-approved" / "0_bundle.json")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site" / "r4").mkdir(parents=True)
    text = "fields:\n  length: {path+: \"extension.where(url = 'https://site.example/minutes').value\"}\n"
    (tmp_path / "site" / "r4" / "encounter.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "site"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def read(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_list_says_which_folders_speak(site: Path) -> None:
    listed = {row["file"]: row["from"] for row in read("mappings", "--mappings", str(site))}
    assert listed["r4/encounter.yaml"] == ["mappings", str(site)]
    assert listed["r4/claim.yaml"] == ["mappings"]
    assert not [name for name in listed if name.startswith("schema/")]


def test_every_entry_has_its_file_and_line(site: Path) -> None:
    rows = {row["entry"]: row for row in read("mappings", "show", "encounter", "--mappings", str(site))}
    added = "extension.where(url = 'https://site.example/minutes').value"
    first, second = rows["fields.length.path[0]"], rows["fields.length.path[1]"]
    assert (first["value"], second["value"]) == ("length", added)
    assert first["from"].startswith("mappings/r4/encounter.yaml:")
    assert second["from"] == f"{site}/r4/encounter.yaml:2"
    assert rows["fields.length.as"]["from"].startswith("mappings/r4/encounter.yaml:")
    assert rows["fields.status"] == {
        "entry": "fields.status",
        "value": {"path": "status", "as": "text"},
        "from": rows["fields.status"]["from"],
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("claim", "r4/claim.yaml"),
        ("Claim", "r4/claim.yaml"),
        ("service-codes", None),
        ("tables/service-codes", "tables/service-codes.json"),
        ("cigna", "payers/cigna.yaml"),
        ("cigna-a015/credential", "policies/cigna-a015/credential.yaml"),
        ("nonsense", None),
    ],
)
def test_a_file_is_named_by_what_it_is_about(name: str, shown: str | None) -> None:
    result = run("mappings", "show", name)
    assert (result.exit_code == 0) == (shown is not None)
    if shown is not None:
        assert shown in result.output
    else:
        assert "names no single mapping file" in str(result.exception)


def _shown_values(name: str, site: Path) -> list[dict[str, str]]:
    rows = read("mappings", "show", name, "--mappings", str(site))
    return [row for row in rows if isinstance(row["value"], str)]


def test_what_is_added_to_a_list_has_a_line_of_its_own(site: Path) -> None:
    (site / "payers").mkdir()
    (site / "payers" / "cigna.yaml").write_text("names+:\n  - Thimbleton\n  - Acme\n", encoding="utf-8")
    rows = {row["value"]: row["from"] for row in _shown_values("cigna", site)}
    assert rows["Thimbleton"] == f"{site}/payers/cigna.yaml:2"
    assert rows["Acme"] == f"{site}/payers/cigna.yaml:3"
    assert rows["Cigna"].startswith("mappings/payers/cigna.yaml:")


def test_the_example_of_the_help_works() -> None:
    shown = re.findall(r"mappings show (\S+)", run("mappings", "show", "--help").output.partition("Examples")[2])
    assert len(shown) == 2
    assert [run("mappings", "show", name).exit_code for name in shown] == [0] * len(shown)


def trials(*arguments: str) -> dict[str, dict[str, Any]]:
    found = read("map", STORY, "--resource", *arguments)
    return {row["expression"]: row for row in found["expressions"]}


def test_each_expression_says_what_it_found_and_which_found_nothing() -> None:
    tried = trials("Encounter/0592t-approved-enc")
    assert tried["Encounter.status"]["found"] == ["finished"]
    assert tried["Encounter.length"] == {
        "field": "length",
        "as": "minutes",
        "expression": "Encounter.length",
        "needed": True,
        "found": [],
        "origin": None,
        "problems": [],
        "from": _line("r4/encounter.yaml", "length: {path"),
    }
    assert "expressions tried, " in run("map", STORY, "--resource", "Encounter/0592t-approved-enc").output


def _line(name: str, words: str) -> str:
    lines = (ROOT / "mappings" / name).read_text(encoding="utf-8").splitlines()
    return f"mappings/{name}:{next(number for number, line in enumerate(lines, 1) if words in line)}"


def test_a_length_that_a_document_states_is_shown_with_its_line() -> None:
    overlay = str(ROOT / "fixtures" / "site" / "mappings")
    reference = "Observation/site-40-minutes-minutes"
    visits = str(ROOT / "fixtures" / "site" / "visits")
    found = read("map", visits, "--resource", reference, "--mappings", overlay)
    rows = {row["field"]: row for row in found["expressions"]}
    assert rows["minutes"]["found"] == ["True"]
    assert (rows["minutes.value"]["found"], rows["minutes.value"]["as"]) == (["40"], "minutes")
    assert rows["minutes.value"]["from"].startswith(f"{overlay}/r4/documentation.yaml:")
    assert rows["minutes.linked_by"]["found"] == ["Encounter/site-40-minutes-enc"]


CONTAINING = {
    "resourceType": "Claim",
    "id": "x",
    "contained": [{"resourceType": "Practitioner", "id": "coach", "active": True}],
    "careTeam": [{"sequence": 1, "provider": {"reference": "#coach"}}],
}


@pytest.mark.parametrize(("name", "found"), [("coach", ["True"]), ("nobody", None)])
def test_a_contained_resource_is_mapped_too(tmp_path: Path, name: str, found: list[str] | None) -> None:
    (tmp_path / "claim.json").write_text(json.dumps(CONTAINING), encoding="utf-8")
    result = run("map", str(tmp_path), "--resource", f"Claim/x#{name}", "--format", "json")
    if found is None:
        assert f"there is no Claim/x#{name}" in str(result.exception)
    else:
        (active, *_) = json.loads(result.stdout)["expressions"]
        assert (active["expression"], active["found"]) == ("Practitioner.active", found)


@pytest.mark.parametrize("arguments", [("sync", ""), ("explain", " ", "x"), ("map", "", "--resource", "Claim/x")])
def test_an_empty_source_is_bad_usage(arguments: tuple[str, ...]) -> None:
    """An unset variable of a shell must not mean the folder one happens to be in."""
    assert "SOURCE is empty" in str(run(*arguments).exception)


def test_repeated_parts_are_shown_one_by_one() -> None:
    tried = trials("Claim/0592t-approved")
    assert tried["Claim.item[0].productOrService.coding"]["found"] == ["CPT 0592T"]
    assert tried["Claim.item[0].net"]["field"] == "items.net"
    assert tried["Claim.related"]["found"] == []


def test_places_of_documentation_say_whether_a_resource_counts() -> None:
    tried = trials("DocumentReference/0592t-approved-note")
    note, encounter, _ = tried.values()
    assert (note["field"], note["found"]) == ("note", ["True"])
    assert (encounter["field"], encounter["found"]) == ("note.linked_by", ["Encounter/0592t-approved-enc"])
    assert encounter["from"] == _line("r4/documentation.yaml", "linked_by: [context.encounter")


def test_a_fallback_that_is_not_needed_is_called_so() -> None:
    tried = trials("Claim/0592t-approved")
    period, day = (tried[f"Claim.item[0].serviced.ofType({kind})"] for kind in ("Period", "date"))
    assert (period["found"], period["needed"], day["needed"]) == ([], True, True)
    assert day["found"] == ["2023-06-01"]


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("Encounter", "is no reference"),
        ("Encounter/nobody", "there is no Encounter/nobody"),
        ("Organization", "is no reference"),
    ],
)
def test_what_cannot_be_mapped_is_bad_usage(reference: str, says: str) -> None:
    result = run("map", STORY, "--resource", reference)
    assert says in str(result.exception)


@pytest.mark.parametrize(("release", "period"), [("4.0.1", "Encounter.period"), ("5.0.0", "Encounter.actualPeriod")])
def test_a_resource_of_a_server_is_read_in_its_version(respx_mock: respx.MockRouter, release: str, period: str) -> None:
    base = "http://fhir.test/fhir"
    answers = {
        f"{base}/metadata": {"resourceType": "CapabilityStatement", "fhirVersion": release},
        f"{base}/Encounter/1": {"resourceType": "Encounter", "id": "1", period.removeprefix("Encounter."): DAY},
    }
    for url, answer in answers.items():
        respx_mock.get(url).mock(return_value=httpx.Response(200, json=answer))
    found = read("map", base, "--resource", "Encounter/1")
    (row,) = (each for each in found["expressions"] if each["field"] == "period")
    assert (found["fhir_version"], row["expression"]) == (f"R{release[0]}", period)
    assert row["found"] == ["2023-06-01T10:00:00-04:00 to 2023-06-01T10:40:00-04:00"]


def test_check_notices_what_nothing_uses(site: Path) -> None:
    (site / "r4" / "variables.yaml").write_text("variables: {forgotten: status}\n", encoding="utf-8")
    result = run("check", "--mappings", str(site))
    assert result.exit_code == 0
    assert f"notice: {site}/r4/variables.yaml:1: nothing uses the variable %forgotten" in result.stderr
