"""A follow-up follows an initial assessment (row 31)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from coverage_rules.sessions import DAY, a_service, a_session, said_by, without
from coverage_rules.verdicts import (
    MET,
    NOT_APPLICABLE,
    Says,
    answers,
    denies,
    pends,
    row,
    warns,
    with_value,
)

from adapter.policy.book import PolicyBook
from adapter.session.model import PriorService, Settlement

MISSING = pends("pend", "N674")
DAY_BEFORE, DAY_AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
FIRST_OF_TWO = a_service("0591T", date(2020, 1, 1), claim="Claim/00", origin=said_by("Claim/00", "Claim.item[1]"))
OPEN_ASSESSMENT = a_service("0591T", DAY_BEFORE, settlement=Settlement.OPEN)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        row((a_service("0591T", DAY_BEFORE),), MET, id="billed the day before"),
        row((a_service("0591T", DAY),), MISSING, id="billed on the same day is not earlier"),
        row((a_service("0591T", DAY_AFTER),), MISSING, id="billed the day after"),
        row((a_service("0591T", date(2020, 1, 1)),), MET, id="billed years before"),
        row((a_service("0591T", DAY_BEFORE, claim=None),), MET, id="a procedure or encounter on file"),
        row((a_service("0591T", DAY_BEFORE, provider="Organization/2"),), MET, id="billed by another clinic"),
        row((a_service("0591T", DAY_BEFORE, earlier=False),), MET, id="billed later, and decided"),
        row((a_service("0591T", DAY_BEFORE, denied=True),), MET, id="billed and denied, yet held"),
        row((a_service("0591T", DAY_BEFORE, called_off=True),), MISSING, id="billed, and called off"),
        row((OPEN_ASSESSMENT,), MISSING, id="billed and still open"),
        row((a_service("0591T", DAY_BEFORE, settlement=Settlement.UNKNOWN),), MISSING, id="billed, of unknown fate"),
        row((a_service("0591T", date(2020, 1, 1)), OPEN_ASSESSMENT), MET, id="one decided, a later one open"),
        row((a_service("0591T", DAY_BEFORE, settlement=Settlement.REJECTED),), MISSING, id="billed and rejected"),
        row((a_service("0591T", DAY_BEFORE, settlement=Settlement.REFUSED),), MISSING, id="billed, never processed"),
        row((FIRST_OF_TWO, a_service("0591T", DAY_BEFORE)), MET, id="two decided: the later one is named"),
        row(
            (replace(FIRST_OF_TWO, settlement=Settlement.OPEN), OPEN_ASSESSMENT),
            MISSING,
            id="two still open: the later one is named",
        ),
        row((a_service("0362T", DAY_BEFORE),), MISSING, id="an assessment of behaviour is none of health"),
        row((a_service("0592T", DAY_BEFORE),), MISSING, id="an earlier follow-up is no assessment"),
        row((a_service("0593T", DAY_BEFORE),), MISSING, id="an earlier group session is no assessment"),
        row((), MISSING, id="nothing on file"),
    ],
)
def test_prior_assessment(book: PolicyBook, history: tuple[PriorService, ...], expected: Says) -> None:
    assert answers(book, "prior_assessment", a_session(history=history)) == [expected]


@pytest.mark.parametrize(
    ("follows", "expected"),
    [
        row("pend", MISSING, id="pend"),
        row("warn", warns("warn"), id="warn"),
        row("deny", denies("deny", "B15", "N674"), id="deny"),
    ],
)
def test_a_plan_may_choose_what_follows(book: PolicyBook, follows: str, expected: Says) -> None:
    chosen = with_value(book, "prior_assessment", "prior_initial_assessment", follows)
    assert answers(chosen, "prior_assessment", a_session(history=())) == [expected]


@pytest.mark.parametrize(
    ("follows", "expected"),
    [
        row("pend", MISSING, id="pend"),
        row("warn", warns("warn"), id="warn"),
        row("deny", pends("undecided", "N674"), id="deny: not while nobody knows"),
    ],
)
def test_an_assessment_that_is_not_decided_denies_nothing(book: PolicyBook, follows: str, expected: Says) -> None:
    chosen = with_value(book, "prior_assessment", "prior_initial_assessment", follows)
    assert answers(chosen, "prior_assessment", a_session(history=(OPEN_ASSESSMENT,))) == [expected]


@pytest.mark.parametrize("code", ["0591T", "0593T", "H0038"])
def test_only_a_follow_up_needs_one(book: PolicyBook, code: str) -> None:
    assert answers(book, "prior_assessment", a_session(code=code, history=())) == [NOT_APPLICABLE]


def test_without_a_date_of_service_nothing_is_earlier(book: PolicyBook) -> None:
    (found,) = answers(book, "prior_assessment", without(a_session(), "line.serviced", "visit.encounter.period"))
    assert found.verdict.value in ("insufficient", "not applicable")
