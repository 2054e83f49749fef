"""Every claim of the clinic gets the answer that ``fixtures/clinic-expected.json`` says it must get."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answers.story_stages import FIXTURES, clinic

from adapter.answers.decisions import decision_lines

Json = dict[str, Any]
EXPECTED: dict[str, Json] = json.loads((FIXTURES / "clinic-expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("claim", EXPECTED)
def test_each_claim_gets_its_answer(claim: str) -> None:
    expected = EXPECTED[claim]
    found = [each for each in clinic().answers if each.claim == claim]
    if expected["outcome"] == "none":
        assert found == []
        return
    (answer,) = found
    if expected["outcome"] == "operation-outcome":
        assert answer.response is None
        assert answer.outcome is not None
        assert answer.outcome["id"] == claim
        assert expected["issue"] in [issue["code"] for issue in answer.outcome["issue"]]
        return
    assert answer.response is not None
    assert answer.response["outcome"] == expected["outcome"]
    lines = {str(line["line"]): line for line in decision_lines(answer)}
    for number, wanted in expected["lines"].items():
        assert lines[number]["decision"] == wanted["decision"], lines[number]
        assert sorted(lines[number]["carc"]) == sorted(wanted["carc"])


def test_every_claim_is_counted() -> None:
    summary = clinic().report.summary()
    outcomes = [each["outcome"] for each in EXPECTED.values()]
    assert summary["claims"] == {
        "in_scope": len(outcomes) - outcomes.count("none"),
        "out_of_scope": outcomes.count("none"),
        "unanswered": 0,
    }
    assert summary["claim_responses"] == {name: outcomes.count(name) for name in ("complete", "partial", "error")}
    assert summary["operation_outcomes"] == {"claims": outcomes.count("operation-outcome"), "unreadable_input": 0}
    decisions = [line["decision"] for answer in clinic().answers for line in decision_lines(answer)]
    assert summary["lines"] == {name: decisions.count(name) for name in summary["lines"]}
