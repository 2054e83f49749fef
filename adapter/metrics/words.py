"""The vocabularies of all labels, closed: what is not in one is told as ``other``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from adapter import __version__
from adapter.coverage.registry import RULES
from adapter.metrics.table import LABELS, OTHER, Metric
from adapter.policy.book import PolicyBook

MOST_MADE_BEFOREHAND = 100
"""Series of one metric that are there with 0 from the start, so that a rate sees the first count."""


@dataclass(frozen=True, slots=True)
class Words:
    """What each label may hold."""

    of: Mapping[str, frozenset[str]]

    @classmethod
    def loaded(cls, book: PolicyBook) -> Words:
        """Of the rules, codes and policies that are in effect."""
        found: dict[str, Iterable[str]] = {
            "rule": RULES,
            "reason": {*book.codes.carc.codes, *book.codes.rarc.codes},
            "version": [__version__],
            "policy": [each.header.policy for each in book.policies.values()],
            "policy_version": [str(each.header.version) for each in book.policies.values()],
        }
        return cls(
            {label: frozenset(found.get(label, ()) if words is None else words) for label, words in LABELS.items()}
        )

    def closed(self, metric: Metric, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The values of a metric's labels in its order, each a word of its vocabulary or ``other``."""
        return tuple(labels[name] if labels[name] in self.of[name] else OTHER for name in metric.labels)

    def most_series(self, metric: Metric) -> int:
        """Combinations of labels that a metric can ever have."""
        return prod(len(self.of[name]) + 1 for name in metric.labels)

    def beforehand(self, metric: Metric) -> list[tuple[str, ...]]:
        """The combinations that are told before anything was counted; none where there would be many."""
        words = [sorted(self.of[name]) for name in metric.labels]
        if prod(map(len, words)) > MOST_MADE_BEFOREHAND:
            return []
        return list(product(*words))
