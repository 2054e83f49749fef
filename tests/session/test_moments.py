"""How FHIR dates and times are read, and how long a session lasted: instants, never wall clocks, never rounded up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapter.session.time import Days, Interval, Moment, begins, parse_moment

# --- what is a moment


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        pytest.param("2023-06-01", date(2023, 6, 1), date(2023, 6, 1), id="a day"),
        pytest.param("2023-06", date(2023, 6, 1), date(2023, 6, 30), id="a month"),
        pytest.param("2024-02", date(2024, 2, 1), date(2024, 2, 29), id="a month of a leap year"),
        pytest.param("2023", date(2023, 1, 1), date(2023, 12, 31), id="a year"),
        pytest.param("0001-01-01", date(1, 1, 1), date(1, 1, 1), id="the first day"),
        pytest.param("9999-12-31", date(9999, 12, 31), date(9999, 12, 31), id="the last day"),
    ],
)
def test_a_date_stands_for_days_and_for_no_instant(text: str, first: date, last: date) -> None:
    assert parse_moment(text) == Moment(first, last, None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-06-01", date(2023, 6, 1)),
        ("2023-06-01T00:10:00-04:00", date(2023, 6, 1)),
        ("2023-06", None),
        ("2023", None),
    ],
)
def test_only_a_full_date_names_a_day(text: str, day: date | None) -> None:
    assert parse_moment(text).day == day


@pytest.mark.parametrize(
    ("text", "in_utc"),
    [
        pytest.param("2023-06-01T14:00:00Z", datetime(2023, 6, 1, 14, tzinfo=UTC), id="Z"),
        pytest.param("2023-06-01T14:00:00+00:00", datetime(2023, 6, 1, 14, tzinfo=UTC), id="zero offset"),
        pytest.param("2023-06-01T14:00:00-04:00", datetime(2023, 6, 1, 18, tzinfo=UTC), id="behind UTC"),
        pytest.param("2023-06-01T14:00:00+05:30", datetime(2023, 6, 1, 8, 30, tzinfo=UTC), id="half an hour"),
        pytest.param("2023-06-01T01:00:00+14:00", datetime(2023, 5, 31, 11, tzinfo=UTC), id="far east"),
        pytest.param("2023-06-01T23:00:00-12:00", datetime(2023, 6, 2, 11, tzinfo=UTC), id="far west"),
        pytest.param("2023-06-01T14:00:00.5Z", datetime(2023, 6, 1, 14, 0, 0, 500000, tzinfo=UTC), id="a fraction"),
    ],
)
def test_a_time_of_day_is_an_instant(text: str, in_utc: datetime) -> None:
    assert parse_moment(text).instant == in_utc


@pytest.mark.parametrize("text", ["2023-06-01T23:30:00-04:00", "2023-06-01T00:30:00+10:00", "2023-06-01T12:00:00Z"])
def test_the_day_is_that_of_the_values_own_offset(text: str) -> None:
    assert parse_moment(text).day == date(2023, 6, 1)


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("2023-06-01T14:00:00Z", True),
        ("2023-06-01T14:00:00+00:00", True),
        ("2023-06-01T14:00:00-00:00", True),
        ("2023-06-01T14:00:00-04:00", False),
        ("2023-06-01", False),
    ],
)
def test_only_a_time_without_offset_from_utc_may_have_been_converted(text: str, converted: bool) -> None:
    assert parse_moment(text).in_utc is converted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" 2023-06-01", id="space before"),
        pytest.param("2023-06-01\n", id="line break after"),
        pytest.param("yesterday", id="a word"),
        pytest.param("IGNORED_FIELD", id="a placeholder of a real server"),
        pytest.param("20230601", id="no hyphens"),
        pytest.param("2023-6-1", id="single digits"),
        pytest.param("23-06-01", id="two-digit year"),
        pytest.param("-2023-06-01", id="a negative year"),
        pytest.param("0000-01-01", id="year zero"),
        pytest.param("2023-13", id="month 13"),
        pytest.param("2023-00-01", id="month 0"),
        pytest.param("2023-02-29", id="no leap year"),
        pytest.param("2023-06-31", id="June 31"),
        pytest.param("2023-06-01T10:00:00", id="no offset"),
        pytest.param("2023-06-01T10:00", id="no seconds and no offset"),
        pytest.param("2023-06-01T10Z", id="hours alone"),
        pytest.param("2023-06-01 10:00:00Z", id="space for T"),
        pytest.param("2023-06-01T10:00:00z", id="small z"),
        pytest.param("2023-06-01T10:00:00-0400", id="offset without colon"),
        pytest.param("2023-06-01T10:00:00EST", id="a named zone"),
        pytest.param("2023-06-01T24:00:00-04:00", id="24:00, which FHIR forbids"),
        pytest.param("2023-06-01T24:00:00Z", id="24:00 in UTC"),
        pytest.param("2023-06-01T10:60:00Z", id="minute 60"),
        pytest.param("2023-06-01T10:00:61Z", id="second 61"),
        pytest.param("2023-06-01T10:00:00.Z", id="a point without digits"),
        pytest.param("2023-06-01T10:00:00+24:00", id="an offset of a day"),
        pytest.param(
            "2023-06-01T10:00:00+05:60",
            id="an offset of 60 minutes",
        ),
        pytest.param("2023-W22-4", id="a week date"),
        pytest.param("2023-152", id="a day of the year"),
        pytest.param("2023-06-01/2023-06-02", id="an interval"),
        pytest.param(
            "2023-06-\u0660\u0661",
            id="digits that are not 0 to 9",
        ),
        pytest.param(
            "2023-06-01T10:00:00+15:00",
            id="an offset beyond 14 hours",
        ),
    ],
)
def test_what_is_no_fhir_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are for people and belong to another test
        parse_moment(text)


def test_a_leap_second_is_read() -> None:
    assert parse_moment("2016-12-31T23:59:60Z").instant == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


FHIR_MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(FHIR_MOMENTS)
def test_every_instant_survives_being_written_and_read(instant: datetime) -> None:
    assert parse_moment(instant.isoformat()).instant == instant
    assert parse_moment(instant.isoformat()).day == instant.date()


@given(FHIR_MOMENTS)
def test_what_a_moment_prints_reads_as_the_same_moment(instant: datetime) -> None:
    moment = parse_moment(instant.isoformat())
    assert parse_moment(str(moment)) == moment


@given(st.dates())
def test_every_date_survives_being_written_and_read(day: date) -> None:
    assert parse_moment(day.isoformat()) == Moment(day, day)
    assert parse_moment(day.isoformat()[:7]).first_day <= day <= parse_moment(day.isoformat()[:7]).last_day
    assert parse_moment(day.isoformat()[:4]).first_day <= day <= parse_moment(day.isoformat()[:4]).last_day


@given(
    st.text()
    | st.from_regex(r"[0-9TZ:.+-]{1,30}")
    | st.from_regex(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}")
)
@example("0000-00-00T00:00:00+99:99")
@example("2023-06-01T10:00:60+14:00")
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    try:
        found = parse_moment(text)
    except ValueError:
        return
    assert found.first_day <= found.last_day
    assert found.instant is None or found.instant.utcoffset() is not None


# --- how long


def interval(start: str | None, end: str | None) -> Interval:
    return Interval(parse_moment(start) if start else None, parse_moment(end) if end else None)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        pytest.param("2023-06-01T10:00:00-04:00", "2023-06-01T10:30:00-04:00", 30, id="half an hour"),
        pytest.param("2023-06-01T10:00:00-04:00", "2023-06-01T10:29:59-04:00", 29, id="a second short"),
        pytest.param("2023-06-01T10:00:00-04:00", "2023-06-01T10:29:59.999999-04:00", 29, id="a millionth short"),
        pytest.param("2023-06-01T10:00:00.000001-04:00", "2023-06-01T10:30:00-04:00", 29, id="a millionth late"),
        pytest.param("2023-06-01T10:00:00-04:00", "2023-06-01T10:29:60-04:00", 29, id="second 60 adds none"),
        pytest.param("2023-06-01T23:45:00-05:00", "2023-06-02T00:20:00-05:00", 35, id="past midnight (row 12)"),
        pytest.param("2023-11-05T01:45:00-04:00", "2023-11-05T01:20:00-05:00", 35, id="clocks back (row 13)"),
        pytest.param("2024-03-10T01:45:00-05:00", "2024-03-10T03:10:00-04:00", 25, id="clocks forward (row 14)"),
        pytest.param("2023-06-01T14:00:00Z", "2023-06-01T10:40:00-04:00", 40, id="two offsets (row 15)"),
        pytest.param("2023-06-01T10:00:00-04:00", "2023-06-01T10:00:00-04:00", 0, id="no time at all"),
        pytest.param("2023-06-01T10:00:00-04:00", None, None, id="no end is no length (row 7)"),
        pytest.param(None, "2023-06-01T10:30:00-04:00", None, id="no start"),
        pytest.param(None, None, None, id="neither"),
        pytest.param("2023-06-01", "2023-06-01", None, id="dates have no length (row 9)"),
        pytest.param("2023-06-01", "2023-06-01T10:30:00-04:00", None, id="a date and an instant"),
        pytest.param("2023-06", "2023-07", None, id="months"),
    ],
)
def test_minutes_are_counted_between_instants(start: str | None, end: str | None, minutes: int | None) -> None:
    assert interval(start, end).minutes == minutes


@given(FHIR_MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3)), st.integers(-14 * 60, 14 * 60))
def test_minutes_are_never_more_than_what_passed(start: datetime, length: timedelta, offset: int) -> None:
    if start > datetime(9999, 12, 20, tzinfo=UTC):
        return
    end = (start + length).astimezone(timezone(timedelta(minutes=offset)))
    found = interval(start.isoformat(), end.isoformat())
    assert found.seconds is not None
    assert found.minutes is not None
    assert timedelta(seconds=found.seconds) <= length < timedelta(seconds=found.seconds + 1)
    assert timedelta(minutes=found.minutes) <= length < timedelta(minutes=found.minutes + 1)


VISIT = ("2023-06-01T10:00:00-04:00", "2023-06-01T11:00:00-04:00")


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        pytest.param(("2023-06-01T10:10:00-04:00", "2023-06-01T10:30:00-04:00"), VISIT, True, id="inside (row 19)"),
        pytest.param(VISIT, VISIT, True, id="the same"),
        pytest.param(("2023-06-01T09:59:59-04:00", VISIT[1]), VISIT, False, id="begins before (row 20)"),
        pytest.param((VISIT[0], "2023-06-01T11:00:01-04:00"), VISIT, False, id="ends after (row 20)"),
        pytest.param(("2023-06-01T14:10:00Z", "2023-06-01T14:30:00Z"), VISIT, True, id="other offsets"),
        pytest.param(VISIT, ("2023-06-01", "2023-06-01"), True, id="a date covers its whole day"),
        pytest.param(VISIT, ("2023-06-02", "2023-06-02"), False, id="the day after"),
        pytest.param(VISIT, (VISIT[0], None), None, id="outer end unknown"),
        pytest.param((VISIT[0], None), VISIT, None, id="inner end unknown"),
        pytest.param(("2023-06-01T09:00:00-04:00", None), VISIT, False, id="begins before, end unknown"),
    ],
)
def test_whether_one_interval_lies_in_another(
    inner: tuple[str, str | None], outer: tuple[str, str | None], within: bool | None
) -> None:
    assert interval(*inner).within(interval(*outer)) is within


# --- days


JUNE = Days(date(2023, 6, 1), date(2023, 6, 30))


@pytest.mark.parametrize(
    ("days", "day", "inside"),
    [
        pytest.param(JUNE, date(2023, 5, 31), False, id="day before"),
        pytest.param(JUNE, date(2023, 6, 1), True, id="first day (row 47)"),
        pytest.param(JUNE, date(2023, 6, 30), True, id="last day (row 46)"),
        pytest.param(JUNE, date(2023, 7, 1), False, id="day after (row 45)"),
        pytest.param(Days(None, date(2023, 6, 30)), date(1, 1, 1), True, id="open start"),
        pytest.param(Days(date(2023, 6, 1), None), date(9999, 12, 31), True, id="open end"),
        pytest.param(Days(None, None), date(2023, 6, 1), True, id="open"),
    ],
)
def test_both_ends_of_a_period_count(days: Days, day: date, inside: bool) -> None:
    assert (day in days) is inside


@pytest.mark.parametrize(
    ("days", "single", "words"),
    [
        (Days(date(2023, 6, 1), date(2023, 6, 1)), date(2023, 6, 1), "2023-06-01"),
        (JUNE, None, "2023-06-01 to 2023-06-30"),
        (Days(date(2023, 6, 1), None), None, "2023-06-01 to open"),
        (Days(None, None), None, "open to open"),
    ],
)
def test_a_run_of_days_says_what_it_is(days: Days, single: date | None, words: str) -> None:
    assert (days.single, str(days)) == (single, words)


UTC_TIME, LOCAL = parse_moment("2023-06-01T14:00:00Z"), parse_moment("2023-06-01T10:00:00-04:00")
BARE = parse_moment("2023-06-01")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([LOCAL], "2023-06-01T04:00:00Z", id="in a local offset"),
        pytest.param([None, UTC_TIME, BARE, LOCAL], "2023-06-01T04:00:00Z", id="the first that tells a local offset"),
        pytest.param([UTC_TIME], "2023-05-31T10:00:00Z", id="UTC tells none: where days begin first"),
        pytest.param([], "2023-05-31T10:00:00Z", id="nothing told"),
    ],
)
def test_when_a_day_begins(told: list[Moment | None], expected: str) -> None:
    assert begins(date(2023, 6, 1), *told) == datetime.fromisoformat(expected)
