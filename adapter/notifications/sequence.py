"""The event numbers of one Subscription: what came, what came again, and what never came.

A server counts the events of a Subscription from 1 and tells the count with each notification. It may deliver them in
any order, more than once, or not at all, and HAPI begins anew at 1 when it is restarted.
https://hl7.org/fhir/uv/subscriptions-backport/notifications.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from adapter.notifications.model import Heard, Kind

MOST_GAPS = 100
"""Gaps kept apart; beyond it everything is looked at again, which finds them all."""
RETRIED = 600.0
"""Seconds for which a sender may try again: a number from before that comes once more is a new event of that number."""
SILENCE = 2
"""Heartbeat periods without a word after which a Subscription counts as silent."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Event numbers that did not come, both ends included."""

    first: int
    last: int
    since: float
    """When the gap was noticed, in seconds since 1970."""

    @property
    def size(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class EventLog:
    """What is known of a Subscription's events. Counts are of notifications received, and of single events."""

    heard: float = 0.0
    """When its server last called, in seconds since 1970."""
    period: int | None = None
    """Seconds after which the server promised a heartbeat."""
    highest: int | None = None
    """The highest event number so far; None until one is told."""
    first: int | None = None
    """The lowest number since it was first heard of, or began anew."""
    settled: int = 0
    """The highest number as it was ``RETRIED`` seconds ago or earlier."""
    marked: tuple[int, float] = (0, 0.0)
    """What ``settled`` will be, and since when it is the highest."""
    gaps: tuple[Gap, ...] = ()
    sweep_due: bool = False
    """The numbers cannot tell what was missed, so that all that changed must be looked at."""
    received: int = 0
    duplicates: int = 0
    missed: int = 0
    """Events that had not come when the grace period was over."""
    recovered: int = 0
    """Missed events that were asked for, or found by looking at all that changed."""
    restarts: int = 0

    def overdue(self, now: float, grace: float) -> tuple[Gap, ...]:
        """Gaps that no straggler filled in the grace period (seconds)."""
        return tuple(each for each in self.gaps if now - each.since >= grace)

    def is_silent(self, now: float) -> bool:
        """Whether the server broke its promise of heartbeats."""
        return self.period is not None and now - self.heard > SILENCE * self.period


def noted(log: EventLog, heard: Heard) -> EventLog:
    """The log with one more notification in it."""
    log = replace(log, heard=max(log.heard, heard.at), received=log.received + 1, period=heard.period or log.period)
    if heard.kind is Kind.HANDSHAKE:
        return _handshaken(log, heard.since_start or 0)
    for number in heard.numbers:
        log = _event(log, number, heard.at)
    if heard.since_start is not None:
        log = _total(log, heard.since_start, heard.at)
    log = _marked(log, heard.at)
    return log if len(log.gaps) <= MOST_GAPS else _swept_instead(log)


def recovered(log: EventLog, gaps: Iterable[Gap]) -> EventLog:
    """The log after these gaps were asked for; what came late meanwhile is not counted."""
    closed = [each for each in log.gaps if any(gap.first <= each.first and each.last <= gap.last for gap in gaps)]
    events = sum(each.size for each in closed)
    left = tuple(each for each in log.gaps if each not in closed)
    return replace(log, gaps=left, missed=log.missed + events, recovered=log.recovered + events)


def _handshaken(log: EventLog, since_start: int) -> EventLog:
    if log.highest is None:
        return replace(log, highest=since_start, first=since_start + 1)
    return log if log.highest == since_start else _anew(log, since_start)


def _event(log: EventLog, number: int, now: float) -> EventLog:
    if log.highest is None or log.first is None:
        # What came before the first that we hear of may be long ago, or be lost.
        return replace(log, highest=number, first=number, sweep_due=log.sweep_due or number > 1)
    if number > log.highest:
        return replace(_missing(log, log.highest + 1, number - 1, now), highest=number)
    if any(gap.first <= number <= gap.last for gap in log.gaps):
        return replace(log, gaps=tuple(part for gap in log.gaps for part in _without(gap, number)))
    if number <= log.settled:
        return _anew(log, number)
    if number < log.first:
        return replace(_missing(log, number + 1, log.first - 1, now), first=number)
    return replace(log, duplicates=log.duplicates + 1)


def _total(log: EventLog, since_start: int, now: float) -> EventLog:
    """What the server's own count tells beyond the numbers; an old one may come late."""
    if log.highest is None:
        return replace(log, highest=since_start, first=since_start + 1, sweep_due=log.sweep_due or since_start > 0)
    if since_start > log.highest:
        return replace(_missing(log, log.highest + 1, since_start, now), highest=since_start)
    return _anew(log, since_start) if since_start < log.settled else log


def _marked(log: EventLog, now: float) -> EventLog:
    number, since = log.marked
    if log.highest is None or now - since < RETRIED:
        return log
    return replace(log, settled=min(number, log.highest), marked=(log.highest, now))


def _missing(log: EventLog, first: int, last: int, now: float) -> EventLog:
    return replace(log, gaps=(*log.gaps, Gap(first, last, now))) if first <= last else log


def _anew(log: EventLog, number: int) -> EventLog:
    """The server began to count again; how much was lost by it, no number tells."""
    log = replace(log, highest=number, first=number, settled=0, marked=(number, log.heard), restarts=log.restarts + 1)
    return _swept_instead(log)


def _swept_instead(log: EventLog) -> EventLog:
    return replace(recovered(log, log.gaps), sweep_due=True)


def _without(gap: Gap, number: int) -> Iterator[Gap]:
    """What is left of a gap when one of its numbers comes after all; another's number leaves it whole."""
    if not gap.first <= number <= gap.last:
        yield gap
        return
    if gap.first < number:
        yield replace(gap, last=number - 1)
    if number < gap.last:
        yield replace(gap, first=number + 1)
