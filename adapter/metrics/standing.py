"""What ``serve`` knows only when it looks: what came to the door, and what waits in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from adapter.metrics import table
from adapter.metrics.table import LABELS, Kind, Metric
from adapter.metrics.words import Words

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


@dataclass(eq=False)
class Standing(Collector):
    """``door`` are the counts of this process; ``stored`` asks the database, and may raise whatever that says."""

    words: Words
    door: Callable[[], Mapping[str, int]]
    stored: Callable[[], Stored]
    clock: Callable[[], float] = time.monotonic
    _kept: tuple[float, Stored | None] | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def describe(self) -> Iterator[Family]:
        """Nothing, so that nobody asks the database before it is there."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """The families of ``table.OF_SERVE``; those of a database that does not answer are left out."""
        came = dict.fromkeys(LABELS["result"] or (), 0) | dict(self.door())
        yield self._family(table.NOTIFICATIONS, {(name,): count for name, count in came.items()})
        stored = self._asked()
        yield self._family(table.DATABASE_UP, {(): int(stored is not None)})
        if stored is not None:
            depth, events = stored.depth, stored.events
            yield self._family(table.EVENTS, {(word,): events.get(name, 0) for word, name in _EVENTS.items()})
            yield self._family(table.EVENTS_OPEN, {(): events.get("open", 0)})
            yield self._family(table.QUEUE, {(each,): depth.get(each, 0) for each in LABELS["state"] or ()})
            yield self._family(table.DEAD_LETTERS, {(): depth.get("failed", 0)})

    def _asked(self) -> Stored | None:
        with self._asking:
            if self._kept is None or self._kept[0] < self.clock():
                try:
                    found = self.stored()
                except Exception:  # noqa: BLE001 - whatever the database says, it is not there
                    found = None
                self._kept = self.clock() + KEPT_SECONDS, found
            return self._kept[1]

    def _family(self, metric: Metric, values: Mapping[tuple[str, ...], int]) -> Family:
        made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        family = made(metric.name, metric.help, labels=metric.labels)
        sums: dict[tuple[str, ...], int] = {}
        for words, value in values.items():
            closed = self.words.closed(metric, dict(zip(metric.labels, words, strict=True)))
            sums[closed] = sums.get(closed, 0) + value
        for closed, value in sums.items():
            family.add_metric(list(closed), value)
        return family
