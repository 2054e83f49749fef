"""The visit as bars: times as they were written, minutes as the rules counted them, nothing drawn that is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from answers.story_stages import shipped
from coverage_rules.sessions import a_procedure, a_session, an_encounter, at_ten, moment, ongoing, period
from explain.pages import clinic

from adapter.cli.explained import ExplainedLine
from adapter.cli.timeline import Bar, Timeline, in_words, timeline
from adapter.cli.timeline_text import visit_rows
from adapter.coverage.adjudicate import determine
from adapter.session.model import CoachingSession, SessionTime, Visit
from adapter.session.time import Interval

DAY = date(2023, 6, 1)


def explained(session: CoachingSession) -> ExplainedLine:
    book = shipped().book
    (line,) = determine([session], book, datetime(2026, 1, 31, 12, tzinfo=UTC)).lines
    return ExplainedLine(line, session, book.in_force("cigna", session.service_date), book)


def drawn(session: CoachingSession) -> Timeline:
    found = timeline(explained(session))
    assert found is not None
    return found


def bar(visit: Timeline, name: str) -> Bar:
    (found,) = (each for each in visit.bars if each.name == name)
    return found


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        pytest.param(at_ten(DAY, 40), "2023-06-01 10:00 to 10:40 UTC-04:00", id="one day, one offset"),
        pytest.param(at_ten(DAY, 29, 59), "2023-06-01 10:00 to 10:29:59 UTC-04:00", id="seconds are not dropped"),
        pytest.param(
            period("2023-06-01T23:45:00-06:00", minutes=35),
            "2023-06-01 23:45 to 2023-06-02 00:20 UTC-06:00",
            id="over midnight",
        ),
        pytest.param(
            period("2024-03-10T01:45:00-07:00", end="2024-03-10T03:10:00-06:00"),
            "2024-03-10 01:45 UTC-07:00 to 03:10 UTC-06:00",
            id="clocks forward",
        ),
        pytest.param(ongoing("2023-06-01T10:00:00-04:00"), "2023-06-01 10:00 UTC-04:00, no end recorded", id="no end"),
        pytest.param(
            Interval(None, moment("2023-06-01T10:40:00Z")),
            "no start recorded, to 2023-06-01 10:40 UTC+00:00",
            id="no start",
        ),
        pytest.param(
            Interval(moment("2023-06-01"), moment("2023-06-01")),
            "2023-06-01 (no time of day) to 2023-06-01 (no time of day)",
            id="days only",
        ),
        pytest.param(
            Interval(moment("2023-06"), None),
            "2023-06-01 to 2023-06-30 (no time of day), no end recorded",
            id="a month only",
        ),
        pytest.param(Interval(None, None), "no times recorded", id="nothing"),
    ],
)
def test_times_stand_in_their_own_offset(interval: Interval, words: str) -> None:
    assert in_words(interval) == words


@pytest.mark.parametrize(("minutes", "short"), [(29, True), (30, False), (45, False)])
def test_documented_minutes_stand_against_the_required_ones(minutes: int, short: bool) -> None:
    visit = drawn(a_session(minutes=minutes))
    assert (visit.documented, visit.required) == (minutes, 30)
    assert bar(visit, "Documented").minutes == f"{minutes} minutes"
    assert bar(visit, "Required").minutes == "30 minutes"
    assert visit.scale is not None
    done, needed = visit.scale.place(bar(visit, "Documented")), visit.scale.place(bar(visit, "Required"))
    assert done is not None
    assert needed is not None
    assert (done[1] < needed[1]) is short


def test_a_code_without_a_minimum_requires_none() -> None:
    visit = drawn(a_session(code="0591T", minutes=20))
    assert visit.required is None
    assert bar(visit, "Required").when == "0591T names no minimum"


def test_units_of_a_timed_code_are_shown_as_time() -> None:
    visit = drawn(a_session(code="H0038", minutes=50, quantity=4))
    assert (bar(visit, "Billed").when, bar(visit, "Billed").minutes) == ("4 units of 15 minutes", "60 minutes")


@pytest.mark.parametrize(("quantity", "is_open"), [(35136, False), (35137, True), (2 * 10**9, True), (10**308, True)])
def test_units_that_come_to_more_than_a_year_run_off_the_scale(quantity: int, is_open: bool) -> None:
    visit = drawn(a_session(code="H0038", minutes=50, quantity=quantity))
    assert bar(visit, "Billed").open_ended is is_open
    assert bar(visit, "Billed").minutes == f"{15 * quantity} minutes"


def test_before_the_first_value_nothing_is_required() -> None:
    assert explained(a_session(on=date(2019, 12, 31))).required_minutes is None


def test_a_missing_end_leaves_the_bar_open_and_the_minutes_unknown() -> None:
    visit = drawn(a_session(encounter=an_encounter(ongoing("2023-06-01T10:00:00-04:00"))))
    assert visit.documented is None
    assert bar(visit, "Encounter").open_ended
    assert visit.scale is not None
    assert visit.scale.place(bar(visit, "Documented")) is None


def test_days_without_times_are_not_drawn() -> None:
    interval = Interval(moment("2023-06-01"), moment("2023-06-01"))
    visit = drawn(a_session(encounter=an_encounter(interval)))
    assert visit.scale is None
    assert bar(visit, "Encounter").minutes == "not known"


def test_times_that_contradict_each_other_are_said_to() -> None:
    visit = drawn(a_session(encounter=an_encounter(at_ten(DAY, 40), length=60)))
    assert bar(visit, "Documented").when == "the times contradict each other"
    assert bar(visit, "Encounter length").minutes == "60 minutes"


def test_a_long_stay_does_not_make_the_session_a_hair() -> None:
    stay = an_encounter(period("2023-05-30T08:00:00-04:00", end="2023-06-03T12:00:00-04:00"))
    visit = drawn(a_session(encounter=stay, procedure=a_procedure(at_ten(DAY, 40))))
    assert visit.scale is not None
    session, around = bar(visit, "Procedure"), bar(visit, "Encounter")
    assert visit.scale.begins_before(around)
    assert visit.scale.ends_after(around)
    assert not visit.scale.cuts(session)
    placed = visit.scale.place(session)
    assert placed is not None
    assert placed[1] >= 25


def test_no_visit_is_no_timeline() -> None:
    bare = replace(a_session(), visit=Visit(), time=SessionTime())
    assert timeline(explained(bare)) is None


def test_every_bar_lies_on_the_scale() -> None:
    for claim in ("a02-follow-up", "a03-29-minutes", "d02-inpatient", "e02-over-midnight", "e05-clocks-forward"):
        (line,) = clinic(claim).lines
        visit = timeline(line)
        assert visit is not None
        assert visit.scale is not None
        for each in visit.bars:
            left, width = visit.scale.place(each) or (0, 0)
            assert 0 <= left <= 100
            assert 0 <= width <= 100 - left + 1e-9
        assert all(0 <= place <= 100 for place, _ in visit.scale.ticks())
        assert 1 <= len(visit.scale.ticks()) <= 7


UTC_VISIT = an_encounter(period("2023-06-01T14:00:00Z", minutes=60))
LATE_SESSION = a_procedure(period("2023-06-01T10:10:00-04:00", minutes=40))
CLOCKS_BACK = an_encounter(period("2023-11-05T01:45:00-04:00", end="2023-11-05T01:20:00-05:00"))


@pytest.mark.parametrize(
    ("session", "offset", "first", "last"),
    [
        pytest.param(
            a_session(encounter=UTC_VISIT, procedure=LATE_SESSION), "UTC-04:00", "10:00", "11:00", id="the session's"
        ),
        pytest.param(a_session(encounter=UTC_VISIT), "UTC+00:00", "14:00", "15:00", id="UTC alone"),
        pytest.param(
            a_session(on=date(2023, 11, 5), encounter=CLOCKS_BACK), "UTC-04:00", "01:50", "02:20", id="clocks back"
        ),
    ],
)
def test_the_axis_has_one_offset_and_names_it(session: CoachingSession, offset: str, first: str, last: str) -> None:
    scale = drawn(session).scale
    assert scale is not None
    times = [text for _, text in scale.ticks()]
    assert (scale.offset, times[0], times[-1]) == (offset, first, last)


def test_an_offset_that_changes_in_the_night_is_said_for_each_end() -> None:
    visit = drawn(a_session(on=date(2023, 11, 5), encounter=CLOCKS_BACK))
    assert bar(visit, "Encounter").when == "2023-11-05 01:45 UTC-04:00 to 01:20 UTC-05:00"
    assert bar(visit, "Encounter").minutes == "35 minutes"


TEN_HOURS = an_encounter(period("2023-06-01T06:00:00-04:00", end="2023-06-01T16:00:00-04:00"))

# 38 cells: a terminal of 61 characters, less the names and the last time of the scale.
ROWS = [
    pytest.param(
        a_session(minutes=29),
        [
            ("UTC-04:00", "10:00 10:05  10:10 10:15 10:20  10:25 10:30"),
            ("Encounter", "=" * 37),
            ("", "2023-06-01 10:00 to 10:29 UTC-04:00, 29 minutes"),
            ("Documented", "#" * 37),
            ("", "whole minutes of the session, 29 minutes"),
            ("Required", "-" * 38),
            ("", "minimum of 0592T, 30 minutes"),
        ],
        id="short",
    ),
    pytest.param(
        a_session(code="0591T", encounter=an_encounter(ongoing("2023-06-01T10:00:00-04:00"))),
        [
            ("Encounter", "2023-06-01 10:00 UTC-04:00, no end recorded"),
            ("Documented", "start or stop time is not recorded"),
            ("Required", "0591T names no minimum"),
        ],
        id="no end and no minimum: no scale",
    ),
    pytest.param(
        a_session(encounter=an_encounter(ongoing("2023-06-01T10:00:00-04:00"))),
        [
            ("UTC-04:00", "10:00      10:10     10:20      10:30"),
            ("Encounter", "." * 38),
            ("", "2023-06-01 10:00 UTC-04:00, no end recorded"),
            ("Documented", "start or stop time is not recorded"),
            ("Required", "-" * 32),
            ("", "minimum of 0592T, 30 minutes"),
        ],
        id="no end: a broken line",
    ),
    pytest.param(
        a_session(encounter=TEN_HOURS, procedure=a_procedure(at_ten(DAY, 40))),
        [
            ("UTC-04:00", "  09:45   10:00  10:15  10:30  10:45  11:00"),
            ("Encounter", f"<{'=' * 36}>"),
            ("", "2023-06-01 06:00 to 16:00 UTC-04:00, 600 minutes (goes on beyond the scale)"),
            ("Procedure", " " * 10 + "=" * 18),
            ("", "2023-06-01 10:00 to 10:40 UTC-04:00, 40 minutes"),
            ("Documented", " " * 10 + "#" * 18),
            ("", "whole minutes of the session, 40 minutes"),
            ("Required", " " * 10 + "-" * 14),
            ("", "minimum of 0592T, 30 minutes"),
        ],
        id="a long visit goes on: no broken line",
    ),
]


@pytest.mark.parametrize(("session", "rows"), ROWS)
def test_a_terminal_shows_every_bar_with_its_words(session: CoachingSession, rows: list[tuple[str, str]]) -> None:
    assert list(visit_rows(drawn(session), 61, plain=True)) == rows


def test_a_terminal_that_can_draw_gets_blocks() -> None:
    drawings = [row for name, row in visit_rows(drawn(a_session(minutes=40)), 140) if name == "Documented"]
    assert drawings == ["█" * 60]


def test_times_that_would_touch_are_left_out() -> None:
    (_, ticks), *_rows = visit_rows(drawn(a_session(minutes=29)), 20, plain=True)
    assert ticks == "10:00  10:10 10:20  10:30"
