"""Whose coverage it is, whether it was in force, and who pays (rows 45 to 49, 55 and 58)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from coverage_rules.sessions import DAY, a_coverage, a_session, put, sourced, without
from coverage_rules.verdicts import (
    MET,
    NOT_APPLICABLE,
    Says,
    answers,
    denies,
    pends,
    rejects,
    reviews,
    row,
)

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Coverage
from adapter.session.time import Days

DAY_BEFORE, DAY_AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
YEAR_START, YEAR_END = date(2023, 1, 1), date(2023, 12, 31)
NO_COVERAGE = a_session(coverages=())
LOST = a_session(coverages=(a_coverage(resolved=False, status=None, beneficiary=None, payers=(), valid=None),))


def insured(*coverages: Coverage) -> CoachingSession:
    return a_session(coverages=coverages)


def second(first: Coverage, **more: Any) -> CoachingSession:
    """Cigna comes second, after ``first``."""
    return insured(first, a_coverage(sequence=2, **more))


NOT_FOCAL = sourced(False, "Claim.insurance[0].focal")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="one coverage"),
        row(second(a_coverage("aetna", focal=NOT_FOCAL)), MET, id="two coverages, one of them focal"),
        row(NO_COVERAGE, reviews("missing"), id="no coverage"),
        row(LOST, reviews("unresolved"), id="a coverage reference that leads nowhere"),
        row(second(a_coverage("aetna")), reviews("missing"), id="two focal coverages and none to choose"),
        row(put(a_session(), "claim.coverages.0.focal", None), MET, id="the only coverage need not say it is focal"),
    ],
)
def test_coverage_known(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "coverage_known", session) == [expected]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="the patient"),
        row(
            put(a_session(), "claim.coverages.0.beneficiary", sourced("Patient/2")),
            rejects("other_person", "31", "N382"),
            id="another person",
        ),
        row(
            put(a_session(), "claim.coverages.0.beneficiary", sourced("Patient/0")),
            rejects("other_person", "31", "N382"),
            id="a third person",
        ),
        row(
            put(a_session(), "claim.coverages.0.beneficiary", sourced("joe-doe")),
            reviews("unknown_person"),
            id="a beneficiary by words that lead nowhere",
        ),
        row(
            put(a_session(), "claim.coverages.0.beneficiary", sourced("Claim/1#p")),
            reviews("unknown_person"),
            id="a person contained in the claim: nobody can compare",
        ),
        row(without(a_session(), "claim.coverages.0.beneficiary"), reviews("unknown_person"), id="nobody named"),
        row(without(a_session(), "claim.patient"), reviews("unknown_person"), id="the claim names no patient"),
        row(NO_COVERAGE, NOT_APPLICABLE, id="no coverage"),
        row(LOST, NOT_APPLICABLE, id="an unresolved coverage"),
    ],
)
def test_beneficiary(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "beneficiary", session) == [expected]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        row("active", MET, id="active"),
        row("cancelled", denies("cancelled", "27"), id="cancelled"),
        row("draft", denies("draft", "27"), id="draft"),
        row(
            "entered-in-error",
            rejects("entered_in_error", "31"),
            id="entered in error",
        ),
        row(None, reviews("unknown"), id="no status"),
        row("retired", reviews("unknown"), id="a status that does not exist"),
    ],
)
def test_coverage_status(book: PolicyBook, status: str | None, expected: Says) -> None:
    read = None if status is None else sourced(status, "Coverage.status", "Coverage/1")
    assert answers(book, "coverage_status", put(a_session(), "claim.coverages.0.status", read)) == [expected]


BEFORE, AFTER, GAP = denies("before", "26"), denies("after", "27"), denies("gap", "200")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(insured(a_coverage(valid=Days(YEAR_START, YEAR_END))), MET, id="within the period"),
        row(insured(a_coverage(valid=Days(YEAR_START, DAY))), MET, id="ends on the date of service"),
        row(insured(a_coverage(valid=Days(YEAR_START, DAY_BEFORE))), AFTER, id="ended the day before"),
        row(insured(a_coverage(valid=Days(DAY, YEAR_END))), MET, id="begins on the date of service"),
        row(insured(a_coverage(valid=Days(DAY_AFTER, YEAR_END))), BEFORE, id="begins the day after"),
        row(insured(a_coverage(valid=Days(YEAR_START, None))), MET, id="has no end"),
        row(insured(a_coverage(valid=Days(None, DAY_BEFORE))), AFTER, id="has no start and ended the day before"),
        row(insured(a_coverage(valid=None)), reviews("undated"), id="has no period"),
        row(
            second(a_coverage(valid=Days(YEAR_START, DAY_BEFORE), focal=NOT_FOCAL), valid=Days(DAY_AFTER, YEAR_END)),
            GAP,
            id="one ended the day before, the next begins the day after",
        ),
        row(
            second(a_coverage(valid=Days(YEAR_START, DAY), focal=NOT_FOCAL), valid=Days(DAY_AFTER, YEAR_END)),
            BEFORE,
            id="one ended on the day, the focal one begins the day after",
        ),
        row(
            second(
                a_coverage("aetna", valid=Days(YEAR_START, DAY_BEFORE), focal=NOT_FOCAL),
                valid=Days(DAY_AFTER, YEAR_END),
            ),
            BEFORE,
            id="another payer's earlier coverage makes no gap",
        ),
        row(
            second(a_coverage(valid=Days(DAY_AFTER, None), focal=NOT_FOCAL), valid=Days(None, DAY_BEFORE)),
            GAP,
            id="one without an end begins the day after, the focal one ended the day before",
        ),
        row(
            second(a_coverage(valid=Days(None, DAY_BEFORE), focal=NOT_FOCAL), valid=Days(DAY_AFTER, None)),
            GAP,
            id="one without a start ended the day before, the focal one begins the day after",
        ),
        row(
            second(a_coverage(valid=None, focal=NOT_FOCAL), valid=Days(DAY_AFTER, YEAR_END)),
            BEFORE,
            id="another one without a period makes no gap",
        ),
        row(insured(a_coverage(valid=Days(DAY, DAY_BEFORE))), AFTER, id="begins on the day, and ended the day before"),
        row(NO_COVERAGE, NOT_APPLICABLE, id="no coverage"),
        row(LOST, NOT_APPLICABLE, id="an unresolved coverage"),
        row(
            without(a_session(), "line.serviced", "visit.encounter.period"), NOT_APPLICABLE, id="the date is not known"
        ),
    ],
)
def test_coverage_active(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "coverage_active", session) == [expected]


def addressed(to: str | None, covered_by: str | None) -> CoachingSession:
    return put(a_session(payer=covered_by), "claim.insurer", sourced(to, "Claim.insurer"))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(addressed("cigna", "cigna"), MET, id="addressed to the payer"),
        row(addressed("cigna", "aetna"), denies("wrong_payer", "109", "N418"), id="to Cigna, covered by Aetna"),
        row(addressed("aetna", "cigna"), denies("wrong_payer", "109", "N418"), id="to Aetna, covered by Cigna"),
        row(addressed(None, "cigna"), reviews("insurer_unknown"), id="to somebody not recognised"),
        row(addressed("cigna", None), NOT_APPLICABLE, id="covered by somebody not recognised"),
        row(without(a_session(), "claim.insurer"), NOT_APPLICABLE, id="addressed to nobody"),
    ],
)
def test_payer_matches(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "payer_matches", session) == [expected]


MISSING = pends("primary_missing", "MA04", "N479")
PAID = sourced(True, "Claim.insurance[0].claimResponse")
CANCELLED = sourced("cancelled", "Coverage.status")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), NOT_APPLICABLE, id="one coverage"),
        row(second(a_coverage("aetna", focal=NOT_FOCAL)), MISSING, id="Aetna first, without its result"),
        row(second(a_coverage("aetna", focal=NOT_FOCAL, prior_result=PAID)), MET, id="Aetna first, with its result"),
        row(second(a_coverage("aetna", focal=NOT_FOCAL, status=CANCELLED)), MET, id="Aetna first, but cancelled"),
        row(
            second(a_coverage("aetna", focal=NOT_FOCAL, valid=Days(YEAR_START, DAY_BEFORE))),
            MET,
            id="Aetna first, but ended the day before",
        ),
        row(
            second(a_coverage("aetna", focal=NOT_FOCAL, valid=Days(YEAR_START, DAY))),
            MISSING,
            id="Aetna first and in force to the day itself",
        ),
        row(
            insured(a_coverage(), a_coverage("aetna", sequence=2, focal=NOT_FOCAL)),
            MET,
            id="Cigna first, Aetna second",
        ),
        row(second(a_coverage("aetna", focal=NOT_FOCAL, valid=None)), MISSING, id="Aetna first, its period unknown"),
        row(second(a_coverage("aetna", focal=NOT_FOCAL, status=None)), MISSING, id="Aetna first, its status unknown"),
        row(
            without(second(a_coverage("aetna", focal=NOT_FOCAL)), "line.serviced", "visit.encounter.period"),
            MISSING,
            id="Aetna first, the date of service unknown",
        ),
        row(
            insured(
                a_coverage("aetna", focal=NOT_FOCAL),
                a_coverage("bcbs", sequence=2, focal=NOT_FOCAL),
                a_coverage(sequence=3),
            ),
            MISSING,
            id="Aetna first, Blue Cross second: the first is named",
        ),
        row(
            insured(
                a_coverage("aetna", focal=NOT_FOCAL, prior_result=PAID),
                a_coverage("bcbs", sequence=2, focal=NOT_FOCAL, prior_result=PAID),
                a_coverage(sequence=3),
            ),
            MET,
            id="Aetna first, Blue Cross second, both with their results",
        ),
    ],
)
def test_other_coverage(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "other_coverage", session) == [expected]
