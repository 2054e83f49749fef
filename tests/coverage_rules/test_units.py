"""Units billed and units supported (rows 69 to 71 and 90 to 92; coverage facts, 2.5)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from coverage_rules.sessions import DAY, a_procedure, a_session, an_encounter, at_ten, ongoing, put, sourced
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
    warns,
    with_value,
)

from adapter.coverage.rules.units import supported_units
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Procedure


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        row(None, warns("absent"), id="no quantity is read as 1"),
        row("1", MET, id="one unit"),
        row("2", MET, id="two units are a well-formed quantity"),
        row("1.0", MET, id="one written with a decimal"),
        row("0", rejects("impossible", "16", "M53"), id="zero units"),
        row("-1", rejects("impossible", "16", "M53"), id="minus one unit"),
        row("1.5", rejects("impossible", "16", "M53"), id="one unit and a half"),
        row("0.999", rejects("impossible", "16", "M53"), id="just below one unit"),
    ],
)
def test_quantity(book: PolicyBook, quantity: str | None, expected: Says) -> None:
    assert answers(book, "quantity", a_session(quantity=quantity)) == [expected]


@pytest.mark.parametrize(
    ("code", "quantity", "expected"),
    [
        row("0592T", None, MET, id="no quantity counts as one session"),
        row("0592T", 0, MET, id="no unit is another rule's question"),
        row("0592T", 1, MET, id="one session"),
        row("0592T", 2, reviews("several"), id="two units of a follow-up"),
        row("0591T", 2, reviews("several"), id="two units of an initial assessment"),
        row("0593T", 2, reviews("several"), id="two units of a group session"),
        row("H0038", 2, NOT_APPLICABLE, id="peer support is billed by time"),
    ],
)
def test_session_units(book: PolicyBook, code: str, quantity: int | None, expected: Says) -> None:
    assert answers(book, "session_units", a_session(code=code, quantity=quantity, minutes=60)) == [expected]


@pytest.mark.parametrize(
    ("minutes", "full", "midpoint", "ceiling"),
    [
        row(7, 0, 0, 1, id="7 minutes"),
        row(14, 0, 1, 1, id="14 minutes"),
        row(15, 1, 1, 1, id="15 minutes"),
        row(29, 1, 2, 2, id="29 minutes"),
        row(45, 3, 3, 3, id="45 minutes"),
        row(50, 3, 3, 4, id="50 minutes"),
        row(52, 3, 3, 4, id="52 minutes, the last of three by midpoint"),
        row(53, 3, 4, 4, id="53 minutes"),
        row(0, 0, 0, 0, id="no minutes"),
        row(8, 0, 1, 1, id="8 minutes, just past the midpoint"),
        row(38, 2, 3, 3, id="38 minutes, the first of three by midpoint"),
        row(37, 2, 2, 3, id="37 minutes, the last of two by midpoint"),
    ],
)
def test_three_conventions(minutes: int, full: int, midpoint: int, ceiling: int) -> None:
    assert supported_units(minutes * 60, 15) == {"full": full, "midpoint": midpoint, "ceiling": ceiling}


@pytest.mark.parametrize(
    ("seconds", "full", "midpoint", "ceiling"),
    [
        row(1, 0, 0, 1, id="a second is a part of a unit"),
        row(7 * 60 + 30, 0, 0, 1, id="7:30, the midpoint itself"),
        row(7 * 60 + 31, 0, 1, 1, id="7:31, past the midpoint"),
        row(14 * 60 + 59, 0, 1, 1, id="14:59, a second short of the whole unit"),
        row(15 * 60 + 1, 1, 1, 2, id="15:01, a part of the second unit"),
    ],
)
def test_three_conventions_by_the_second(seconds: int, full: int, midpoint: int, ceiling: int) -> None:
    assert supported_units(seconds, 15) == {"full": full, "midpoint": midpoint, "ceiling": ceiling}


EXCESS, UNDECIDED = denies("excess", "151", "N345"), pends("undecided", "N345")


@pytest.mark.parametrize(
    ("minutes", "units", "expected"),
    [
        row(50, 3, MET, id="50 minutes, 3 units: every convention grants them"),
        row(50, 4, UNDECIDED, id="50 minutes, 4 units: one convention grants them"),
        row(50, 5, EXCESS, id="50 minutes, 5 units: no convention grants them"),
        row(14, 1, UNDECIDED, id="14 minutes, 1 unit"),
        row(15, 1, MET, id="15 minutes, 1 unit"),
        row(15, 2, EXCESS, id="15 minutes, 2 units"),
        row(7, 1, UNDECIDED, id="7 minutes, 1 unit"),
        row(0, 1, EXCESS, id="no minutes, 1 unit"),
        row(53, 4, UNDECIDED, id="53 minutes, 4 units: two of three grant them"),
        row(60, 4, MET, id="60 minutes, 4 units"),
        row(60, 5, EXCESS, id="60 minutes, 5 units"),
        row(30, None, MET, id="no quantity counts as 1 unit"),
        row(14, None, UNDECIDED, id="no quantity and 14 minutes"),
    ],
)
def test_timed_units(book: PolicyBook, minutes: int, units: int | None, expected: Says) -> None:
    assert answers(book, "timed_units", a_session(code="H0038", minutes=minutes, quantity=units)) == [expected]


@pytest.mark.parametrize(
    ("minutes", "seconds", "units", "expected"),
    [
        row(0, 30, 1, UNDECIDED, id="half a minute, 1 unit: a started unit"),
        row(0, 30, 2, EXCESS, id="half a minute, 2 units"),
        row(15, 30, 2, UNDECIDED, id="15:30, 2 units: the second one has started"),
        row(15, 30, 3, EXCESS, id="15:30, 3 units"),
        row(14, 59, 1, UNDECIDED, id="14:59, 1 unit: seconds are never rounded up to a whole one"),
        row(45, 1, 4, UNDECIDED, id="45:01, 4 units"),
    ],
)
def test_seconds_start_a_unit(book: PolicyBook, minutes: int, seconds: int, units: int, expected: Says) -> None:
    session = a_session(code="H0038", minutes=minutes, seconds=seconds, quantity=units)
    assert answers(book, "timed_units", session) == [expected]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        row("15", EXCESS, id="15 minutes stated"),
        row("15.5", UNDECIDED, id="15 and a half stated"),
        row("16", UNDECIDED, id="16 stated, as long as the period"),
    ],
)
def test_a_stated_length_counts_its_seconds(book: PolicyBook, length: str, expected: Says) -> None:
    session = put(a_session(code="H0038", minutes=16, quantity=2), "visit.encounter.length", sourced(Decimal(length)))
    assert answers(book, "timed_units", session) == [expected]


def in_visit_of(length: str, procedure: Procedure) -> CoachingSession:
    """Four units of peer support, with a procedure inside a visit of an hour that states its length."""
    visit = an_encounter(at_ten(DAY, 60), length=length)
    return a_session(code="H0038", encounter=visit, procedure=procedure, quantity=4)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(in_visit_of("60", a_procedure(at_ten(DAY, 45))), EXCESS, id="the procedure's 45, not the visit's 60"),
        row(in_visit_of("45", a_procedure(at_ten(DAY, 45, 30))), UNDECIDED, id="the procedure's 45:30, not 45"),
        row(in_visit_of("44", a_procedure(at_ten(DAY, 45))), NOT_APPLICABLE, id="44 stated around a procedure of 45"),
        row(in_visit_of("61", a_procedure(at_ten(DAY, 60))), NOT_APPLICABLE, id="61 stated for a visit of 60"),
        row(in_visit_of("45", a_procedure(None)), EXCESS, id="the 45 stated, where the procedure has no times"),
        row(in_visit_of("60", a_procedure(None)), MET, id="the 60 stated, where the procedure has no times"),
    ],
)
def test_units_are_counted_in_the_session(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "timed_units", session) == [expected]


NO_STOP = a_session(code="H0038", encounter=an_encounter(ongoing("2023-06-01T10:00:00-04:00")))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(minutes=50, quantity=4), NOT_APPLICABLE, id="a coaching code is not billed by time"),
        row(NO_STOP, NOT_APPLICABLE, id="an unknown length is another rule's question"),
    ],
)
def test_timed_units_elsewhere(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "timed_units", session) == [expected]


@pytest.mark.parametrize(
    ("rounding", "granted"),
    [row("full", 3, id="full units only"), row("midpoint", 4, id="midpoint"), row("ceiling", 4, id="any part")],
)
def test_a_plan_may_settle_the_rounding(book: PolicyBook, rounding: str, granted: int) -> None:
    settled = with_value(book, "timed_units", "h0038_rounding", rounding)
    session = a_session(code="H0038", minutes=53)
    most, more = (
        put(session, "line.quantity", sourced(Decimal(units), "Claim.item[0].quantity"))
        for units in (granted, granted + 1)
    )
    assert answers(settled, "timed_units", most) == [MET]
    assert answers(settled, "timed_units", more) == [EXCESS]
