"""What a walk over changes asks for at once: a window of time, and how many resources a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from adapter.sources.instants import moment

SMALLEST = timedelta(seconds=1)
"""Span of a window that is not halved again while its pages can be made smaller; some servers only know seconds."""
INSTANT = timedelta(milliseconds=2)
"""Span of a window that is never halved again: its middle, in whole milliseconds, might be its begin."""
SMALLER = 10
"""Times that pages are made smaller, or larger, in one go."""
FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any FHIR server; where a window begins whose first resource cannot be had."""


@dataclass(frozen=True, slots=True)
class Window:
    """What changed at or after ``begin`` and before ``end``; None is open. ``count`` are asked for a page."""

    begin: str | None
    end: str | None
    count: int
    back: str | None = None
    """From where is asked instead of from ``begin``, of a server that left out there what it had sent before."""

    @property
    def asked_from(self) -> str | None:
        return self.back or self.begin

    @property
    def bounds(self) -> dict[str, list[str]]:
        """The window as search parameters."""
        bounds = [f"ge{self.asked_from}"] if self.asked_from else []
        bounds += [f"lt{self.end}"] if self.end else []
        return {"_lastUpdated": bounds} if bounds else {}

    @property
    def parameters(self) -> dict[str, str | list[str]]:
        return {"_sort": "_lastUpdated", "_count": str(self.count), **self.bounds}

    @property
    def newest_first(self) -> dict[str, str | list[str]]:
        return {**self.parameters, "_sort": "-_lastUpdated"}

    def is_clear_of(self, changed: str) -> bool:
        """Whether it was clearly not asked for what changed then."""
        # Differences, because an instant at the end of the calendar has none a second from it.
        early = self.asked_from is not None and moment(self.asked_from) - moment(changed) > SMALLEST
        return early or (self.end is not None and moment(changed) - moment(self.end) > SMALLEST)


def narrowed(window: Window, begin: str, end: str) -> list[Window]:
    """Windows that ask for less at once, the last one first; none where it cannot be less.

    ``begin`` and ``end`` are from where to where there can be something in the window.
    """
    span = moment(end) - moment(begin)
    if span > (SMALLEST if window.count > 1 else INSTANT):
        middle = (moment(begin) + span / 2).isoformat(timespec="milliseconds")
        return [replace(window, begin=middle, back=None), replace(window, end=middle)]
    return [replace(window, count=max(1, window.count // SMALLER))] if window.count > 1 else []


def stepped_back(window: Window, earlier: str | None, since: str | None) -> Window:
    """The window asked for from a second before its begin, or before that ``earlier``; not from before ``since``."""
    begin = min(filter(None, [window.begin, earlier]), key=moment)
    back = (moment(begin) - SMALLEST).isoformat() if moment(begin) > FIRST_DAY else begin
    return replace(window, back=max(filter(None, [back, since]), key=moment))
