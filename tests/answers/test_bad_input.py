"""Bad input and bad usage through the command itself: a code and a readable word, no traceback; the rest goes on."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part, run_resources
from command_line import STORY, Command, Result

from adapter.layers import shipped_mappings

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]


def bad_story(**changes: Any) -> Json:
    """Another story whose claim is changed; ``None`` takes an element away."""
    bundle = bundle_of("0592t-29-minutes")
    claim = part(bundle, "Claim")
    claim.update(changes)
    for name in [name for name, value in changes.items() if value is None and name != "item"]:
        del claim[name]
    return bundle


def only_good_is_answered(result: Result) -> None:
    assert [each["id"] for each in result.resources("ClaimResponse")] == [f"{STORY}-response"]


# --- input that is wrong


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        pytest.param(b"not JSON at all", "structure", "bad.json, line 1", id="not JSON"),
        pytest.param(b'{\n "resourceType": "Claim",\n', "structure", "bad.json, line", id="cut off"),
        pytest.param(b"", "structure", "bad.json, line 1", id="empty"),
        pytest.param(b'{"resourceType": "Bundle", "entry": [5]}', "structure", "bad.json, line 1", id="no entry"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_answered(
    command: Command, folder: Path, content: bytes, code: str, where: str
) -> None:
    (folder / "bad.json").write_bytes(content)
    result = command.sync()
    only_good_is_answered(result)
    (issue,) = result.issues()
    assert issue["code"] == code
    assert issue["diagnostics"].startswith(where)
    assert where in result.stdout
    assert result.code == 0


IN_BUNDLE = "Bundle.entry[16].resource.id"
"""Where a claim stands that no id tells from the others."""


@pytest.mark.parametrize(
    ("changes", "codes", "expression"),
    [
        pytest.param({"id": None}, {"required"}, IN_BUNDLE, id="no id"),
        pytest.param({"id": 5}, {"required", "structure"}, IN_BUNDLE, id="an id that is a number"),
        pytest.param({"id": ""}, {"required", "structure"}, IN_BUNDLE, id="an empty id"),
        pytest.param({"id": "a b/c"}, {"structure"}, "Claim.id", id="an id that is none"),
        pytest.param({"patient": None}, {"required"}, "Claim.patient", id="no patient"),
        pytest.param({"patient": "Patient/1"}, {"structure"}, "Claim.patient", id="a text for the patient"),
        pytest.param({"created": "soon"}, {"value", "structure"}, "Claim.created", id="created soon"),
        pytest.param({"colour": "red"}, {"structure"}, "Claim.colour", id="an element FHIR does not have"),
        pytest.param({"created": None, "provider": None}, {"required"}, "Claim.provider", id="two elements missing"),
    ],
)
def test_a_claim_that_is_no_fhir_gets_an_operation_outcome(
    command: Command, folder: Path, changes: Json, codes: set[str], expression: str
) -> None:
    (folder / "bad.json").write_text(json.dumps(bad_story(**changes), indent=1), encoding="utf-8")
    result = command.sync()
    only_good_is_answered(result)
    assert {issue["code"] for issue in result.issues()} <= codes
    assert expression in [each for issue in result.issues() for each in issue["expression"]]
    assert all(issue["diagnostics"].startswith("bad.json, line ") for issue in result.issues())
    ids = [outcome.get("id") for outcome in result.resources("OperationOutcome")]
    if changes.get("id", "0592t-29-minutes") == "0592t-29-minutes":
        assert ids == ["0592t-29-minutes"]
    assert all(id is None or re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", id) for id in ids)  # whatever the claim's own id is
    assert result.code == 0


OURS = {"sequence": 1, "productOrService": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "0592T"}]}}


@pytest.mark.parametrize(
    ("item", "answered"),
    [
        pytest.param(OURS, True, id="an object"),
        pytest.param([OURS, None], True, id="a list with null in it"),
        pytest.param([OURS, "x"], True, id="a list with a text in it"),
        pytest.param([OURS | {"sequence": "one"}], True, id="a sequence that is a word"),
        pytest.param([[OURS]], True, id="a list in a list"),
        pytest.param(None, False, id="null: none of our codes"),
        pytest.param([None], False, id="a list of null: none of our codes"),
        pytest.param([], False, id="an empty list: none of our codes"),
        pytest.param("0592T", True, id="a text, which is no line, yet names our code"),
    ],
)
def test_lines_of_the_wrong_shape(command: Command, folder: Path, item: Any, answered: bool) -> None:
    (folder / "bad.json").write_text(json.dumps(bad_story(item=item)), encoding="utf-8")
    result = command.sync()
    only_good_is_answered(result)
    if answered:
        assert {issue["code"] for issue in result.issues()} <= {"structure", "required"}
        assert any(each.startswith("Claim.item") for issue in result.issues() for each in issue["expression"])
    else:
        assert json.loads((result.out / "summary.json").read_bytes())["claims"]["out_of_scope"] == 1
    assert result.code == 0


def test_a_resource_that_trips_us_costs_its_own_claim_only(command: Command, folder: Path) -> None:
    bad = bundle_of("0592t-29-minutes")
    part(bad, "Encounter", "minutes-enc")["meta"] = ["not", "an", "object"]
    (folder / "bad.json").write_text(json.dumps(bad), encoding="utf-8")
    result = command.sync()
    only_good_is_answered(result)
    assert result.code in (0, 3)


@pytest.mark.parametrize("kind", ["Claim", "Encounter", "Patient", "Practitioner"])
def test_a_meta_of_the_wrong_shape_is_a_fault_of_the_input(kind: str) -> None:
    bundle = bundle_of("draft-claim")
    found = [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]
    part(bundle, "Claim")["status"] = "active"
    for each in found:
        each["meta"] = "x"
    run = run_resources(bundle)
    assert run.report.unanswered == []
    assert {issue["code"] for outcome in run.outcomes() for issue in outcome["issue"]} == {"structure"}


@pytest.mark.parametrize(
    ("start", "end"),
    [("0001-01-01T00:00:00Z", "0001-01-01T00:40:00Z"), ("9999-12-31T23:00:00-05:00", "9999-12-31T23:50:00-05:00")],
)
def test_times_at_the_ends_of_the_calendar_are_answered(start: str, end: str) -> None:
    bundle = bundle_of(STORY)
    part(bundle, "Encounter", "approved-enc")["period"] = {"start": start, "end": end}
    part(bundle, "Procedure", "approved-proc")["performedPeriod"] = {"start": start, "end": end}
    assert run_resources(bundle).report.unanswered == []


def test_every_claim_without_an_id_is_answered() -> None:
    claims = []
    for story in (STORY, "0592t-29-minutes"):
        claim = part(bundle_of(story), "Claim")
        del claim["id"]
        claims.append(claim)
    assert len(run_resources(*claims).outcomes()) == 2


def test_a_reference_that_leads_nowhere_is_missing_evidence_and_named(command: Command, folder: Path) -> None:
    bad = bundle_of("0592t-29-minutes")
    part(bad, "Claim")["item"][0]["encounter"] = [{"reference": "Encounter/lost"}]
    (folder / "bad.json").write_text(json.dumps(bad), encoding="utf-8")
    result = command.sync()
    (response,) = [each for each in result.resources("ClaimResponse") if each["id"] != f"{STORY}-response"]
    assert response["outcome"] == "partial"
    assert any("Encounter/lost" in note["text"] for note in response["processNote"])
    assert result.code == 0


def test_a_bad_line_of_ndjson_is_named_and_the_rest_is_read(command: Command, folder: Path) -> None:
    (folder / "good.json").unlink()
    lines = [json.dumps(each["resource"]) for each in bundle_of(STORY)["entry"]]
    lines.insert(3, lines[0][:40])
    (folder / "all.ndjson").write_text("\n".join(lines), encoding="utf-8")
    result = command.sync()
    only_good_is_answered(result)
    assert [issue["diagnostics"] for issue in result.issues()] == ["all.ndjson, line 4"]


def test_json_that_is_no_fhir_is_counted_and_gets_no_outcome(command: Command, folder: Path) -> None:
    (folder / "package.json").write_text('{"name": "something else"}')
    result = command.sync("--format", "json")
    only_good_is_answered(result)
    assert json.loads(result.stdout)["read"]["not_fhir"] == 1
    assert result.resources("OperationOutcome") == []


def test_a_file_name_that_is_no_utf8_does_not_stop_the_batch(command: Command, folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/bad-\xff.json")).write_bytes(b"not JSON")
    result = command.sync()
    only_good_is_answered(result)
    assert len(result.issues()) == 1


def test_nesting_without_end_is_a_fault_of_the_input() -> None:
    bundle = bundle_of(STORY)
    extension: Json = {"url": "http://x.example", "valueString": "the innermost"}
    for _ in range(400):
        extension = {"url": "http://x.example", "extension": [extension]}
    part(bundle, "Claim")["extension"] = [extension]
    run = run_resources(bundle)
    assert run.report.unanswered == []
    assert {issue["code"] for outcome in run.outcomes() for issue in outcome["issue"]} == {"structure"}


def many_claims(count: int, *, billed_backwards: bool) -> list[Json]:
    """The claims of a patient who came every day, numbered against the calendar."""
    bundle = bundle_of(STORY)
    template, rest = part(bundle, "Claim"), [each["resource"] for each in bundle["entry"]]
    claims = []
    for number in range(count):
        claim = copy.deepcopy(template)
        day, billed = f"2024-{number // 28 + 1:02}-{number % 28 + 1:02}", number
        if billed_backwards:
            billed = count - number
        claim |= {"id": f"c{count - number:04}", "identifier": [{"value": f"claim {number}"}]}
        claim["created"] = f"2025-{billed // 28 + 1:02}-{billed % 28 + 1:02}"
        claim["item"][0] |= {"servicedDate": day}
        claim["item"][0].pop("encounter", None)
        claims.append(claim)
    return [*(each for each in rest if each["resourceType"] != "Claim"), *claims]


@pytest.mark.parametrize("billed_backwards", [False, True], ids=["billed in order", "billed backwards"])
def test_a_long_history_is_answered(billed_backwards: bool) -> None:
    run = run_resources(*many_claims(200, billed_backwards=billed_backwards))
    assert run.report.unanswered == []
    assert len(run.responses()) == 200


# --- any element of any resource, spoilt


SPOILT: list[Any] = [
    None,
    5,
    -1,
    True,
    "x",
    "",
    [],
    {},
    [None],
    {"reference": 5},
    {"reference": "Nowhere/1"},
    [{}],
    "2023-02-30",
]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("seed", range(25))
def test_whatever_is_spoilt_every_claim_is_answered(seed: int) -> None:
    """Drawn from all elements; meta apart, which has a test of its own."""
    chance = random.Random(seed)
    for _ in range(8):
        bundle = bundle_of(STORY)
        paths = [
            path for path in places(bundle["entry"]) if len(path) > 2 and path[1] == "resource" and path[2] != "meta"
        ]
        *way, last = chance.choice(paths)
        target: Any = bundle["entry"]
        for step in way:
            target = target[step]
        target[last] = value = chance.choice(SPOILT)
        run = run_resources(bundle)
        report = run.report
        assert report.unanswered == [], (way, last, value)
        assert run.answers or report.out_of_scope or report.superseded or way[-1:] == ["resource"], (
            way,
            last,
            value,
        )


# --- usage that is wrong


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["sync", "nowhere"], 4, "nowhere does not exist", id="unknown folder"),
        pytest.param(["sync", "in", "--now", "yesterday"], 2, "yesterday", id="bad --now"),
        pytest.param(["sync", "in", "--now", "2026-01-31"], 2, "2026-01-31", id="--now without a time"),
        pytest.param(["sync", "in", "--now", "2026-01-31T12:00:00"], 2, "2026-01-31", id="--now without an offset"),
        pytest.param(["sync", "in", "--mappings", "nowhere"], 2, "nowhere", id="mappings that are not there"),
        pytest.param(["sync", "in", "--fhir-version", "DSTU2"], 2, "DSTU2", id="a release nobody knows"),
        pytest.param(["sync", "in", "--since", "auto"], 2, "--since", id="--since with files"),
        pytest.param(["sync", "in", "--format", "xml"], 2, "xml", id="a format nobody knows"),
        pytest.param(["sync"], 2, "source", id="no source"),
        pytest.param(["sync", "ftp://me:x@fhir.test/r4"], 2, "http:// or https://", id="an address of no FHIR server"),
        pytest.param(["explain", "HL7+x://a", "b"], 2, "begins with HL7+x://", id="another address of none"),
        pytest.param(["sync", "http://127.0.0.1:9", "--watch", "inf"], 2, "comes to an end", id="--watch for ever"),
        pytest.param(["sync", "http://127.0.0.1:9", "--watch", "nan"], 2, "--watch", id="--watch for nobody"),
        pytest.param(["sink", "in"], 2, "sink", id="a command nobody knows"),
        pytest.param(["sync", "in", "--claim", "nobody"], 3, "Claim/nobody", id="unknown claim"),
        pytest.param(["explain", "in", "nobody"], 2, "nobody", id="explain an unknown claim"),
        pytest.param(["sync", "in", "--out", "file"], 2, "file", id="--out is a file"),
    ],
)
def test_wrong_usage_is_one_readable_word(
    command: Command, tmp_path: Path, folder: Path, arguments: list[str], code: int, says: str
) -> None:
    assert folder.is_dir()
    (tmp_path / "file").write_text("in the way")
    result = command(*arguments)
    assert result.code == code, result.stderr
    assert says in result.stderr
    if code != 3:
        assert not (tmp_path / "adapter-out").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("ADAPTER_SITE_TIMEZONE", "Mars/Olympus"), ("ADAPTER_TIMEOUT", "-1"), ("ADAPTER_PAGE_SIZE", "many")],
)
def test_a_setting_that_is_wrong_is_named_and_not_shown(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = command("sync", folder)
    assert result.code == 2
    assert name in result.stderr
    assert value not in result.stderr


def test_a_fault_of_the_mappings_is_named_with_file_and_line(command: Command, tmp_path: Path, folder: Path) -> None:
    assert folder.is_dir()
    shutil.copytree(shipped_mappings(), tmp_path / "ours")
    broken = tmp_path / "ours" / "r4" / "encounter.yaml"
    broken.write_text(broken.read_text(encoding="utf-8").replace("as: minutes", "as: fortnights"), encoding="utf-8")
    line = next(n for n, each in enumerate(broken.read_text(encoding="utf-8").splitlines(), 1) if "fortnights" in each)
    result = command.sync("--mappings", "ours")
    assert result.code == 2
    assert f"ours/r4/encounter.yaml:{line}: " in result.stderr
    assert not result.out.exists()


def test_a_claim_that_is_not_there_does_not_hold_up_one_that_is(command: Command, folder: Path) -> None:
    assert folder.is_dir()
    result = command.sync("--claim", STORY, "--claim", "nobody")
    assert result.code == 3
    only_good_is_answered(result)
    assert "Claim/nobody" in result.stderr


def test_a_dry_run_through_the_command_writes_nothing(command: Command, folder: Path) -> None:
    assert folder.is_dir()
    result = command.sync("--dry-run")
    assert result.code == 0
    assert not result.out.exists()
    assert "Of the answers a run would create 1." in result.stdout
    assert STORY in result.stdout


def test_an_empty_folder_is_no_fault(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = command.sync()
    assert result.code == 0
    assert result.resources("ClaimResponse") == []


@pytest.mark.parametrize(("arguments", "code"), [(["sync", "in"], 0), (["sync", "nowhere"], 4), (["sync"], 2)])
def test_as_a_module_it_ends_with_the_same_codes(tmp_path: Path, folder: Path, arguments: list[str], code: int) -> None:
    assert folder.is_dir()
    done = subprocess.run(
        [sys.executable, "-m", "adapter", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert (tmp_path / "adapter-out").exists() is (code == 0)
