"""Holds the answers to a population against what its maker says must come out, line by line.

A population is a folder made by ``make_population.py``: ``expected-lines.ndjson`` names every line, its decision and
the CARC that must be among its codes (null: the line carries none). Run from ``tests``:
``python -m population.compare OUT POPULATION``, where OUT is what ``sync POPULATION/fhir --out OUT`` wrote.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Line = tuple[str, int]
"""Id of the claim and number of the line."""
SHOWN = 20
"""Differences printed; one cause often makes thousands of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that came out otherwise; None where there is no such line."""

    line: Line
    expected: str | None
    found: str | None

    def __str__(self) -> str:
        claim, number = self.line
        return f"{claim} line {number}: expected {self.expected or 'nothing'}, found {self.found or 'nothing'}"


def differences(out: Path, population: Path) -> Iterator[Difference]:
    """Every line decided otherwise than the population's maker says, missing, or decided beyond what it says."""
    found = {_key(each): each for each in _lines(out / "decisions.ndjson")}
    for expected in _lines(population / "expected-lines.ndjson"):
        decided = found.pop(_key(expected), None)
        if decided is None or not _agree(expected, decided):
            yield Difference(_key(expected), _said(expected["decision"], expected["carc"]), _as_decided(decided))
    yield from (Difference(line, None, _as_decided(each)) for line, each in found.items())


def _agree(expected: dict[str, Any], decided: dict[str, Any]) -> bool:
    codes = expected["carc"] in decided["carc"] if expected["carc"] is not None else not decided["carc"]
    return expected["decision"] == decided["decision"] and codes


def _key(line: dict[str, Any]) -> Line:
    return line["claim"], line["line"]


def _as_decided(line: dict[str, Any] | None) -> str | None:
    return None if line is None else _said(line["decision"], ", ".join(line["carc"]))


def _said(decision: str, carc: str | None) -> str:
    return f"{decision} {carc}" if carc else decision


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for each in file:
            yield json.loads(each)


def main(out: str, population: str) -> int:
    """Print the differences; 1 when there are any."""
    found = list(differences(Path(out), Path(population)))
    for each in found[:SHOWN]:
        print(each)
    print(f"{len(found)} lines differ" if found else "every line as expected")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m population.compare OUT POPULATION")
    sys.exit(main(*sys.argv[1:]))
