"""Looks for what never came: events that servers dropped, and what changed while nobody listened.

In order of effort: what ``$events`` still has of a gap, else everything that changed since the last sweep, else, where
a server cannot tell that, every claim there is (``answering``). A sweep runs at the start and on a schedule in any
case, so that plain rest-hooks, which count nothing, lose nothing either.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from adapter.logs.events import logger
from adapter.notifications.model import ANYTHING, Heard
from adapter.notifications.sequence import EventLog, Gap, noted, recovered
from adapter.receiver.gaps.event_logs import Key

log = logger(__name__)

TICK = 1.0
"""Seconds from one look to the next."""
AFTER_A_FAULT = 30.0


class Logs(Protocol):
    """What was heard of each Subscription."""

    def all(self) -> Mapping[Key, EventLog]: ...
    def change(self, key: Key, change: Callable[[EventLog], EventLog]) -> EventLog: ...


class Asked(Protocol):
    """What the FHIR server can be asked of its Subscriptions; that it gives no answer is no error."""

    async def events(self, subscription: str, gap: Gap) -> Sequence[str] | None:
        """Hints of the events of a gap; None when the server no longer has them all, or never had."""

    async def status(self, key: Key, at: float) -> Heard:
        """How the Subscription fares, as if its server had called."""


@dataclass(frozen=True, slots=True)
class Timing:
    """In seconds."""

    sweep: float
    """From one sweep to the next."""
    grace: float
    """For a straggler to come after an event with a higher number."""


class Lookout:
    """One task of a running ``serve``; ``put`` makes hints durable."""

    def __init__(
        self, logs: Logs, asked: Asked, put: Callable[[list[str]], None], timing: Timing, clock: Callable[[], float]
    ) -> None:
        self._logs = logs
        self._asked = asked
        self._put = put
        self._timing = timing
        self._clock = clock
        self._next_sweep = 0.0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            pause = TICK
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - a fault now, of the database say, must not end the looking
                log.error("gaps.not_looked_for", failed=error)
                pause = AFTER_A_FAULT
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """A sweep when it is time for one; then whatever is overdue, each Subscription by itself."""
        if self._clock() >= self._next_sweep:
            await self._sweep()
            # Never at the same second on two nodes for long.
            self._next_sweep = self._clock() + self._timing.sweep * random.uniform(0.9, 1.1)
        for key, events in (await asyncio.to_thread(self._logs.all)).items():
            await self._close(key, events)

    async def _close(self, key: Key, events: EventLog) -> None:
        now = self._clock()
        if events.is_silent(now):
            events = await self._changed(key, partial(noted, heard=await self._asked.status(key, now)))
            await self._sweep()
        if events.sweep_due:
            await self._sweep()
            await self._changed(key, lambda each: replace(each, sweep_due=False))
        if overdue := events.overdue(now, self._timing.grace):
            await self._recover(key, overdue)

    async def _recover(self, key: Key, overdue: Sequence[Gap]) -> None:
        """Ask for each gap; the hints are durable before the gap counts as closed."""
        for gap in overdue:
            hints = await self._asked.events(key.subscription, gap)
            await asyncio.to_thread(self._put, [ANYTHING] if hints is None else list(hints))
        await self._changed(key, partial(recovered, gaps=overdue))
        log.warning("events.never_came", count=_size(overdue), subscription=key.subscription, do="they were asked for")

    async def _sweep(self) -> None:
        await asyncio.to_thread(self._put, [ANYTHING])

    def _changed(self, key: Key, change: Callable[[EventLog], EventLog]) -> Awaitable[EventLog]:
        return asyncio.to_thread(self._logs.change, key, change)


def _size(gaps: Sequence[Gap]) -> int:
    return sum(each.size for each in gaps)
