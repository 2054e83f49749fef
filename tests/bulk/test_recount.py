"""The answers of a folder counted anew, without some claims."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from answers.story_stages import CLINIC, shipped
from bulk.test_judging import response, trail, written

from adapter.answers.answer import Answer
from adapter.sync.bulk.recount import recounted
from adapter.sync.files import Order, sync_files
from adapter.sync.report import Tally


def finding(rule: str, decision: str, *, advisory: bool = False) -> dict[str, object]:
    return {"rule": rule, "decision": decision, "advisory": advisory}


def line(claim: str, decision: str, *findings: dict[str, object]) -> dict[str, object]:
    return {"claim": claim, "line": 1, "decision": decision, "findings": list(findings)}


@pytest.mark.parametrize(
    ("decided", "named"),
    [
        pytest.param(line("a", "DENY", finding("time", "DENY")), {"DENY": {"time": 1}}, id="as strong as the line"),
        pytest.param(line("a", "DENY", finding("time", "PEND")), {"DENY": {}}, id="weaker"),
        pytest.param(line("a", "DENY", finding("time", "DENY", advisory=True)), {"DENY": {}}, id="advisory"),
        pytest.param(line("a", "APPROVE", finding("time", "APPROVE")), {"APPROVE": {}}, id="nothing to note"),
        pytest.param(line("a", "WARN", finding("time", "WARN")), {"WARN": {"time": 1}}, id="a note"),
        pytest.param(
            line("a", "PEND", finding("time", "PEND"), finding("code", "PEND"), finding("time", "PEND")),
            {"PEND": {"time": 2, "code": 1}},
            id="each",
        ),
        pytest.param(line("b", "DENY", finding("time", "DENY")), {}, id="of a claim left out"),
    ],
)
def test_the_rules_that_decided_a_line(
    tmp_path: Path, decided: dict[str, object], named: dict[str, dict[str, int]]
) -> None:
    counted = recounted(written(tmp_path, [], [], [], [decided]), Tally(), {"b"})
    assert counted.reasons == named
    assert counted.lines == Counter(named.keys())


def test_claims_left_out_are_counted_nowhere(tmp_path: Path) -> None:
    issues = [{"code": "required"}, {"code": "value"}]
    outcomes = [
        {"resourceType": "OperationOutcome", "id": id, "issue": issues} for id in ("c", "d", f"unreadable-{'0' * 24}")
    ]
    folder = written(tmp_path, [response("a"), response("b") | {"outcome": "error"}], [trail("a")], outcomes)
    before = Tally(first_outcomes=[Answer("c"), Answer("d"), Answer(None)], passed_over=5)
    counted = recounted(folder, before, {"b", "d"})
    assert (counted.claims, counted.refused, counted.unreadable, counted.issues) == (2, 1, 1, 4)
    assert counted.responses == {"complete": 1}
    assert [each.claim for each in counted.first_outcomes] == ["c", None]
    assert counted.passed_over == 0


def counts(tally: Tally) -> Tally:
    """Without what is shown one by one, and what the files do not tell."""
    return replace(tally, first_lines=[], first_outcomes=[], passed_over=0)


@pytest.mark.parametrize("third", [0, 1, 2])
def test_of_real_answers_it_counts_what_the_rest_of_them_counts(tmp_path: Path, third: int) -> None:
    given: list[Answer] = []
    order = Order(CLINIC, tmp_path, datetime(2026, 1, 31, tzinfo=UTC))
    report = sync_files(order, shipped(), lambda *_: None, keep=given.extend)
    without = {each.claim for each in sorted(given, key=lambda each: str(each.claim))[third::3] if each.claim}
    expected = Tally.of(each for each in given if each.claim not in without)
    counted = recounted(tmp_path, report.tally, without)
    assert len(without) > 10
    assert counts(counted) == counts(expected)
    assert {claim for claim, _ in counted.first_lines}.isdisjoint(without)
