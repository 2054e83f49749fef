"""What two answers to one claim say differently: old x new, in both forms."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from answers.story_stages import clinic
from dry_run.made import FORMS, POLICY, REASONS, cancelled, outcome, response
from r5.alike import clinic_as_r5

from adapter.answers.answer import Answer
from adapter.answers.claim_response import reason_codes
from adapter.answers.difference import Difference, difference
from adapter.answers.said import Amount, Line, Standing, said
from adapter.answers.systems import CARC
from adapter.answers.words import noteworthy
from adapter.coverage.finding import Decision, Finding

Json = dict[str, Any]
WORDS = sorted(REASONS)
DECISION_ON = {"APPROVE": "approved", "DENY": "denied", "PEND": "pending", "REVIEW": "pending", "REJECT": None}


def of_one_line(old: Json, new: Json) -> tuple[Line, Line]:
    """Line 1 before and after."""
    found = {each.line: each for each in difference(old, new).lines}
    return found[1].before, found[1].after


# --- decisions


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("new", WORDS)
@pytest.mark.parametrize("old", WORDS)
def test_a_decision_to_another(old: str, new: str, form: str) -> None:
    found = difference(response(old, form=form), response(new, form=form))
    if old == new:
        assert not found
        return
    assert (found.before.standing, found.after.standing) == (old, new)
    assert (found.before.decision, found.after.decision) == (DECISION_ON[old], DECISION_ON[new])
    (line,) = [each for each in found.lines if each.line == 1]
    assert (line.before.standing, line.after.standing) == (old, new)
    assert line.moved


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("word", [each for each in WORDS if each != "REJECT"])
def test_the_reasons_of_a_line(word: str, form: str) -> None:
    rule, carc, rarc = REASONS[word]
    line = said(response(word, form=form)).lines[1]
    assert line.codes == {*(("CARC", each) for each in carc), *(("RARC", each) for each in rarc)}
    assert line.rules == ({(word, rule)} if rule else set())
    assert line.policies == ({POLICY} if rule else set())
    benefit = {Amount("benefit", Decimal(0), "USD")} if word == "DENY" else set()
    assert line.amounts == {Amount("submitted", Decimal(85), "USD"), *benefit}


@pytest.mark.parametrize("form", FORMS)
def test_the_reasons_of_a_rejection_stand_with_its_line_and_the_claim(form: str) -> None:
    lines = said(response("APPROVE", "REJECT", form=form)).lines
    assert lines[2].codes == {("CARC", "16"), ("RARC", "M53")}
    assert lines[None].rules == {("REJECT", "quantity")}
    assert set(lines) == {2, None}


@pytest.mark.parametrize(
    ("old", "new", "moves"),
    [
        pytest.param(response("APPROVE"), cancelled("APPROVE"), {1: ("APPROVE", "CANCELLED")}, id="cancelled"),
        pytest.param(cancelled("DENY"), response("DENY"), {1: ("CANCELLED", "DENY")}, id="stands again"),
        pytest.param(cancelled("DENY"), cancelled("DENY"), {}, id="cancelled both times"),
        pytest.param(
            cancelled("REJECT", "DENY"),
            response("DENY", "DENY"),
            {1: ("CANCELLED", "DENY"), 2: ("CANCELLED", "DENY")},
            id="the second line was not named",
        ),
        pytest.param(response("DENY"), outcome("structure"), {1: ("DENY", "OPERATION_OUTCOME")}, id="to an outcome"),
        pytest.param(outcome("structure"), response("PEND"), {1: ("OPERATION_OUTCOME", "PEND")}, id="from an outcome"),
        pytest.param(outcome("structure"), outcome("required"), {}, id="another fault moves no line"),
        pytest.param(None, response("PEND"), {1: ("NO_ANSWER", "PEND")}, id="new"),
        pytest.param(response("PEND"), None, {1: ("PEND", "NO_ANSWER")}, id="gone"),
        pytest.param(None, outcome("structure"), {}, id="an outcome names no line"),
        pytest.param(
            response("APPROVE", "DENY"),
            response("REJECT", "APPROVE"),
            {1: ("APPROVE", "REJECT"), 2: ("DENY", "REJECT")},
            id="all are rejected",
        ),
        pytest.param(response("DENY"), response("DENY", "APPROVE"), {2: ("NO_ANSWER", "APPROVE")}, id="a line more"),
        pytest.param(response("DENY", "PEND"), response("DENY"), {2: ("PEND", "NO_ANSWER")}, id="a line less"),
    ],
)
def test_what_becomes_of_lines(old: Json | None, new: Json | None, moves: dict[int, tuple[str, str]]) -> None:
    moved = [each for each in difference(old, new).lines if each.moved]
    assert {each.line: (each.before.standing, each.after.standing) for each in moved} == moves


@pytest.mark.parametrize(
    ("lines", "standing"),
    [
        pytest.param(("APPROVE", "DENY"), "PARTIAL", id="none open"),
        pytest.param(("APPROVE", "REVIEW"), "REVIEW", id="a person must decide"),
        pytest.param(("PEND", "REVIEW", "DENY"), "PEND", id="the stronger of two that are open"),
        pytest.param(("DENY", "REJECT"), "REJECT", id="one rejects all"),
        pytest.param(("DENY", "DENY"), "DENY", id="all alike"),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_what_stands_for_the_claim(lines: tuple[str, ...], standing: str, form: str) -> None:
    assert said(response(*lines, form=form)).standing == standing


def test_nothing_before_and_nothing_after() -> None:
    assert not difference(None, None)
    assert said(None).standing is Standing.NO_ANSWER


def test_the_form_is_no_difference_in_what_is_said() -> None:
    for words in (("APPROVE",), ("DENY", "PEND"), ("REVIEW",), ("REJECT",)):
        assert not difference(response(*words, form=FORMS[0]), response(*words, form=FORMS[1]))


# --- reasons, policies and money


def test_another_policy_with_the_same_decision_is_a_difference() -> None:
    before, after = of_one_line(response("DENY"), response("DENY", policy="common 2026-02-01, changed by new-rules"))
    assert before.policies == {POLICY}
    assert after.policies == {"common 2026-02-01, changed by new-rules"}
    assert before.rules == after.rules


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        pytest.param(85, 85.0, True, id="as a server may write it"),
        pytest.param(85, 85.01, False, id="a cent more"),
        pytest.param(85, None, False, id="no amount"),
        pytest.param(None, 0, False, id="nothing is not zero"),
    ],
)
def test_amounts(old: float | None, new: float | None, same: bool) -> None:
    assert bool(difference(response("APPROVE", net=old), response("APPROVE", net=new))) is not same


def test_another_currency_is_a_difference() -> None:
    assert difference(response("APPROVE"), response("APPROVE", currency="CAD"))


@pytest.mark.parametrize(
    ("old", "new", "submitted"),
    [
        pytest.param(response("DENY", net=80), response("APPROVE", net=85), 85, id="as it is asked now"),
        pytest.param(response("DENY", net=80), response("REJECT"), 80, id="a rejection names no amount"),
        pytest.param(None, response("APPROVE", net=85), 85, id="new"),
        pytest.param(response("DENY", net=None), response("APPROVE", net=None), None, id="none was stated"),
    ],
)
def test_what_was_asked_for_a_line_that_moved(old: Json | None, new: Json, submitted: int | None) -> None:
    (line,) = [each for each in difference(old, new).lines if each.line == 1]
    assert (line.submitted.value if line.submitted else None) == submitted


def test_an_issue_more_is_a_difference() -> None:
    found = difference(outcome("structure"), outcome("structure", "required"))
    assert [each.after.codes - each.before.codes for each in found.lines] == [{("issue", "required")}]


def test_other_words_are_named_by_their_element() -> None:
    assert difference(response("DENY"), response("DENY"), ["disposition"])


# --- whatever our own answers say is read


@pytest.mark.parametrize("run", [clinic, clinic_as_r5], ids=["R4", "R5"])
def test_each_line_of_the_clinic_is_read_as_it_was_decided(run: Any) -> None:
    checked = sum(_as_decided(each) for each in run().answers if each.determination is not None)
    assert checked > 60


def _as_decided(answer: Answer) -> int:
    """How many lines are read back; asserts that each says what was determined."""
    assert answer.determination is not None
    assert answer.response is not None
    read = said(answer.response)
    if answer.determination.decision is Decision.REJECT:
        noted = {_rule(each) for line in answer.determination.lines for each in noteworthy(line)}
        assert read.lines[None].rules == noted
        return 0
    for line in answer.determination.lines:
        found, cancelled = read.lines[line.sequence], answer.response["status"] == "cancelled"
        assert found.standing == (Standing.CANCELLED if cancelled else line.decision.name)
        assert found.decision == line.decision.name
        assert found.codes == {("CARC" if system == CARC else "RARC", code) for system, code in reason_codes(line)}
        assert found.rules == {_rule(each) for each in noteworthy(line)}
        assert found.policies == {each.citation.policy for each in noteworthy(line)}
    return len(answer.determination.lines)


def _rule(finding: Finding) -> tuple[str, str]:
    label = "ADVICE" if finding.advisory else "NOTE" if finding.decision is Decision.WARN else finding.decision.name
    return label, finding.rule


# --- what others wrote


SECRET = "Jane Doe M-4711"
EDITED: list[Json] = [
    {"status": SECRET, "outcome": SECRET},
    {"status": 5, "outcome": ["x"], "item": SECRET, "processNote": 7, "error": {"a": 1}, "extension": [SECRET]},
    {"processNote": [{"number": 1, "text": SECRET}, {"number": ["1"], "text": ["x"]}, {"text": {"a": 1}}]},
    {"processNote": [{"number": 1, "text": f"Deny ({SECRET}): x. Source: a [{SECRET}:!]."}]},
    {"item": [{"itemSequence": SECRET}, {"itemSequence": 1, "noteNumber": {"a": 1}, "adjudication": [5, {}]}, 7]},
    {
        "item": [
            {"itemSequence": 1, "adjudication": [{"category": SECRET, "amount": {"value": True}, "reason": SECRET}]}
        ]
    },
    {"item": [{"itemSequence": 1, "adjudication": [{"amount": {"value": 1, "currency": SECRET}}]}]},
    {"item": [{"itemSequence": 1, "adjudication": [{"reason": {"coding": [{"system": CARC, "code": SECRET}]}}]}]},
    {"item": [{"itemSequence": 1, "adjudication": [{"reason": {"coding": [{"system": ["x"], "code": {}}]}}]}]},
    {"decision": {"coding": [{"system": "http://hl7.org/fhir/claim-decision", "code": SECRET}]}},
    {"decision": SECRET, "item": [{"itemSequence": 1, "reviewOutcome": {"decision": [SECRET]}}]},
    {"error": [{"itemSequence": [1], "code": SECRET}, {"code": {"coding": SECRET}}]},
]


@pytest.mark.parametrize("edit", EDITED, ids=range(len(EDITED)))
@pytest.mark.parametrize("form", FORMS)
def test_what_others_wrote_into_an_answer_is_neither_kept_nor_stumbled_over(edit: Json, form: str) -> None:
    found: Difference = difference(response("DENY", form=form) | edit, response("APPROVE", form=form))
    assert found
    assert "Jane" not in repr(found)
    assert "4711" not in repr(found)


def test_a_pending_line_without_its_code_is_neither_pended_nor_reviewed() -> None:
    plain = json.loads(json.dumps(response("PEND")).replace('"252"', '"1"'))
    assert said(plain).lines[1].standing is Standing.PENDING
    assert said(plain).standing is Standing.PENDING
