"""On which local day a session was: in the visit's own offset, or in the facility's zone where times are in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapter.session.time import Interval, Moment, day_after, utc_day_before


def possible_days(interval: Interval, zone: str | None) -> Iterable[tuple[date, str]]:
    """The local day a session began on, then the further days it can be said to be on, each with its reason.

    A time in UTC may have been converted: the facility's zone decides, and where that is unknown the UTC date and the
    day before are both possible (contract, rows 13 and 15).
    """
    start = interval.start
    if start is None:
        return
    if start.in_utc and (local := _local_day(start, zone)) is None:
        yield start.first_day, "the time is in UTC and the facility's time zone is unknown"
        yield utc_day_before(start), "the time is in UTC and the facility's time zone is unknown"
        return
    began = local if start.in_utc else start.day
    if began is None:
        return
    yield began, ""
    end = interval.end
    ended = None if end is None else _local_day(end, zone) if start.in_utc else end.day
    if ended is not None and ended == day_after(began, 1) != began:
        yield ended, "the session ended after midnight"


def _local_day(moment: Moment, zone: str | None) -> date | None:
    if zone is None or moment.instant is None:
        return None
    try:
        return moment.instant.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        return None
