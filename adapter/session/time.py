"""FHIR dates and times, without guessing.

A FHIR ``dateTime`` may stop at the year, the month or the day; with hours it must carry an offset
(https://hl7.org/fhir/R4/datatypes.html#dateTime). Minutes are counted between instants, never between wall clocks, and
an unknown end stays unknown. Days are inclusive at both ends, as in a FHIR Period.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from adapter.values import value

_DATE_TIME = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2})"
    r"(T(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?P<fraction>\.\d+)?(?P<offset>Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?)?)?)?",
    re.ASCII,
)


FIRST_ZONE = timezone(timedelta(hours=14))
"""Where each day begins first."""


@value(frozen=True, slots=True)
class Moment:
    """A FHIR date or dateTime: the days it may mean and, with a time of day, the instant."""

    first_day: date
    last_day: date
    instant: datetime | None = None

    @property
    def day(self) -> date | None:
        """The calendar day in the value's own offset; None when only a month or a year is known."""
        return self.first_day if self.first_day == self.last_day else None

    @property
    def in_utc(self) -> bool:
        """The offset is zero: the value may have been converted and the local day is then unknown."""
        return self.instant is not None and self.instant.utcoffset() == timedelta(0)

    def __str__(self) -> str:
        return self.instant.isoformat() if self.instant else str(self.first_day)


def parse_moment(text: str) -> Moment:
    """Read a FHIR date, dateTime or instant.

    Raises:
        ValueError: not a FHIR date or time; hours without an offset; a day or time that does not exist.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a FHIR date or dateTime")
    written, month, day, hour, offset = match.group("year", "month", "day", "hour", "offset")
    year = int(written)
    if month is None:
        return Moment(date(year, 1, 1), date(year, 12, 31))
    if day is None:
        return Moment(date(year, int(month), 1), date(year, int(month), calendar.monthrange(year, int(month))[1]))
    on = date(year, int(month), int(day))
    if hour is None:
        return Moment(on, on)
    if offset is None:
        raise ValueError("a time of day without a time zone offset")
    return Moment(on, on, _instant(text, match))


def _instant(text: str, match: re.Match[str]) -> datetime:
    seconds = match["second"]
    if seconds == "60":  # a leap second is legal in FHIR and unknown to datetime
        seconds = "59"
    fraction = (match["fraction"] or "")[:7]
    return datetime.fromisoformat(f"{text[:16]}:{seconds}{fraction}{match['offset']}")


def begins(day: date, *told: Moment | None) -> datetime:
    """When a day begins: in the offset of the first moment that tells a local one, else where days begin first."""
    local = (each.instant.tzinfo for each in told if each is not None and each.instant and not each.in_utc)
    return datetime.combine(day, time(), next(local, FIRST_ZONE))


def instant_or_last(moment: Moment | None) -> datetime:
    """For ordering: the instant, midnight UTC of a bare date, and an unknown time after every known one."""
    if moment is None:
        return datetime.max.replace(tzinfo=UTC)
    return moment.instant or datetime.combine(moment.first_day, time(), UTC)


@value(frozen=True, slots=True)
class Interval:
    """A FHIR Period with times; None at an end means *unknown or ongoing*, never zero."""

    start: Moment | None
    end: Moment | None

    @property
    def seconds(self) -> int | None:
        """Whole seconds between the instants; None unless both ends have a time of day."""
        if self.start is None or self.end is None or self.start.instant is None or self.end.instant is None:
            return None
        return (self.end.instant - self.start.instant) // timedelta(seconds=1)

    @property
    def minutes(self) -> int | None:
        """Whole minutes, never rounded up."""
        return None if self.seconds is None else self.seconds // 60

    @property
    def instants(self) -> tuple[datetime, datetime] | None:
        """Both bounds as instants; None unless both have a time of day."""
        if self.start is None or self.end is None or self.start.instant is None or self.end.instant is None:
            return None
        return self.start.instant, self.end.instant

    def overlaps(self, other: Interval) -> bool:
        """Whether both share more than an instant; False where a bound is unknown."""
        one, two = self.instants, other.instants
        return one is not None and two is not None and one[0] < two[1] and two[0] < one[1]

    def within(self, outer: Interval) -> bool | None:
        """Whether this lies inside ``outer``; None when a bound that would decide it is unknown."""
        starts = _at_most(outer.start, self.start)
        ends = _at_most(self.end, outer.end)
        if starts is False or ends is False:
            return False
        return None if starts is None or ends is None else True


def _at_most(earlier: Moment | None, later: Moment | None) -> bool | None:
    """Whether ``earlier`` does not come after ``later``; days are compared where one side has no time of day."""
    if earlier is None or later is None:
        return None
    if earlier.instant is not None and later.instant is not None:
        return earlier.instant <= later.instant
    return earlier.first_day <= later.last_day


@value(frozen=True, slots=True)
class Days:
    """A run of calendar days, inclusive; None at an end means open."""

    start: date | None
    end: date | None
    partial: bool = False
    """A single date of which only the month or the year is known."""

    def __contains__(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    @property
    def single(self) -> date | None:
        return self.start if self.start is not None and self.start == self.end else None

    def __str__(self) -> str:
        if self.start is not None and self.start == self.end:
            return str(self.start)
        return f"{self.start or 'open'} to {self.end or 'open'}"


def utc_day_before(moment: Moment) -> date:
    """The other local day that a UTC time can mean in the Americas."""
    assert moment.instant is not None  # noqa: S101 - callers ask only about moments with a time of day
    return day_after(moment.instant.astimezone(UTC).date(), -1)


def day_after(day: date, days: int) -> date:
    """A day some days later; the calendar's first and last day have nothing beyond them."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return day


def instant_in(text: str) -> datetime | None:
    """The instant that a text says; None of a day, of a time without an offset, and of anything else."""
    try:
        return parse_moment(text).instant
    except ValueError:
        return None
