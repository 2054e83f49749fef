"""The same service on another claim: duplicates and replacements (rows 34 and 36 to 39)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from coverage_rules.sessions import DAY, a_service, a_session, moment, put, said_by, without
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, denies, rejects, reviews, row, warns

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, PriorService, Related, Settlement

EXACT, OPEN = denies("exact", "18"), reviews("original_open")
NAMELESS_PROVIDER = reviews("provider_unknown")
EVE = DAY - timedelta(days=1)


def beside(**more: Any) -> CoachingSession:
    """A session with the same service on a claim of the same morning."""
    other = replace(a_service("0592T", DAY, created=moment("2023-06-02T08:59:59-04:00")), **more)
    return put(a_session(), "history", (*a_session().history, other))


SAME_INSTANT = moment("2023-06-02T09:00:00-04:00")
LATER = moment("2023-06-02T09:00:01-04:00")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="no other claim"),
        row(beside(), EXACT, id="on an earlier claim that was decided"),
        row(beside(settlement=Settlement.OPEN), OPEN, id="on an earlier claim that is open"),
        row(beside(settlement=Settlement.UNKNOWN), OPEN, id="on an earlier claim of unknown fate"),
        row(
            beside(settlement=Settlement.REJECTED), MET, id="on an earlier claim that was rejected: nothing was decided"
        ),
        row(beside(settlement=Settlement.REFUSED), MET, id="on an earlier message that was not processed"),
        row(beside(created=SAME_INSTANT), EXACT, id="created in the same second, with the lesser id"),
        row(beside(created=SAME_INSTANT, claim="Claim/9"), MET, id="created in the same second, with the greater id"),
        row(beside(created=LATER), MET, id="created a second later: then that one is the duplicate"),
        row(beside(day=DAY - timedelta(days=1)), MET, id="the day before"),
        row(beside(day=DAY + timedelta(days=1)), MET, id="the day after"),
        row(beside(code="0591T"), MET, id="another code"),
        row(beside(provider="Organization/other"), MET, id="another provider"),
        row(beside(modifiers=("22",)), MET, id="another modifier"),
        row(beside(claim=None, line=None), MET, id="the Procedure of the session itself"),
        row(beside(claim="Claim/1"), MET, id="a line of the same claim"),
        row(without(beside(provider=None), "claim.provider"), NAMELESS_PROVIDER, id="neither names its provider"),
        row(beside(provider=None), NAMELESS_PROVIDER, id="the other claim does not name its provider"),
        row(without(beside(), "claim.provider"), NAMELESS_PROVIDER, id="this claim does not name its provider"),
        row(beside(provider=None, day=EVE), MET, id="another day, and a provider nobody names"),
        row(
            beside(provider=None, settlement=Settlement.REJECTED),
            MET,
            id="a provider nobody names, on a claim that was rejected",
        ),
        row(
            put(
                beside(), "history", (*beside().history, replace(beside().history[-1], claim="Claim/00", provider=None))
            ),
            EXACT,
            id="a provider nobody names beside an exact duplicate",
        ),
    ],
)
def test_duplicate(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "duplicate", session) == [expected]


def two_lines(**more: Any) -> CoachingSession:
    """Line 2 of a claim whose line 1 bills the same service."""
    return put(beside(claim="Claim/1", **more), "line.sequence", 2)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(two_lines(), reviews("same_claim"), id="an earlier line of this claim"),
        row(two_lines(line=2), MET, id="the line itself"),
        row(two_lines(line=3), MET, id="a later line: that one is the repetition"),
        row(two_lines(day=EVE), MET, id="an earlier line, of another day"),
        row(two_lines(code="0591T"), MET, id="an earlier line, with another code"),
    ],
)
def test_same_service_on_two_lines(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "duplicate", session) == [expected]


def test_modifiers_are_compared_in_any_order(book: PolicyBook) -> None:
    other: PriorService = a_service("0592T", DAY, modifiers=("22", "HE"))
    session = put(a_session(modifiers=["HE", "22"]), "history", (other,))
    assert answers(book, "duplicate", session) == [EXACT]


def related(settlement: Settlement, *, relationship: str = "prior", claim: str | None = "Claim/0") -> Related:
    origin = said_by("Claim/1", "Claim.related[0]")
    return Related(origin, relationship, claim, identified=True, settlement=settlement)


def replacing(prior: Related) -> CoachingSession:
    return put(a_session(), "claim.related", (prior,))


NAMELESS = Related(said_by("Claim/1", "Claim.related[0]"), "prior", None, identified=False)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), NOT_APPLICABLE, id="replaces nothing"),
        row(replacing(related(Settlement.FINAL)), warns("replaces", "MA67"), id="the original was decided"),
        row(replacing(related(Settlement.OPEN)), rejects("original_open", "16", "N779"), id="the original is open"),
        row(replacing(NAMELESS), rejects("unidentified", "16", "N152"), id="the original is not named"),
        row(replacing(related(Settlement.REJECTED)), MET, id="the original was rejected: a new claim"),
        row(replacing(related(Settlement.REFUSED)), MET, id="the original was never processed: a new claim"),
        row(replacing(related(Settlement.UNKNOWN)), reviews("original_unknown"), id="the original is not on file"),
        row(
            replacing(related(Settlement.OPEN, relationship="associated")),
            NOT_APPLICABLE,
            id="an associated claim only",
        ),
    ],
)
def test_replacement(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "replacement", session) == [expected]


def test_a_replacement_is_no_duplicate_of_its_original(book: PolicyBook) -> None:
    session = put(beside(), "claim.related", (related(Settlement.FINAL),))
    assert answers(book, "duplicate", session) == [MET]
    associated = put(beside(), "claim.related", (related(Settlement.FINAL, relationship="associated"),))
    assert answers(book, "duplicate", associated) == [EXACT]
