"""Claims that cannot be processed at all: answered by an OperationOutcome (rows 35, 40 to 42, 44 and 56)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from coverage_rules.sessions import DAY, a_coverage, a_service, a_session, put, sourced, without
from coverage_rules.verdicts import SAID, row

from adapter.coverage.refusal import refusals
from adapter.session.model import CoachingSession, PriorService, Settlement


def claim(status: str | None = "active", use: str | None = "claim") -> CoachingSession:
    session = put(a_session(), "claim.status", None if status is None else sourced(status, "Claim.status"))
    return put(session, "claim.use", None if use is None else sourced(use, "Claim.use"))


def refused(session: CoachingSession, *, answered_before: bool = False) -> list[tuple[str, str]]:
    found = list(refusals(session.claim, session.history, answered_before))
    SAID.extend(found)
    return [(issue.code, issue.expression) for issue in found]


STATUS, USE = ("business-rule", "Claim.status"), ("not-supported", "Claim.use")
FOCAL = ("business-rule", "Claim.insurance.focal")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(claim(), [], id="an active claim for payment"),
        row(claim("draft"), [STATUS], id="a draft"),
        row(claim("entered-in-error"), [STATUS], id="entered in error"),
        row(claim(None), [STATUS], id="no status"),
        row(claim("cancelled"), [("not-found", "Claim.status")], id="cancels a claim nobody answered"),
        row(claim(use="preauthorization"), [USE], id="a preauthorization"),
        row(claim(use="predetermination"), [USE], id="a predetermination"),
        row(claim(use=None), [USE], id="no use"),
        row(claim("draft", "preauthorization"), [STATUS, USE], id="both faults are listed"),
    ],
)
def test_status_and_use(session: CoachingSession, expected: list[tuple[str, str]]) -> None:
    assert refused(session) == expected


def test_cancelling_an_answered_claim_is_no_fault() -> None:
    assert refused(claim("cancelled"), answered_before=True) == []


def focal(*values: bool | None) -> CoachingSession:
    return a_session(
        coverages=tuple(
            a_coverage(sequence=number, focal=None if value is None else sourced(value, "Claim.insurance.focal"))
            for number, value in enumerate(values, 1)
        )
    )


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(focal(True, False), [], id="one of two"),
        row(focal(True, True), [FOCAL], id="both of two"),
        row(focal(False, False), [FOCAL], id="none of two"),
        row(focal(None, None), [FOCAL], id="not said of two"),
        row(focal(True, None), [], id="one of two, the other says nothing"),
        row(focal(False), [], id="not said of the only one"),
        row(focal(), [], id="no insurance: coverage_known says so"),
    ],
)
def test_focal(session: CoachingSession, expected: list[tuple[str, str]]) -> None:
    assert refused(session) == expected


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(put(a_session(), "claim.sequences", (1, 2)), [], id="two lines, two numbers"),
        row(
            put(a_session(), "claim.sequences", (1, 1)),
            [("business-rule", "Claim.item.sequence")],
            id="two lines, one number",
        ),
        row(
            put(a_session(), "claim.sequences", (3, 1, 2, 3)),
            [("business-rule", "Claim.item.sequence")],
            id="four lines, of which two share a number",
        ),
        row(without(a_session(), "claim.patient"), [("required", "Claim.patient")], id="nobody is the patient"),
    ],
)
def test_what_an_answer_needs(session: CoachingSession, expected: list[tuple[str, str]]) -> None:
    assert refused(session) == expected


DUPLICATE = [("duplicate", "Claim.identifier")]
SAME = "urn:clinic|1"


def beside(**more: Any) -> CoachingSession:
    other: PriorService = a_service("0592T", DAY, identifiers=(SAME,), settlement=Settlement.OPEN)
    return put(a_session(), "history", (replace(other, **more),))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(beside(), DUPLICATE, id="the same identifier on an earlier claim that is open"),
        row(beside(settlement=Settlement.FINAL), [], id="... that was decided: then it is a duplicate service"),
        row(beside(settlement=Settlement.REJECTED), [], id="... that was rejected"),
        row(beside(identifiers=("urn:clinic|2",)), [], id="another identifier"),
        row(beside(identifiers=()), [], id="no identifier"),
        row(beside(earlier=False), [], id="a later claim: that one is refused"),
        row(beside(settlement=Settlement.UNKNOWN), [], id="... on which we crashed: nobody knows"),
        row(without(beside(), "claim.identifiers"), [], id="this claim has no identifier"),
        row(beside(tied=True), [], id="a replacement may keep the number"),
    ],
)
def test_same_identifier(session: CoachingSession, expected: list[tuple[str, str]]) -> None:
    assert refused(session) == expected


def test_a_claim_that_is_replaced_does_not_hide_another_of_the_same_number() -> None:
    replaced, other = (beside(tied=tied).history[0] for tied in (True, False))
    assert refused(put(a_session(), "history", (replaced, other))) == DUPLICATE
