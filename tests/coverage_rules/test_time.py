"""How long the session lasted (coverage facts, rows 1 to 9 and 12 to 20)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from coverage_rules.sessions import (
    DAY,
    a_procedure,
    a_session,
    an_encounter,
    at_ten,
    moment,
    ongoing,
    period,
    put,
    sourced,
    without,
)
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, ask, denies, pends, row, warns

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession
from adapter.session.time import Interval

SHORT = denies("short", "152", "N163")
UNKNOWN = pends("unknown", "N443")
DATE_ONLY = Interval(moment("2023-06-01"), moment("2023-06-01"))
NO_VISIT = without(a_session(), "visit.encounter")


def lasting(interval: Interval | None, length: int | None = None) -> CoachingSession:
    return a_session(encounter=an_encounter(interval, length=length))


def performed(inside: Interval | None, around: Interval | None, length: int | None = None) -> CoachingSession:
    return a_session(procedure=a_procedure(inside), encounter=an_encounter(around, length=length))


RIVALS = put(lasting(at_ten(DAY, 45), 40), "visit.encounter.other_lengths", (sourced(Decimal(25)),))
UNCLEAR = put(lasting(at_ten(DAY, 45)), "visit.encounter.length_unclear", sourced(True))
NO_LENGTH = pends("length_unclear", "N206", "N443")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(minutes=29), SHORT, id="one minute short"),
        row(a_session(minutes=29, seconds=59), SHORT, id="one second short is not rounded up"),
        row(a_session(minutes=30), MET, id="exactly the minimum"),
        row(a_session(minutes=31), MET, id="a minute over"),
        row(a_session(minutes=16), SHORT, id="past the midpoint is not enough"),
        row(a_session(minutes=0), SHORT, id="start and stop in the same minute"),
        row(a_session(minutes=20, modifiers=["22"]), SHORT, id="modifier 22 cannot rescue time"),
        row(a_session(code="0593T", minutes=29), SHORT, id="a group one minute short"),
        row(a_session(code="0593T", minutes=30), MET, id="a group of exactly the minimum"),
        row(a_session(code="0591T", minutes=20), NOT_APPLICABLE, id="the initial assessment names no minimum"),
        row(a_session(code="H0038", minutes=20), NOT_APPLICABLE, id="peer support names no minimum"),
        row(lasting(ongoing("2023-06-01T10:00:00-04:00")), UNKNOWN, id="no stop time recorded"),
        row(lasting(Interval(None, moment("2023-06-01T10:45:00-04:00"))), UNKNOWN, id="no start time recorded"),
        row(lasting(DATE_ONLY), UNKNOWN, id="dates without times are never 24 hours"),
        row(lasting(None), UNKNOWN, id="no times at all"),
        row(lasting(None, length=45), UNKNOWN, id="a length alone"),
        row(lasting(ongoing("2023-06-01T10:00:00-04:00"), length=45), UNKNOWN, id="a length and a start only"),
        row(NO_VISIT, NOT_APPLICABLE, id="no visit on file is another rule's question"),
        row(
            lasting(period("2023-06-01T23:45:00-05:00", end="2023-06-02T00:20:00-05:00")),
            MET,
            id="35 minutes past midnight",
        ),
        row(
            lasting(period("2023-11-05T01:45:00-04:00", end="2023-11-05T01:20:00-05:00")),
            MET,
            id="35 minutes while the clock goes back",
        ),
        row(
            lasting(period("2024-03-10T01:45:00-05:00", end="2024-03-10T03:10:00-04:00")),
            SHORT,
            id="25 minutes while the clock goes forward",
        ),
        row(
            lasting(period("2023-06-01T10:00:00-04:00", end="2023-06-01T09:30:00-05:00")),
            MET,
            id="30 minutes between two offsets",
        ),
        row(
            lasting(period("2023-06-01T10:00:00-04:00", end="2023-06-01T09:29:00-05:00")),
            SHORT,
            id="29 minutes between two offsets",
        ),
        row(lasting(at_ten(DAY, 40), length=25), SHORT, id="length 25 in a period of 40: the smaller counts"),
        row(lasting(at_ten(DAY, 40), length=30), MET, id="length 30 in a period of 40"),
        row(lasting(at_ten(DAY, 30), length=30), MET, id="length and period agree"),
        row(lasting(at_ten(DAY, 30), length=31), UNKNOWN, id="length one minute above its period contradicts"),
        row(performed(at_ten(DAY, 29), at_ten(DAY, 60)), SHORT, id="procedure of 29 minutes in a visit of 60"),
        row(performed(at_ten(DAY, 30), at_ten(DAY, 60)), MET, id="procedure of 30 minutes in a visit of 60"),
        row(performed(None, at_ten(DAY, 30)), MET, id="a procedure without times leaves the visit's"),
        row(performed(None, at_ten(DAY, 29)), SHORT, id="a procedure without times leaves the visit's 29 minutes"),
        row(performed(at_ten(DAY, 35), at_ten(DAY, 60), length=30), UNKNOWN, id="length below the procedure inside it"),
        row(without(performed(at_ten(DAY, 30), None), "visit.encounter"), MET, id="a procedure without an encounter"),
        row(RIVALS, UNKNOWN, id="documents state two lengths"),
        row(UNCLEAR, UNKNOWN, id="a length that is no number of minutes"),
    ],
)
def test_session_length(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "session_length", session) == [expected]


@pytest.mark.parametrize(
    ("on", "minutes", "expected"),
    [
        row(date(2020, 1, 1), 29, SHORT, id="29 minutes on the first day of the code"),
        row(date(2020, 1, 1), 30, MET, id="30 minutes on the first day of the code"),
        row(date(2023, 4, 14), 29, SHORT, id="29 minutes the day before A015"),
        row(date(2023, 4, 15), 29, SHORT, id="29 minutes on the first day of A015"),
        row(date(2025, 1, 1), 29, SHORT, id="29 minutes after the five-year term"),
    ],
)
def test_session_length_by_date(book: PolicyBook, on: date, minutes: int, expected: Says) -> None:
    assert answers(book, "session_length", a_session(on=on, minutes=minutes)) == [expected]


OUTSIDE, CONTRADICTORY = pends("outside", "N206"), pends("contradictory", "N206", "N443")
NINE_FIFTY, TEN_TEN = "2023-06-01T09:50:00-04:00", "2023-06-01T10:10:00-04:00"


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), [MET], id="start and stop recorded"),
        row(a_session(code="0591T"), [MET], id="start and stop of an initial assessment"),
        row(lasting(ongoing("2023-06-01T10:00:00-04:00")), [UNKNOWN], id="no stop time"),
        row(lasting(DATE_ONLY), [UNKNOWN], id="dates only"),
        row(lasting(None, length=45), [UNKNOWN], id="length alone"),
        row(lasting(None), [UNKNOWN], id="no times"),
        row(
            put(lasting(None), "visit.procedure", a_procedure(None, performed_at=sourced(moment(NINE_FIFTY)))),
            [UNKNOWN],
            id="a single moment is no length",
        ),
        row(NO_VISIT, [NOT_APPLICABLE], id="no visit on file"),
        row(lasting(at_ten(DAY, 30), length=45), [CONTRADICTORY], id="length 45 in a period of 30"),
        row(lasting(at_ten(DAY, 30), length=30), [MET], id="length 30 in a period of 30"),
        row(performed(at_ten(DAY, 35), at_ten(DAY, 60), 30), [CONTRADICTORY], id="length below the procedure"),
        row(
            a_session(encounter=an_encounter(at_ten(DAY, 45), length_unit_unknown=sourced("mins"))),
            [warns("length_ignored"), MET],
            id="a length in an unknown unit is as if absent",
        ),
        row(RIVALS, [CONTRADICTORY], id="documents state two lengths"),
        row(UNCLEAR, [NO_LENGTH, MET], id="a length that is no number of minutes"),
        row(performed(at_ten(DAY, 60), at_ten(DAY, 60)), [MET], id="procedure and visit of the same minutes"),
        row(performed(period(NINE_FIFTY, minutes=30), at_ten(DAY, 60)), [OUTSIDE, MET], id="begins before its visit"),
        row(
            performed(period(TEN_TEN, minutes=51), at_ten(DAY, 60)), [OUTSIDE, MET], id="ends a minute after its visit"
        ),
        row(performed(period(TEN_TEN, minutes=50), at_ten(DAY, 60)), [MET], id="ends with its visit"),
        row(performed(at_ten(DAY, 30), at_ten(date(2023, 6, 2), 60)), [OUTSIDE, MET], id="the visit was the next day"),
        row(performed(at_ten(DAY, 30), DATE_ONLY), [MET], id="the visit names the day only"),
        row(
            performed(at_ten(DAY, 30), ongoing("2023-06-01T10:00:00-04:00")),
            [MET],
            id="the visit's end is not recorded",
        ),
    ],
)
def test_session_times(book: PolicyBook, session: CoachingSession, expected: list[Says]) -> None:
    assert answers(book, "session_times", session) == expected


def test_a_finding_names_where_its_times_come_from(book: PolicyBook) -> None:
    (short,) = ask(book, "session_length", lasting(at_ten(DAY, 40), length=25))
    origins = [str(each.origin) for each in short.used]
    assert origins == ["Encounter/1/_history/1 Encounter.period", "Encounter/1/_history/1 Encounter.length"]
