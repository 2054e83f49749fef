"""The same service on another claim: duplicates and replacements (rows 34 and 36 to 39)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from coverage_rules.sessions import CLINIC, DAY, a_service, a_session, put, said_by, sourced, without
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, denies, rejects, reviews, row, warns

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, PriorService, Related, Settlement

EXACT, OPEN = denies("exact", "18"), reviews("original_open")
NAMELESS_PROVIDER, SAME_DAY = reviews("provider_unknown"), reviews("same_day")
ELSEWHERE: dict[str, Any] = {"provider": "Organization/other"}
EVE, NEXT = DAY - timedelta(days=1), DAY + timedelta(days=1)


def beside(**more: Any) -> CoachingSession:
    """A session with the same service on an earlier claim."""
    other = replace(a_service("0592T", DAY), **more)
    return put(a_session(), "history", (*a_session().history, other))


def beside_two(**more: Any) -> CoachingSession:
    """A session with the same service on one earlier claim as stated, and on line 2 of another."""
    other = a_service("0592T", DAY, claim="Claim/00", line=2, origin=said_by("Claim/00", "Claim.item[1]"), **ELSEWHERE)
    first = beside(**more)
    return put(first, "history", (*first.history, other if more else replace(other, provider=CLINIC)))


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
        row(beside(earlier=False), MET, id="on a later claim: then that one is the duplicate"),
        row(beside(tied=True), MET, id="on a claim that this one replaces, or that replaces it"),
        row(beside(denied=True), EXACT, id="on an earlier claim that was denied: a new claim does not help"),
        row(beside(day=EVE), MET, id="the day before"),
        row(beside(day=NEXT), MET, id="the day after"),
        row(beside(code="0591T"), MET, id="another code"),
        row(beside(code="0593T"), MET, id="the group session"),
        row(beside_two(), EXACT, id="on two earlier claims: the first is named"),
        row(beside(claim=None, line=None, earlier=False), MET, id="the Procedure of the session itself"),
        row(beside(claim="Claim/1", earlier=False), MET, id="a line of the same claim"),
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


def in_visit(session: CoachingSession, *visits: str) -> CoachingSession:
    return put(session, "line.visits", visits)


def with_modifiers(session: CoachingSession, *modifiers: str) -> CoachingSession:
    return put(session, "line.modifiers", a_session(modifiers=modifiers).line.modifiers)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(beside(**ELSEWHERE), SAME_DAY, id="another provider"),
        row(beside(provider="Organization/2"), SAME_DAY, id="a third provider"),
        row(beside(modifiers=("22",)), SAME_DAY, id="another modifier"),
        row(with_modifiers(beside(), "22"), SAME_DAY, id="a modifier that the other line lacks"),
        row(
            with_modifiers(beside(modifiers=("22",)), "22", "HE"),
            SAME_DAY,
            id="one modifier more than the other line",
        ),
        row(
            beside_two(modifiers=("22",)),
            SAME_DAY,
            id="of two earlier claims the first, with another modifier, is told apart",
        ),
        row(beside(modifiers=("22",), **ELSEWHERE), SAME_DAY, id="another provider and another modifier"),
        row(in_visit(beside(visits=("Encounter/2",)), "Encounter/1"), SAME_DAY, id="another visit"),
        row(in_visit(beside(visits=("Encounter/1",)), "Encounter/1"), EXACT, id="the same visit"),
        row(in_visit(beside(visits=("Encounter/2", "Encounter/1")), "Encounter/1"), EXACT, id="one visit of two"),
        row(in_visit(beside(visits=("Encounter/2",))), EXACT, id="this line names no visit"),
        row(in_visit(beside(), "Encounter/1"), EXACT, id="the other line names no visit"),
        row(beside(settlement=Settlement.OPEN, **ELSEWHERE), SAME_DAY, id="another provider, still open"),
        row(beside(settlement=Settlement.REJECTED, **ELSEWHERE), MET, id="another provider, rejected"),
        row(beside(denied=True, **ELSEWHERE), MET, id="another provider, denied: nothing is paid there"),
        row(beside(tied=True, **ELSEWHERE), MET, id="another provider, replaced"),
        row(beside(earlier=False, **ELSEWHERE), MET, id="another provider, later"),
        row(beside(day=EVE, **ELSEWHERE), MET, id="another provider, the day before"),
        row(beside(code="0591T", **ELSEWHERE), MET, id="another provider, another code"),
        row(beside(provider=None, modifiers=("22",)), SAME_DAY, id="a provider nobody names, another modifier"),
    ],
)
def test_a_second_one_of_the_day(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    """One session a day, by row 69: what is not the same line again is for a person."""
    assert answers(book, "duplicate", session) == [expected]


def peer(*visits: str, **more: Any) -> CoachingSession:
    """H0038 in ``Encounter/1`` and on an earlier claim, in these visits."""
    other = a_service("H0038", DAY, visits=visits, **more)
    return put(in_visit(a_session(code="H0038"), "Encounter/1"), "history", (other,))


def peer_line(visit: str) -> CoachingSession:
    """H0038 in ``Encounter/1`` on line 2, and in a visit on line 1."""
    return put(peer(visit, claim="Claim/1", earlier=False), "line.sequence", 2)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(peer("Encounter/2"), MET, id="another visit of the day"),
        row(peer("Encounter/2", **ELSEWHERE), MET, id="another visit, of another provider"),
        row(peer("Encounter/1"), EXACT, id="the same visit"),
        row(peer("Encounter/1", **ELSEWHERE), SAME_DAY, id="the same visit, of another provider"),
        row(peer(**ELSEWHERE), SAME_DAY, id="no visit named, another provider"),
        row(peer_line("Encounter/2"), MET, id="another visit, on an earlier line"),
        row(peer_line("Encounter/1"), reviews("same_claim"), id="the same visit, on an earlier line"),
    ],
)
def test_a_code_billed_by_time_may_recur(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "duplicate", session) == [expected]


def test_a_code_of_no_list_is_compared_too(book: PolicyBook) -> None:
    codes = replace(book.codes, services=replace(book.codes.services, codes={}))
    nothing_known = put(beside(**ELSEWHERE), "line.named_in_text", sourced("0592T"))
    assert answers(replace(book, codes=codes), "duplicate", nothing_known) == [SAME_DAY]


def two_lines(**more: Any) -> CoachingSession:
    """Line 2 of a claim whose line 1 bills the same service."""
    return put(beside(claim="Claim/1", earlier=False, **more), "line.sequence", 2)


def three_lines() -> CoachingSession:
    """Line 3 of a claim whose lines 1 and 2 bill the same service."""
    second = a_service("0592T", DAY, claim="Claim/1", line=2, earlier=False, origin=said_by("Claim/1", "Claim.item[1]"))
    session = put(two_lines(), "line.sequence", 3)
    return put(session, "history", (*session.history, second))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(two_lines(), reviews("same_claim"), id="an earlier line of this claim"),
        row(two_lines(line=2), MET, id="the line itself"),
        row(two_lines(line=3), MET, id="a later line: that one is the repetition"),
        row(two_lines(day=EVE), MET, id="an earlier line, of another day"),
        row(two_lines(day=NEXT), MET, id="an earlier line, of a later day"),
        row(two_lines(code="0591T"), MET, id="an earlier line, with another code"),
        row(two_lines(code="0593T"), MET, id="an earlier line, with the group session"),
        row(
            put(beside(earlier=False), "line.sequence", 2),
            MET,
            id="line 1 of a later claim, which is not this one",
        ),
        row(three_lines(), reviews("same_claim"), id="two earlier lines of this claim: the first is named"),
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
        row(
            replacing(related(Settlement.OPEN, relationship="referral")),
            NOT_APPLICABLE,
            id="the claim of a referral",
        ),
    ],
)
def test_replacement(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "replacement", session) == [expected]
