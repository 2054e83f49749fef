"""Which policy speaks on the date of service (rows 57 and 83 to 86)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from coverage_rules.sessions import NOW, a_coverage, a_session, sourced, without
from coverage_rules.verdicts import MET, Says, answers, reviews, row, warns

from adapter.coverage.adjudicate import adjudicate
from adapter.coverage.finding import Decision
from adapter.policy.book import Policy, PolicyBook
from adapter.session.model import CoachingSession

NOT_YET, NO_RULE, UNKNOWN = reviews("not_yet"), reviews("no_rule"), reviews("payer_unknown")
ENDED = reviews("ended")
PAST_REVIEW, SUNSET = warns("past_review"), warns("sunset_unverified")


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        row(date(2020, 1, 1), [NOT_YET], id="the first day of the code"),
        row(date(2023, 4, 14), [NOT_YET], id="the day before A015"),
        row(date(2023, 4, 15), [MET], id="the first day of A015"),
        row(date(2024, 4, 14), [MET], id="the day before the review date"),
        row(date(2024, 4, 15), [MET], id="the review date itself"),
        row(date(2024, 4, 16), [MET, PAST_REVIEW], id="the day after the review date"),
        row(date(2024, 12, 31), [MET, PAST_REVIEW], id="the last day of the code's five years"),
        row(date(2025, 1, 1), [MET, PAST_REVIEW, SUNSET], id="the day after the code's five years"),
    ],
)
def test_cigna(book: PolicyBook, on: date, expected: list[Says]) -> None:
    assert answers(book, "policy_in_force", a_session(on=on)) == expected


@pytest.mark.parametrize(
    ("on", "policies", "expected"),
    [
        row(date(2023, 6, 30), [], [MET], id="its last day"),
        row(date(2023, 7, 1), [], [ENDED], id="the day after it ended"),
        row(date(2023, 7, 1), ["2024-01-01"], [ENDED], id="the next one has not begun"),
        row(date(2024, 1, 1), ["2024-01-01"], [MET], id="the first day of the next one"),
        row(date(2024, 1, 1), ["2023-01-01"], [ENDED], id="an earlier one does not come back"),
        row(date(2023, 4, 14), ["2024-01-01"], [NOT_YET], id="the day before it began"),
    ],
)
def test_a_policy_that_ended(book: PolicyBook, on: date, policies: list[str], expected: list[Says]) -> None:
    assert answers(ending(book, date(2023, 6, 30), policies), "policy_in_force", a_session(on=on)) == expected


def test_after_its_end_a_person_decides(book: PolicyBook) -> None:
    """The rules of a policy that ended bind nobody; what binds whoever pays still does."""
    ended = ending(book, date(2023, 5, 1), [])
    assert adjudicate(a_session(), book, NOW).decision is Decision.APPROVE
    assert adjudicate(a_session(), ended, NOW).decision is Decision.REVIEW
    assert adjudicate(a_session(minutes=20), ended, NOW).decision is Decision.REVIEW
    assert adjudicate(a_session(quantity=0), ended, NOW).decision is Decision.REJECT


def ending(book: PolicyBook, end: date, others: list[str]) -> PolicyBook:
    """The book where A015 ends, and is one of several policies of its payer."""
    own = book.policies["cigna-a015"]
    named = {f"of-{day}": _headed(own, effective=date.fromisoformat(day)) for day in others}
    policies = {**book.policies, **named, "cigna-a015": _headed(own, end=end)}
    return replace(book, policies=policies, by_payer={**book.by_payer, "cigna": ("cigna-a015", *named)})


def _headed(policy: Policy, **changes: date) -> Policy:
    return replace(policy, header=policy.header.model_copy(update={"next_review": None, **changes}))


def test_the_code_of_peer_support_has_no_sunset(book: PolicyBook) -> None:
    assert answers(book, "policy_in_force", a_session(code="H0038", on=date(2025, 1, 1))) == [MET, PAST_REVIEW]


TWO_PAYERS = a_coverage(payers=(sourced("cigna", "Coverage.payor[0]"), sourced("aetna", "Coverage.payor[1]")))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(payer="aetna"), NO_RULE, id="Aetna"),
        row(a_session(payer="bcbs"), NO_RULE, id="a Blue Cross Blue Shield plan"),
        row(a_session(payer="unitedhealthcare"), NO_RULE, id="UnitedHealthcare"),
        row(a_session(payer="medicare"), NO_RULE, id="Medicare before its edits"),
        row(a_session(payer="medicare", on=date(2024, 7, 1)), NO_RULE, id="Medicare with its edits"),
        row(a_session(payer=None), UNKNOWN, id="a payer nobody recognises"),
        row(a_session(coverages=()), UNKNOWN, id="no coverage"),
        row(a_session(coverages=(a_coverage(payers=()),)), UNKNOWN, id="a coverage without a payor"),
        row(a_session(coverages=(TWO_PAYERS,)), UNKNOWN, id="a coverage of two payers"),
        row(without(a_session(), "line.serviced", "visit.encounter.period"), NOT_YET, id="Cigna on an unknown day"),
    ],
)
def test_others(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "policy_in_force", session) == [expected]
