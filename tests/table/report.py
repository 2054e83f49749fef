"""Prints the whole edge-case table: every row with its expected and its actual decision; exit 1 on any difference.

python tests/table/report.py [--markdown]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from table.judge import Row, judged, shown  # noqa: E402 - found on the path that was just set
from table.rows import TABLE  # noqa: E402 - as above

HEADINGS = ("row", "case", "expected", "actual", "")


def report() -> tuple[list[tuple[str, ...]], int, int]:
    """The lines of the table, how many rows differ, and how many of those are known to."""
    found: list[tuple[str, ...]] = []
    different = known = 0
    for each in TABLE:
        actual, faults = judged(each)
        different += bool(faults)
        known += bool(faults and each.differs)
        found.append((each.number, each.case, *shown(each, actual), _verdict(each, faults)))
    return found, different, known


def _verdict(row: Row, faults: list[str]) -> str:
    if not faults:
        return "ok" if not row.differs else "ok, though known to differ"
    return f"DIFFERS: {'; '.join(faults)}" + (f" (known: {row.differs})" if row.differs else "")


def _markdown(table: list[tuple[str, ...]]) -> Iterator[str]:
    for cells in (HEADINGS, ("---",) * len(HEADINGS), *table):
        yield f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"


def _plain(table: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(each[at]) for each in (HEADINGS, *table)) for at in range(4)]
    for cells in (HEADINGS, *table):
        yield "  ".join(each.ljust(min(width, 70)) for each, width in zip(cells, [*widths, 0], strict=True)).rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="a Markdown table instead of columns")
    table, different, known = report()
    for line in _markdown(table) if parser.parse_args().markdown else _plain(table):
        print(line)
    numbers = {each.number for each in TABLE if each.number.isdigit() and each.number != "0"}
    print(f"\n{len(table)} cases of {len(numbers)} rows, {different} differ, {known} of them known.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
