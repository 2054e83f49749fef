"""What a process knows only when it looks: what came to the door, and what waits in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from adapter.metrics import table
from adapter.metrics.table import LABELS, Kind, Metric
from adapter.metrics.words import Words

T = TypeVar("T")

KEPT_SECONDS = 5.0
"""How long what the database said is told again, so that nobody can keep it busy by asking us."""
_EVENTS = {"received": "received", "duplicate": "duplicates", "gap": "gaps", "recovered": "recovered"}
_EVENTS |= {"restart": "restarts"}
"""The words of the label, and what ``event_logs.totals`` calls them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database has: rows by state (``Inbox.depth``), and the counts of all events (``event_logs.totals``)."""

    depth: Mapping[str, int]
    events: Mapping[str, int]


class Kept(Generic[T]):
    """What a database said, and None while it does not answer; it is asked again after ``KEPT_SECONDS``."""

    def __init__(self, ask: Callable[[], T], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._until = float("-inf")
        self._said: T | None = None
        self._asking = threading.Lock()

    def __call__(self) -> T | None:
        with self._asking:
            if self._until < self._clock():
                try:
                    self._said = self._ask()
                except Exception:  # noqa: BLE001 - whatever the database says, it is not there
                    self._said = None
                self._until = self._clock() + KEPT_SECONDS
            return self._said


class Looking(Collector):
    """Told to Prometheus when it asks."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def describe(self) -> Iterator[Family]:
        """Nothing, so that nobody asks the database before it is there."""
        return iter(())

    def _family(self, metric: Metric, values: Mapping[tuple[str, ...], int]) -> Family:
        made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        family = made(metric.name, metric.help, labels=metric.labels)
        sums: dict[tuple[str, ...], int] = {}
        for words, value in values.items():
            closed = self._words.closed(metric, dict(zip(metric.labels, words, strict=True)))
            sums[closed] = sums.get(closed, 0) + value
        for closed, value in sums.items():
            family.add_metric(list(closed), value)
        return family


class Standing(Looking):
    """Of ``serve``: ``door`` are the counts of this process; ``stored`` asks the database, and may raise anything."""

    def __init__(
        self,
        words: Words,
        door: Callable[[], Mapping[str, int]],
        stored: Callable[[], Stored],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(words)
        self._door = door
        self._stored = Kept(stored, clock)

    def collect(self) -> Iterator[Family]:
        """The families of ``table.OF_SERVE``; those of a database that does not answer are left out."""
        came = dict.fromkeys(LABELS["result"] or (), 0) | dict(self._door())
        yield self._family(table.NOTIFICATIONS, {(name,): count for name, count in came.items()})
        stored = self._stored()
        yield self._family(table.DATABASE_UP, {(): int(stored is not None)})
        if stored is not None:
            depth, events = stored.depth, stored.events
            yield self._family(table.EVENTS, {(word,): events.get(name, 0) for word, name in _EVENTS.items()})
            yield self._family(table.EVENTS_OPEN, {(): events.get("open", 0)})
            yield self._family(table.QUEUE, {(each,): depth.get(each, 0) for each in LABELS["state"] or ()})
            yield self._family(table.DEAD_LETTERS, {(): depth.get("failed", 0)})


class RunItems(Looking):
    """Of workers: ``depth`` asks the database of runs (``Board.depth``), and may raise anything."""

    def __init__(
        self, words: Words, depth: Callable[[], Mapping[str, int]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(words)
        self._depth = Kept(depth, clock)

    def collect(self) -> Iterator[Family]:
        """The families of ``table.OF_WORKERS``, and whether the database answers."""
        depth = self._depth()
        yield self._family(table.DATABASE_UP, {(): int(depth is not None)})
        if depth is not None:
            yield self._family(table.RUN_ITEMS, {(each,): depth.get(each, 0) for each in ("waiting", "in_hand")})
