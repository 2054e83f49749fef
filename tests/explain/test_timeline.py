"""The visit as bars: times as they were written, minutes as the rules counted them, nothing drawn that is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from answers.story_stages import shipped
from coverage_rules.sessions import a_procedure, a_session, an_encounter, at_ten, moment, ongoing, period
from explain.pages import clinic

from adapter.cli.explained import ExplainedLine
from adapter.cli.show_explanation import visit_line
from adapter.cli.timeline import Bar, Timeline, in_words, timeline
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
    assert visit.scale.runs_off(around)
    assert not visit.scale.runs_off(session)
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


@pytest.mark.parametrize(
    ("session", "line"),
    [
        pytest.param(
            a_session(minutes=29), f"10:00 {'#' * 38}.. 10:29 UTC-04:00  29 minutes documented, 30 required", id="short"
        ),
        pytest.param(
            a_session(minutes=45), f"10:00 {'#' * 40} 10:45 UTC-04:00  45 minutes documented, 30 required", id="enough"
        ),
        pytest.param(
            a_session(encounter=an_encounter(ongoing("2023-06-01T10:00:00-04:00"))),
            f"10:00 {'.' * 40} no end UTC-04:00  minutes not known, 30 required",
            id="no end",
        ),
        pytest.param(
            a_session(code="0591T", minutes=20),
            f"10:00 {'#' * 40} 10:20 UTC-04:00  20 minutes documented, none required",
            id="no minimum",
        ),
    ],
)
def test_a_terminal_shows_the_visit_in_one_line(session: CoachingSession, line: str) -> None:
    assert visit_line(drawn(session), plain=True) == line
