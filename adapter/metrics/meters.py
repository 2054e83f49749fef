"""The numbers of one process, in a registry of their own: two in one process know nothing of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from adapter.metrics import table
from adapter.metrics.table import Kind, Metric
from adapter.metrics.words import Words
from adapter.policy.book import PolicyBook

_Instrument = Counter | Gauge | Histogram


class Meters:
    """Counts and measures what ``table`` lists; safe to be told by several threads."""

    def __init__(self, book: PolicyBook, metrics: Iterable[Metric] = table.OF_ALL) -> None:
        self.words = Words.loaded(book)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._instruments = {each.name: self._made(each) for each in metrics}
        for policy in book.policies.values():
            labels = {"policy": policy.header.policy, "policy_version": str(policy.header.version)}
            self.set(table.POLICY, 1, **labels)
        self.set(table.BUILD, 1, version=next(iter(self.words.of["version"])))

    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        counter = self._of(metric, labels)
        assert isinstance(counter, Counter)  # noqa: S101 - the table says so
        counter.inc(amount)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Have a gauge stand at a value."""
        gauge = self._of(metric, labels)
        assert isinstance(gauge, Gauge)  # noqa: S101 - as above
        gauge.set(value)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Enter a value into a histogram."""
        histogram = self._of(metric, labels)
        assert isinstance(histogram, Histogram)  # noqa: S101 - as above
        histogram.observe(value)

    def _of(self, metric: Metric, labels: dict[str, str]) -> _Instrument:
        instrument = self._instruments[metric.name]
        return instrument.labels(*self.words.closed(metric, labels)) if metric.labels else instrument

    def _made(self, metric: Metric) -> _Instrument:
        made: _Instrument
        if metric.kind is Kind.HISTOGRAM:
            made = Histogram(metric.name, metric.help, metric.labels, registry=self.registry, buckets=metric.buckets)
        else:
            kind = Counter if metric.kind is Kind.COUNTER else Gauge
            made = kind(metric.name, metric.help, metric.labels, registry=self.registry)
        if metric.labels and metric.kind is not Kind.GAUGE:
            for words in self.words.beforehand(metric):
                made.labels(*words)
        return made


class WithoutBirthdays(Collector):
    """A registry without the series that say since when each counter is there, which double their number.

    prometheus-client has a switch for it, which is one for the whole Python process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Family]:
        for family in self._registry.collect():
            family.samples = [each for each in family.samples if not each.name.endswith("_created")]
            yield family
