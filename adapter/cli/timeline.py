"""The visit of one line as bars on a scale: what was recorded, what counts as documented, what is required.

Times keep the offset they were written in. What is not known has no bar, and says so; an end that is missing leaves its
bar open to the edge of the scale. Nothing here decides: the minutes are those the rules counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adapter.cli.explained import ExplainedLine
from adapter.coverage.minutes import contradicts, session_minutes
from adapter.coverage.wording import counted
from adapter.session.model import CoachingSession, Origin
from adapter.session.time import Interval, Moment

MOST_ZOOM = 4
"""A stay more than so many times as long as the session runs off the scale, or the session would be a hair."""
MOST_TICKS = 6
MOST_MINUTES = 366 * 24 * 60
"""Of a stated length or of units: more, which some number in a claim may come to, runs off the scale."""
STEPS = tuple(timedelta(minutes=each) for each in (5, 10, 15, 30, 60, 120, 240, 480, 1440))


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: a name, its times and minutes in words, and its instants as far as they are known."""

    kind: str
    name: str
    when: str
    minutes: str
    start: datetime | None = None
    end: datetime | None = None
    origin: Origin | None = None

    @property
    def open_ended(self) -> bool:
        return self.start is not None and self.end is None


@dataclass(frozen=True, slots=True)
class Scale:
    """The stretch of time that the bars are drawn on."""

    begin: datetime
    end: datetime

    def seen_from(self, begun: datetime | None) -> Scale:
        """The same stretch in the offset the session began in, where that is known: the axis has one offset only."""
        zone = (begun or self.begin).tzinfo
        return Scale(self.begin.astimezone(zone), self.end.astimezone(zone))

    def place(self, bar: Bar) -> tuple[float, float] | None:
        """Left edge and width of a bar in percent of the scale; None where it has no place."""
        if bar.start is None:
            return None
        left, right = (min(100.0, max(0.0, self.percent(each))) for each in (bar.start, bar.end or self.end))
        return left, right - left

    @property
    def offset(self) -> str:
        """The offset all times of the scale are in, whatever offset a bar was recorded in."""
        return _offset(self.begin)

    def percent(self, instant: datetime) -> float:
        return 100 * ((instant - self.begin) / (self.end - self.begin))

    def begins_before(self, bar: Bar) -> bool:
        """Whether a bar is cut off at the left edge."""
        return bar.start is not None and bar.start < self.begin

    def ends_after(self, bar: Bar) -> bool:
        """Whether a bar is cut off at the right edge, its end being known."""
        return bar.end is not None and bar.end > self.end

    def cuts(self, bar: Bar) -> bool:
        """Whether a bar goes on beyond the scale."""
        return self.begins_before(bar) or self.ends_after(bar)

    def ticks(self) -> list[tuple[float, str]]:
        """Round times of the day, with their place in percent, in the scale's one offset."""
        length = self.end - self.begin
        step = next((each for each in STEPS if length <= each * MOST_TICKS), length)
        midnight = self.begin.replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight + -(-(self.begin - midnight) // step) * step
        times = [first + number * step for number in range(int((self.end - first) / step) + 1)]
        return [(self.percent(each), f"{each:%H:%M}") for each in times]


@dataclass(frozen=True, slots=True)
class Timeline:
    """All rows of a visit, and the scale they share; no scale where no time of day is known."""

    bars: tuple[Bar, ...]
    scale: Scale | None
    required: int | None
    documented: int | None

    @property
    def limit(self) -> datetime | None:
        """The instant the session has to reach."""
        return next((each.end for each in self.bars if each.name == "Required"), None)

    @property
    def summary(self) -> str:
        """Documented against required minutes."""
        documented = "not known" if self.documented is None else str(self.documented)
        required = "none" if self.required is None else str(self.required)
        return f"Minutes documented: {documented}. Minutes required: {required}."


def timeline(explained: ExplainedLine) -> Timeline | None:
    """The visit of a line; None where none is on file, or none was looked for."""
    session = explained.session
    if not explained.is_ours or (session.visit.encounter is None and session.visit.procedure is None):
        return None
    bars = tuple(_bars(explained))
    scale = _scale(bars)
    return Timeline(
        bars=bars,
        scale=scale.seen_from(_begun(session)) if scale else None,
        required=explained.required_minutes,
        documented=session_minutes(session),
    )


def _bars(explained: ExplainedLine) -> Iterator[Bar]:
    session = explained.session
    yield from _encounter(session)
    yield from _procedure(session)
    yield _documented(session)
    yield _required(explained)
    if explained.unit_minutes is not None:
        yield _billed(session, explained.unit_minutes)


def _encounter(session: CoachingSession) -> Iterator[Bar]:
    encounter = session.visit.encounter
    if encounter is None:
        return
    if encounter.period is None:
        yield Bar("recorded", "Encounter", "no times recorded", "", origin=encounter.origin)
    else:
        yield _recorded("Encounter", encounter.period.value, encounter.period.origin)
    if encounter.length is not None:
        stated = counted(int(encounter.length.value), "minute")
        yield Bar("recorded", "Encounter length", "as stated", stated, origin=encounter.length.origin)


def _procedure(session: CoachingSession) -> Iterator[Bar]:
    procedure = session.visit.procedure
    if procedure is None:
        return
    if procedure.performed is not None:
        yield _recorded("Procedure", procedure.performed.value, procedure.performed.origin)
    elif procedure.performed_at is not None:
        single = procedure.performed_at
        yield _recorded("Procedure", Interval(single.value, None), single.origin)
    else:
        yield Bar("recorded", "Procedure", "no times recorded", "", origin=procedure.origin)


def _recorded(name: str, interval: Interval, origin: Origin) -> Bar:
    minutes = "not known" if interval.minutes is None else counted(interval.minutes, "minute")
    start, end = (each.instant if each else None for each in (interval.start, interval.end))
    return Bar("recorded", name, in_words(interval), minutes, start, end, origin)


def _documented(session: CoachingSession) -> Bar:
    """The minutes that count, from the start of the session."""
    minutes, start = session_minutes(session), _begun(session)
    if minutes is None:
        why = "the times contradict each other" if contradicts(session) else "start or stop time is not recorded"
        return Bar("documented", "Documented", why, "not known")
    known = counted(minutes, "minute")
    return Bar("documented", "Documented", "whole minutes of the session", known, start, _after(start, minutes))


def _required(explained: ExplainedLine) -> Bar:
    minutes, start, code = explained.required_minutes, _begun(explained.session), explained.session.code
    if minutes is None:
        return Bar("required", "Required", f"{code or 'the line'} names no minimum", "none")
    end = _after(start, minutes)
    return Bar("required", "Required", f"minimum of {code}", counted(minutes, "minute"), start, end)


def _billed(session: CoachingSession, unit: int) -> Bar:
    """The units of the line as time, for a code that is billed by time."""
    units = session.line.quantity.value if session.line.quantity else 1
    minutes, start = int(units * unit), _begun(session)
    end = _after(start, minutes) if minutes > 0 else start
    return Bar(
        "required",
        "Billed",
        f"{counted(units, 'unit')} of {counted(unit, 'minute')}",
        counted(minutes, "minute"),
        start,
        end,
    )


def _after(start: datetime | None, minutes: int) -> datetime | None:
    """The end of so many minutes; None of more than can be drawn."""
    return start + timedelta(minutes=minutes) if start and minutes <= MOST_MINUTES else None


def _begun(session: CoachingSession) -> datetime | None:
    """The instant the session is said to begin at."""
    interval = session.time.interval
    return interval.value.start.instant if interval and interval.value.start else None


def _scale(bars: tuple[Bar, ...]) -> Scale | None:
    """From the first to the last instant; a long stay is cut to the surroundings of the session."""
    whole = _around(bars)
    session = _around(tuple(each for each in bars if each.kind != "recorded")) or _around(
        tuple(each for each in bars if each.name == "Procedure")
    )
    if whole is None or session is None or whole.end - whole.begin <= (session.end - session.begin) * MOST_ZOOM:
        return whole
    margin = (session.end - session.begin) / 2
    return Scale(max(whole.begin, session.begin - margin), min(whole.end, session.end + margin))


def _around(bars: tuple[Bar, ...]) -> Scale | None:
    starts = [each.start for each in bars if each.start is not None]
    ends = [each.end for each in bars if each.end is not None]
    if not starts or max([*starts, *ends]) == min(starts):
        return None
    begin, end = min(starts), max([*starts, *ends])
    beyond = (end - begin) / 5 if any(each.open_ended for each in bars) else timedelta(0)
    return Scale(begin, end + beyond)


# --- words


def in_words(interval: Interval) -> str:
    """A period in its own offset; a day or an offset is said again only where it changes."""
    start, end = interval.start, interval.end
    if start is None and end is None:
        return "no times recorded"
    if start is None or end is None:
        begun = f"{_moment(start)}, no end recorded" if start else ""
        return begun or f"no start recorded, to {_moment(end)}"
    if start.instant is None or end.instant is None or start.instant.utcoffset() != end.instant.utcoffset():
        return f"{_moment(start)} to {_moment(end, start.day)}"
    day = "" if start.day == end.day else f"{end.day} "
    return f"{start.day} {clock(start.instant)} to {day}{clock(end.instant)} {_offset(start.instant)}"


def _moment(moment: Moment | None, said: date | None = None) -> str:
    """One end of a period; ``said`` is the day that stands before it already."""
    if moment is None:
        return ""
    if moment.instant is None:
        days = str(moment.day) if moment.day else f"{moment.first_day} to {moment.last_day}"
        return f"{days} (no time of day)"
    day = "" if moment.day == said else f"{moment.day} "
    return f"{day}{clock(moment.instant)} {_offset(moment.instant)}"


def clock(instant: datetime) -> str:
    """The time of day in the value's own offset; seconds only where there are some."""
    return f"{instant:%H:%M:%S}" if instant.second else f"{instant:%H:%M}"


def _offset(instant: datetime) -> str:
    written = f"{instant:%z}"
    return f"UTC{written[:3]}:{written[3:5]}"
