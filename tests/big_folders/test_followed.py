"""What a site maps otherwise than the tokens of a folder know is decided as from all of the folder, and told."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from answers.story_stages import NOW, bundle_of, shipped
from big_folders.ways import AT_ONCE, Json, ndjson

from adapter.bootstrap import build, mapping_layers
from adapter.layers import Layers
from adapter.mapping.loader import load_mappings
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings
from adapter.sources.folder.followed import not_followed
from adapter.sync.files import Order, Way, sync_files
from adapter.sync.report import Report

STORY = "0592t-approved"
WHEN = "urn:test:when"
ELSEWHERE = f"extension('{WHEN}').value.ofType(Period)"
BOTH = f'["performed.ofType(Period)", "{ELSEWHERE}"]'


def overlaid(folder: Path, name: str, content: str) -> Layers:
    """The shipped mappings with one file of a site over them."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    return mapping_layers([folder])


def field(name: str, path: str, kind: str) -> str:
    return f"fields: {{{name}: {{path: {path}, as: {kind}}}}}\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("r4/procedure.yaml", "fields: {}\n", []),
        ("r4/procedure.yaml", field("performed", BOTH, "period"), ["performed of Procedure"]),
        ("r4/procedure.yaml", field("performed_at", "meta.lastUpdated", "instant"), ["performed_at of Procedure"]),
        ("r4/procedure.yaml", field("performers", "recorder", "reference"), ["performers of Procedure"]),
        ("r4/procedure.yaml", field("reports", "report", "reference"), []),  # neither time nor person
        ("r4/encounter.yaml", field("period", "statusHistory.period", "period"), ["period of Encounter"]),
        ("r4/claim.yaml", field("billable_period", "created", "date"), ["billable_period of Claim"]),
        ("r5/encounter.yaml", field("period", "actualPeriod", "period"), []),
        ("r5/encounter.yaml", field("period", "plannedStartDate", "period"), ["period of Encounter"]),
    ],
)
def test_what_no_token_is_made_of_is_named(tmp_path: Path, name: str, content: str, told: list[str]) -> None:
    mappings = load_mappings(overlaid(tmp_path, name, content), name[:2])
    found = list(not_followed([mappings]))
    assert [sentence.partition(" (")[0] for sentence in found] == told


def resources() -> list[Json]:
    """A visit that is approved, and one with somebody else at the same time, which says so in an extension."""
    found: list[Json] = [each["resource"] for each in bundle_of(STORY)["entry"]]
    procedure = next(each for each in found if each["resourceType"] == "Procedure" and "0592T" in json.dumps(each))
    plain = {name: value for name, value in procedure.items() if name not in ("encounter", "performedPeriod")}
    when = [{"url": WHEN, "valuePeriod": procedure["performedPeriod"]}]
    return [*found, {**plain, "id": "elsewhere", "subject": {"reference": "Patient/other"}, "extension": when}]


def ran(adjudicator: Adjudicator, way: Way, folder: Path, out: Path) -> tuple[Report, list[Json]]:
    report = sync_files(Order(folder, out, datetime.fromisoformat(NOW)), adjudicator, lambda *_: None, way)
    return report, [json.loads(line) for line in (out / "ClaimResponse.ndjson").read_text().splitlines()]


@pytest.mark.parametrize(("mapped", "seen"), [(True, True), (False, False)])
def test_a_session_elsewhere_is_seen_by_an_element_of_the_site(tmp_path: Path, mapped: bool, seen: bool) -> None:
    layers = overlaid(tmp_path / "overlay", "r4/procedure.yaml", field("performed", BOTH, "period"))
    adjudicator = build(Settings.model_construct(), layers, "R4") if mapped else shipped()
    ndjson(tmp_path / "in" / "all.ndjson", resources())
    report, answers = ran(adjudicator, Way(portion=1), tmp_path / "in", tmp_path / "one")
    assert answers == ran(adjudicator, AT_ONCE, tmp_path / "in", tmp_path / "other")[1]
    assert ("another patient" in json.dumps(answers)) is seen
    assert [each for each in report.warnings if "looked up" in each] == [
        f"performed of Procedure (r4) is read from performed.ofType(Period) or {ELSEWHERE}, by which nothing is looked "
        "up in a folder: all of it is decided at once, in one process and in memory"
    ] * mapped
