"""Synthea's patients with coaching in their visits: decided as their raw data say, whatever shape they come in."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from real_shapes.coaching_visits import IN_FORCE, Visit, coaching

from adapter.bootstrap import build
from adapter.settings import Settings
from adapter.sync.files import Order, sync_files

SAMPLE = Path(__file__).parent / "synthea"
EXAMPLES = sorted(Path(os.environ.get("FHIR_EXAMPLES", SAMPLE)).glob("synthea-*"))
"""Folders with more of Synthea's Bundles, to be tried as well as the four that ship."""
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def expected(visit: Visit) -> tuple[str, str | None]:
    """Decision on the coaching line and a reason code it must carry, from the visit's raw data alone."""
    if visit.day < date(2020, 1, 1):
        return "DENY", "181"
    if visit.day < IN_FORCE or not visit.insured:
        return "REVIEW", "133"
    if visit.code == "0592T" and visit.minutes < 30:
        return "DENY", "152"
    if not visit.has_note:
        return "PEND", "N706"
    assessed = visit.assessment is not None and expected(visit.assessment)[0] == "APPROVE"
    return ("APPROVE", None) if visit.code == "0591T" or assessed else ("PEND", "N674")


def transformed(source: Path, folder: Path) -> dict[str, Visit]:
    visits: dict[str, Visit] = {}
    for path in sorted(source.rglob("*.json.gz")):
        bundle, found = coaching(path)
        (folder / path.name.removesuffix(".gz")).write_text(json.dumps(bundle), encoding="utf-8")
        visits |= {each.claim: each for each in found}
    return visits


def decided(folder: Path, out: Path) -> dict[str, Any]:
    """Claim to the answer to its first line."""
    report = sync_files(Order(folder, out, NOW), build(Settings.model_construct()), lambda *_: None)
    assert report.complete
    lines = (json.loads(line) for line in (out / "decisions.ndjson").read_text(encoding="utf-8").splitlines())
    return {line["claim"]: line for line in lines if line["line"] == 1}


@pytest.mark.parametrize("source", [SAMPLE, *EXAMPLES], ids=lambda path: path.name)
def test_every_visit_is_decided_as_its_raw_data_say(source: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "bundles").mkdir()
    visits = transformed(source, folder)
    answers = decided(folder, tmp_path / "out")
    assert answers.keys() == visits.keys(), "the other claims of these visits are out of scope"
    wrong = {
        claim: (visit, answers[claim]["decision"], answers[claim]["carc"], answers[claim]["rarc"])
        for claim, visit in visits.items()
        if not _as_expected(answers[claim], *expected(visit))
    }
    assert not wrong
    if source == SAMPLE:
        seen = Counter(each["decision"] for each in answers.values())
        assert set(seen) == {"APPROVE", "DENY", "PEND", "REVIEW"}


def _as_expected(answer: Any, decision: str, code: str | None) -> bool:
    carried = code is None or code in (*answer["carc"], *answer["rarc"])
    return answer["decision"] == decision and carried
