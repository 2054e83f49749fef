"""Compiled expressions against the library's own evaluator, in one run: see README.md beside this file."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fhirpath_compiled.shipped import FIXTURES, Shipped, resources_by_type, shipped
from rich.console import Console
from rich.table import Table

from adapter.mapping.fhirpath.expression import Expression

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Timing:
    """Seconds to evaluate every expression of a part on every element of it, once."""

    base: str
    expressions: int
    evaluations: int
    library: float
    compiled: float

    @property
    def ratio(self) -> float:
        return self.library / self.compiled

    def cells(self) -> list[str]:
        each = [f"{seconds / self.evaluations * MICROSECONDS:.2f}" for seconds in (self.library, self.compiled)]
        return [self.base, str(self.expressions), str(self.evaluations), *each, f"{self.ratio:.1f}"]

    def figures(self) -> dict[str, Any]:
        return {
            "base": self.base,
            "expressions": self.expressions,
            "evaluations": self.evaluations,
            "library_seconds": self.library,
            "compiled_seconds": self.compiled,
            "ratio": round(self.ratio, 2),
        }


def measure(version: str, repeats: int, most: int | None) -> list[Timing]:
    """The timings of each resource and repeated part, of which ``most`` elements are taken; the last is of all."""
    resources = resources_by_type(FIXTURES / "clinic")
    parts: defaultdict[str, list[tuple[Shipped, list[Any]]]] = defaultdict(list)
    for each in shipped(version):
        if elements := each.elements(resources.get(each.base.split(".")[0], []))[:most]:
            parts[each.base].append((each, elements))
    gc.disable()
    timings = [_timing(base, work, repeats) for base, work in parts.items()]
    gc.enable()
    return [*timings, _sum(timings)]


def _timing(base: str, work: Sequence[tuple[Shipped, list[Any]]], repeats: int) -> Timing:
    evaluations = sum(len(elements) for _, elements in work)
    library = sum(_best(each.library, elements, repeats) for each, elements in work)
    compiled = sum(_best(each.compiled, elements, repeats) for each, elements in work)
    return Timing(base, len(work), evaluations, library, compiled)


def _best(expression: Expression, elements: Sequence[Any], repeats: int) -> float:
    """The shortest of several runs: what lengthens a run is never the expression."""
    return min(_once(expression, elements) for _ in range(repeats))


def _once(expression: Expression, elements: Sequence[Any]) -> float:
    start = perf_counter()
    for element in elements:
        expression(element)
    return perf_counter() - start


def _sum(timings: Sequence[Timing]) -> Timing:
    return Timing(
        "all",
        sum(each.expressions for each in timings),
        sum(each.evaluations for each in timings),
        sum(each.library for each in timings),
        sum(each.compiled for each in timings),
    )


def table(timings: Sequence[Timing]) -> Table:
    shown = Table(title="Shipped mappings on fixtures/clinic, microseconds a run")
    shown.add_column("part", no_wrap=True)
    for heading in ("paths", "runs", "library", "compiled", "ratio"):
        shown.add_column(heading, justify="right")
    for each in timings:
        shown.add_row(*each.cells())
    return shown


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default="r4", help="FHIR version of the mappings")
    parser.add_argument("--repeats", type=int, default=7, help="runs of which the shortest counts")
    parser.add_argument("--elements", type=int, help="most elements of each part (default: all)")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    chosen = parser.parse_args(arguments)
    timings = measure(chosen.version, chosen.repeats, chosen.elements)
    if chosen.format == "json":
        print(json.dumps({"repeats": chosen.repeats, "parts": [each.figures() for each in timings]}, indent=2))
    else:
        Console().print(table(timings))


if __name__ == "__main__":
    main(sys.argv[1:])
