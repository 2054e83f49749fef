"""Dates of service, of the bill and of the evidence (rows 12, 13, 15, 87 to 89)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from coverage_rules.sessions import (
    DAY,
    TODAY,
    a_procedure,
    a_session,
    an_encounter,
    moment,
    ongoing,
    period,
    put,
    sourced,
    without,
)
from coverage_rules.verdicts import (
    MET,
    NOT_APPLICABLE,
    Says,
    answers,
    denies,
    pends,
    rejects,
    row,
    warns,
    with_value,
)

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession
from adapter.session.time import Days, Interval

NEXT = DAY + timedelta(days=1)
BEFORE = DAY - timedelta(days=1)
NO_DATE = without(a_session(), "line.serviced", "visit.encounter.period")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="a date on the line"),
        row(put(a_session(), "line.serviced_inherited", True), warns("inherited"), id="the claim's billable period"),
        row(without(a_session(), "line.serviced"), warns("from_visit"), id="only the visit is dated"),
        row(NO_DATE, rejects("missing", "16", "M52"), id="no date anywhere"),
    ],
)
def test_service_date(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "service_date", session) == [expected]


def billed(created: str | None, on: date = DAY) -> CoachingSession:
    return put(
        a_session(on=on), "claim.created", None if created is None else sourced(moment(created), "Claim.created")
    )


SYDNEY = an_encounter(period("2023-06-02T08:00:00+10:00", minutes=40))
IN_SYDNEY = put(a_session(encounter=SYDNEY), "line.serviced", sourced(Days(NEXT, NEXT), "Claim.item[0].serviced"))
UTC_VISIT = an_encounter(period("2023-06-02T01:00:00Z", minutes=40))
UNKNOWN_ZONE = put(IN_SYDNEY, "visit.encounter", UTC_VISIT)
NO_VISIT = without(IN_SYDNEY, "visit.encounter")
BILLED_BEFORE, AHEAD = rejects("billed_before", "110", "N301"), rejects("in_future", "16", "N301")


@pytest.mark.parametrize(
    ("session", "today", "expected"),
    [
        row(billed("2023-06-01"), TODAY, [MET], id="billed on the day of service"),
        row(billed("2023-06-01T00:00:00-04:00"), TODAY, [MET], id="billed at midnight of the day of service"),
        row(billed("2023-05-31"), TODAY, [BILLED_BEFORE], id="billed the day before the service"),
        row(billed("2023-06-02"), TODAY, [MET], id="billed the day after"),
        row(billed("2023-06"), TODAY, [MET], id="billed in the month of the service"),
        row(billed("2023-05"), TODAY, [BILLED_BEFORE], id="billed in the month before"),
        row(billed(None), TODAY, [MET], id="the claim's own date is not recorded"),
        row(billed("2023-06-01"), DAY, [MET], id="a service of today"),
        row(billed("2023-06-01"), BEFORE, [AHEAD], id="a service of tomorrow"),
        row(billed("2023-05-31"), BEFORE, [BILLED_BEFORE, AHEAD], id="both faults are reported"),
        row(NO_DATE, TODAY, [NOT_APPLICABLE], id="no date of service to compare"),
        row(
            put(billed("2023-06-02"), "line.serviced", sourced(Days(DAY, NEXT + timedelta(days=1)))),
            TODAY,
            [BILLED_BEFORE],
            id="billed before the last of several days",
        ),
    ],
)
def test_billed_after_service(book: PolicyBook, session: CoachingSession, today: date, expected: list[Says]) -> None:
    noon = datetime.combine(today, time(12), UTC)
    assert answers(book, "billed_after_service", session, noon) == expected


@pytest.mark.parametrize(
    ("session", "now", "expected"),
    [
        row(IN_SYDNEY, "2023-06-01T14:00:00+00:00", MET, id="the day has begun in the offset of the visit"),
        row(IN_SYDNEY, "2023-06-01T13:59:59+00:00", AHEAD, id="a second before it begins there"),
        row(billed(None), "2023-06-01T03:59:59+00:00", AHEAD, id="today in UTC, and not yet in New York"),
        row(UNKNOWN_ZONE, "2023-06-01T10:00:00+00:00", MET, id="in UTC: the day has begun somewhere"),
        row(UNKNOWN_ZONE, "2023-06-01T09:59:59+00:00", AHEAD, id="in UTC: it has begun nowhere"),
    ],
)
def test_a_day_ahead_is_one_of_the_visit(book: PolicyBook, session: CoachingSession, now: str, expected: Says) -> None:
    undated = put(session, "claim.created", None)
    assert answers(book, "billed_after_service", undated, datetime.fromisoformat(now)) == [expected]


@pytest.mark.parametrize(
    ("session", "created", "expected"),
    [
        # the second of June; it began in Sydney on the first at 14:00 UTC, and nowhere before 10:00 UTC
        row(IN_SYDNEY, "2023-06-01T23:30:00Z", MET, id="east of UTC, claim in UTC: 50 minutes after the session"),
        row(IN_SYDNEY, "2023-06-01T19:30:00-04:00", MET, id="the same instant in New York"),
        row(IN_SYDNEY, "2023-06-01T14:00:00Z", MET, id="as the day begins in Sydney"),
        row(IN_SYDNEY, "2023-06-01T13:59:59Z", BILLED_BEFORE, id="a second before the day begins in Sydney"),
        row(a_session(), "2023-06-01T04:00:00Z", MET, id="as the day begins in New York"),
        row(a_session(), "2023-06-01T03:59:59Z", BILLED_BEFORE, id="on the day in UTC, not yet in New York"),
        row(UNKNOWN_ZONE, "2023-06-01T23:30:00Z", MET, id="visit and claim in UTC: the day had begun somewhere"),
        row(UNKNOWN_ZONE, "2023-06-01T10:00:00Z", MET, id="visit and claim in UTC: as it begins anywhere"),
        row(UNKNOWN_ZONE, "2023-06-01T09:59:59Z", BILLED_BEFORE, id="visit and claim in UTC: before it began anywhere"),
        row(UNKNOWN_ZONE, "2023-06-01T23:30:00-04:00", BILLED_BEFORE, id="visit in UTC: the claim's own offset"),
        row(NO_VISIT, "2023-06-01T23:30:00-04:00", BILLED_BEFORE, id="no visit: the claim's own offset"),
        row(NO_VISIT, "2023-06-02T00:00:00-04:00", MET, id="no visit: as the day begins in the claim's offset"),
        row(IN_SYDNEY, "2023-06-01", BILLED_BEFORE, id="a claim without a time: by the calendar"),
    ],
)
def test_days_of_different_offsets_are_compared_as_instants(
    book: PolicyBook, session: CoachingSession, created: str, expected: Says
) -> None:
    made = put(session, "claim.created", sourced(moment(created), "Claim.created"))
    assert answers(book, "billed_after_service", made) == [expected]


def in_sydney(created: str, began: str = "2023-06-01T08:00:00+10:00") -> CoachingSession:
    """A session on the date of service, early in the morning there, and when its claim was created."""
    return put(
        a_session(encounter=an_encounter(period(began, minutes=40))),
        "claim.created",
        sourced(moment(created), "Claim.created"),
    )


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(in_sydney("2023-05-31T23:30:00Z"), MET, id="after the session, the day before in UTC"),
        row(in_sydney("2023-05-31T19:30:00-04:00"), MET, id="after the session, the day before in another offset"),
        row(in_sydney("2023-05-31T14:00:00Z"), MET, id="the first instant of the day there"),
        row(in_sydney("2023-05-31T13:59:59Z"), BILLED_BEFORE, id="the last instant of the day before, there too"),
        row(in_sydney("2023-05-31"), BILLED_BEFORE, id="a bare date is that day, wherever"),
        row(
            in_sydney("2023-05-31T22:40:00-04:00", "2023-06-02T02:00:00Z"),
            BILLED_BEFORE,
            id="before a session whose own zone is unknown",
        ),
        row(
            in_sydney("2023-06-02T00:30:00+10:00", "2023-06-01T14:00:00Z"),
            MET,
            id="the session in UTC, the claim in the offset of the place",
        ),
    ],
)
def test_days_of_two_offsets_are_not_compared(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "billed_after_service", session) == [expected]


def test_a_claim_in_utc_is_not_before_the_session_it_follows(book: PolicyBook) -> None:
    """Both times in UTC, the day of the facility's own zone: only the instants tell which came first."""
    local = put(in_sydney("2023-05-31T23:30:00Z", "2023-05-31T22:00:00Z"), "time.days", ((DAY, ""),))
    assert answers(book, "billed_after_service", local) == [MET]


def serviced(session: CoachingSession, first: date, last: date | None = None) -> CoachingSession:
    return put(session, "line.serviced", sourced(Days(first, last or first), "Claim.item[0].serviced"))


def on_the_clock(start: str, end: str) -> CoachingSession:
    return a_session(encounter=an_encounter(period(start, end=end)))


MIDNIGHT = on_the_clock("2023-06-01T23:45:00-05:00", "2023-06-02T00:20:00-05:00")
IN_UTC = on_the_clock("2023-06-02T10:00:00Z", "2023-06-02T10:45:00Z")
NO_START = a_session(encounter=an_encounter(Interval(None, moment("2023-06-02T00:20:00-05:00"))))
NO_END = a_session(encounter=an_encounter(ongoing("2023-06-01T23:45:00-05:00")))
ONLY_A_MONTH = a_session(encounter=an_encounter(Interval(moment("2023-06"), moment("2023-06-02T00:20:00-05:00"))))
END_IN_A_MONTH = a_session(encounter=an_encounter(Interval(moment("2023-06-01T23:45:00-05:00"), moment("2023-06"))))
BACKWARDS = on_the_clock("2023-06-02T00:20:00-05:00", "2023-06-01T23:45:00-05:00")
OTHER_DAY, TOLERATED = pends("other_day", "N206"), warns("tolerated")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="the line's day is the visit's"),
        row(serviced(a_session(), BEFORE), OTHER_DAY, id="the line says the day before"),
        row(serviced(a_session(), NEXT), OTHER_DAY, id="the line says the day after"),
        row(serviced(MIDNIGHT, DAY), MET, id="past midnight: the line says the day it began"),
        row(serviced(MIDNIGHT, NEXT), TOLERATED, id="past midnight: the line says the day it ended"),
        row(serviced(MIDNIGHT, NEXT + timedelta(days=1)), OTHER_DAY, id="past midnight: the line says a third day"),
        row(serviced(MIDNIGHT, BEFORE), OTHER_DAY, id="past midnight: the line says the day before"),
        row(serviced(IN_UTC, NEXT), TOLERATED, id="in UTC, zone unknown: the UTC day"),
        row(serviced(IN_UTC, DAY), TOLERATED, id="in UTC, zone unknown: the day before"),
        row(serviced(IN_UTC, BEFORE), OTHER_DAY, id="in UTC, zone unknown: two days before"),
        row(serviced(IN_UTC, NEXT + timedelta(days=1)), OTHER_DAY, id="in UTC, zone unknown: the day after"),
        row(
            serviced(on_the_clock("2023-06-01T23:10:00-04:00", "2023-06-01T22:50:00-05:00"), DAY),
            MET,
            id="two offsets: the day of the start's own offset",
        ),
        row(without(a_session(), "line.serviced"), NOT_APPLICABLE, id="the line has no date"),
        row(without(a_session(), "visit.encounter.period"), NOT_APPLICABLE, id="the evidence has no date"),
        row(NO_START, NOT_APPLICABLE, id="nobody knows when the visit began"),
        row(
            put(
                serviced(without(a_session(), "visit.encounter.period"), NEXT),
                "visit.procedure",
                a_procedure(None, performed_at=sourced(moment("2023-06-01"), "Procedure.performed")),
            ),
            OTHER_DAY,
            id="a bare date of the procedure is compared too",
        ),
        row(serviced(a_session(), BEFORE, NEXT), MET, id="a period of the line that contains the day"),
    ],
)
def test_service_date_matches(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "service_date_matches", session) == [expected]


SEVERAL = pends("several_days", "N345")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="one day"),
        row(serviced(a_session(), DAY, NEXT), SEVERAL, id="two days"),
        row(serviced(a_session(), DAY, DAY + timedelta(days=6)), SEVERAL, id="a week"),
        row(put(a_session(), "line.serviced", sourced(Days(DAY, None))), SEVERAL, id="a period without an end"),
        row(serviced(MIDNIGHT, DAY, NEXT), MET, id="one session past midnight names both its days"),
        row(
            serviced(on_the_clock("2023-06-01T10:00:00-04:00", "2023-06-05T10:00:00-04:00"), DAY, date(2023, 6, 5)),
            SEVERAL,
            id="a visit of four days is no session past midnight",
        ),
        row(serviced(MIDNIGHT, BEFORE, NEXT), SEVERAL, id="a session past midnight, but three days"),
        row(
            serviced(IN_UTC, DAY, NEXT),
            SEVERAL,
            id="a session in UTC that did not pass midnight",
        ),
        row(serviced(NO_START, DAY, NEXT), SEVERAL, id="two days, and nobody knows when the visit began"),
        row(serviced(NO_END, DAY, NEXT), SEVERAL, id="two days, and nobody knows when the visit ended"),
        row(serviced(ONLY_A_MONTH, DAY, NEXT), SEVERAL, id="two days, and the visit began some day of the month"),
        row(serviced(END_IN_A_MONTH, DAY, NEXT), SEVERAL, id="two days, and the visit ended some day of the month"),
        row(serviced(BACKWARDS, NEXT, DAY), SEVERAL, id="line and visit that both end the day before they begin"),
        row(without(a_session(), "line.serviced"), MET, id="the visit alone is dated"),
    ],
)
def test_single_day(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "single_day", session) == [expected]


@pytest.mark.parametrize(
    ("limit", "created", "expected"),
    [
        row(None, "2030-01-01", NOT_APPLICABLE, id="off by default"),
        row(90, "2023-06-11", MET, id="10 days after the service"),
        row(90, "2023-08-30", MET, id="90 days after the service"),
        row(90, "2023-08-31", denies("too_late", "29"), id="91 days after the service"),
        row(90, None, NOT_APPLICABLE, id="the claim is not dated"),
    ],
)
def test_timely_filing(book: PolicyBook, limit: int | None, created: str | None, expected: Says) -> None:
    limited = with_value(book, "timely_filing", "filing_limit_days", limit)
    assert answers(limited, "timely_filing", billed(created)) == [expected]


def test_a_date_only_interval_is_on_its_day(book: PolicyBook) -> None:
    session = a_session(encounter=an_encounter(Interval(moment("2023-06-01"), moment("2023-06-01"))))
    assert answers(book, "service_date_matches", session) == [MET]


def test_several_days_without_a_session_are_several_days(book: PolicyBook) -> None:
    days = Days(date(2023, 6, 1), date(2023, 6, 2))
    session = put(
        without(a_session(), "visit.encounter", "visit.procedure", "time.interval"), "line.serviced", sourced(days)
    )
    assert answers(book, "single_day", session) == [pends("several_days", "N345")]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(date(2023, 6, 1), date(2023, 6, 30), id="a month"),
        pytest.param(date(2023, 1, 1), date(2023, 12, 31), id="a year"),
    ],
)
def test_a_date_that_is_no_day_is_asked_for_and_not_called_late(book: PolicyBook, first: date, last: date) -> None:
    """Only its first possible day can show that it was billed too early."""
    session = put(a_session(), "line.serviced", sourced(Days(first, last, partial=True)))
    assert answers(book, "service_date", session) == [rejects("partial", "16", "M52")]
    assert answers(book, "billed_after_service", session) == [MET]
    assert answers(book, "single_day", session) == [MET]
