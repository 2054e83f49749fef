"""A claim without an id is a claim: in scope, answered by an OperationOutcome that says so; what is no claim is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from big_folders.ways import AT_ONCE, WAYS, written
from sync.test_since_last import APPROVED, Json, story
from typer.testing import CliRunner

from adapter.cli.main import app
from adapter.sync.files import Way

NAMELESS = "a claim needs an id to be answered"
OUT_OF_SCOPE = {"productOrService": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "99213"}]}}


def claims(*, ids: int = 0, nameless: int = 0, foreign: int = 0) -> list[Json]:
    """The story's claim: with ids, without, and without and billing something else."""
    (claim,) = (each for each in story(APPROVED) if each["resourceType"] == "Claim")
    bare = {name: value for name, value in claim.items() if name != "id"}
    other = {**bare, "item": [{**bare["item"][0], **OUT_OF_SCOPE}]}
    named = [{**claim, "id": f"c{number}", "identifier": []} for number in range(ids)]
    return [*named, *[bare] * nameless, *[other] * foreign]


@pytest.mark.parametrize(
    ("folder", "damaged", "counts"),
    [
        pytest.param(claims(nameless=1), "", (1, 0, 1, 0), id="one without an id"),
        pytest.param(claims(nameless=2, ids=1), "", (3, 0, 2, 0), id="two of them, and one with"),
        pytest.param(claims(foreign=1), "", (0, 1, 0, 0), id="without an id, and none of ours"),
        pytest.param(claims(nameless=1), "{", (1, 0, 1, 1), id="beside a line that is no JSON"),
    ],
)
def test_it_is_in_scope_and_answered(
    tmp_path: Path, folder: list[Json], damaged: str, counts: tuple[int, int, int, int]
) -> None:
    evidence = [each for each in story(APPROVED) if each["resourceType"] != "Claim"]
    (tmp_path / "in").mkdir()
    lines = [*map(json.dumps, [*evidence, *folder]), damaged]
    (tmp_path / "in" / "all.ndjson").write_text("\n".join(lines))
    arguments = ["sync", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--format", "json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    in_scope, out_of_scope, refused, unreadable = counts
    assert told["claims"] == {"in_scope": in_scope, "out_of_scope": out_of_scope, "unanswered": 0}
    assert told["operation_outcomes"] == {"claims": refused, "unreadable_input": unreadable}
    written = (tmp_path / "out" / "OperationOutcome.ndjson").read_text().splitlines()
    texts = [issue["details"]["text"] for each in map(json.loads, written) for issue in each["issue"]]
    assert texts.count(NAMELESS) == refused
    dry = json.loads(CliRunner().invoke(app, [*arguments, "--dry-run"]).stdout)
    assert (dry["claims"], dry["operation_outcomes"]) == (told["claims"], told["operation_outcomes"])
    assert {name: count for name, count in dry["totals"]["answers"].items() if count and name != "leave"} == {}


def transaction(claims: list[Json], folder: Path) -> Path:
    """A Bundle on one line, whose entries have an address and no id."""
    entries = [{"fullUrl": f"urn:uuid:{number}", "resource": each} for number, each in enumerate(claims)]
    folder.mkdir()
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    (folder / "bundle.json").write_text(json.dumps(bundle))
    return folder


@pytest.mark.parametrize("way", [AT_ONCE, *WAYS.values()], ids=["at once", *WAYS])
def test_those_of_a_transaction_are_counted_and_each_gets_an_outcome_of_its_own(tmp_path: Path, way: Way) -> None:
    source = transaction(claims(nameless=3, foreign=1), tmp_path / "in")
    found = written(source, way, tmp_path / "out")
    assert json.loads(found["summary.json"])["claims"] == {"in_scope": 3, "out_of_scope": 1, "unanswered": 0}
    outcomes = [json.loads(line) for line in found["OperationOutcome.ndjson"].splitlines()]
    assert len({each["id"] for each in outcomes}) == 3
    places = [issue["expression"] for each in outcomes for issue in each["issue"]]
    assert sorted(places) == [[f"Bundle.entry[{number}].resource.id"] for number in range(3)]
    assert found == written(source, AT_ONCE, tmp_path / "again"), "whatever the way"
