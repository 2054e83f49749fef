"""Reads as much of PromQL as it takes to hold an expression against the table of metrics.

https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from adapter.metrics import table
from adapter.metrics.table import Kind, Metric

OF_THE_TARGET = frozenset({"job", "instance"})
_FUNCTIONS = frozenset(
    {"rate", "increase", "histogram_quantile", "topk", "sum", "max", "min", "count", "time", "absent"}
)
_GROUPING = frozenset({"by", "without", "on", "ignoring"})
_WORDS = frozenset({"and", "or", "unless", "bool", "offset"})
_TOKEN = re.compile(r'"[^"]*"|\[[^\]]*\]|[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|=~|!~|!=|==|>=|<=|[^\sA-Za-z0-9_"\[]')
_METRICS = {each.name: each for each in table.TABLE}
_PROCESS = {
    name: Metric(name, Kind.COUNTER if name.endswith("_total") else Kind.GAUGE, (), "") for name in table.OF_THE_PROCESS
}
KNOWN = _METRICS | _PROCESS


@dataclass
class Read:
    """What one expression speaks of, and what is wrong with it."""

    metrics: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    """Of what comes out, where a sum is grouped."""
    faults: list[str] = field(default_factory=list)


def read(expression: str) -> Read:
    """Names and labels, each held against the table."""
    tokens = _TOKEN.findall(expression)
    found, grouped, position = Read(), set[str](), 0
    while position < len(tokens):
        token, following = tokens[position], tokens[position + 1] if position + 1 < len(tokens) else ""
        if token in _GROUPING:
            end = tokens.index(")", position)
            grouped |= {each for each in tokens[position + 2 : end] if each != ","}
            position = end
        elif not re.fullmatch(r"[A-Za-z_]\w*", token) or token in _WORDS:
            pass
        elif following in ("(", *_GROUPING):
            found.faults += [] if token in _FUNCTIONS else [f"no function {token}"]
        else:
            position = _selector(tokens, position, found)
        position += 1
    found.labels = grouped
    _check_grouping(found, grouped)
    return found


def _selector(tokens: list[str], position: int, found: Read) -> int:
    """A metric with its matchers and its range; returns where it ends."""
    name, before = tokens[position], tokens[position - 2 : position]
    metric, series = _metric(name)
    if metric is None:
        found.faults.append(f"no metric {name}")
        return position
    found.metrics.add(metric.name)
    end = position
    if tokens[position + 1 : position + 2] == ["{"]:
        end = tokens.index("}", position)
        for index in range(position + 2, end, 4):  # name, operator, value, comma
            label = tokens[index]
            if label not in labels_of(metric, series):
                found.faults.append(f"{name} has no label {label}")
            found.faults += _unknown_words(metric, label, tokens[index + 2])
    ranged = end + 1 < len(tokens) and tokens[end + 1].startswith("[")
    is_rate = before in (["rate", "("], ["increase", "("])
    if (metric.kind is not Kind.GAUGE) != (is_rate and ranged):
        found.faults.append(
            f"{name} is a {metric.kind}, so it is {'not ' * (metric.kind is Kind.GAUGE)}told by its rate"
        )
    return end + ranged


def _metric(name: str) -> tuple[Metric | None, str]:
    """The metric of a series, and what the series adds to its name."""
    for ending in ("_bucket", "_sum", "_count"):
        metric = KNOWN.get(name.removesuffix(ending))
        if name.endswith(ending) and metric is not None and metric.kind is Kind.HISTOGRAM:
            return metric, ending
    metric = KNOWN.get(name)
    return (None, "") if metric is None or metric.kind is Kind.HISTOGRAM else (metric, "")


def labels_of(metric: Metric, series: str = "_bucket") -> set[str]:
    more = {"le"} if metric.kind is Kind.HISTOGRAM and series == "_bucket" else set()
    return {*metric.labels, *OF_THE_TARGET, *more}


def _unknown_words(metric: Metric, label: str, value: str) -> list[str]:
    """Values that the vocabulary of the label lacks; patterns are held against all of it."""
    words = table.LABELS.get(label)
    shown = value.strip('"')
    if words is None or "$" in shown:
        return []
    return [] if any(re.fullmatch(shown, word) for word in words) else [f"{metric.name}: no {label} is {shown}"]


def _check_grouping(found: Read, grouped: set[str]) -> None:
    for name in found.metrics:
        unknown = grouped - labels_of(KNOWN[name])
        found.faults += [f"{name} has no label {each}" for each in sorted(unknown)]
