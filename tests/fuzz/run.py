"""Pushes at the receiver and at every parser that meets the network, for as long as is wanted.

    cd tests && PYTHONPATH=..:servers python -m fuzz.run --minutes 15 [--seed 1] [--target door] [--execution 1234]

``FHIR_EXAMPLES`` names a folder of real FHIR to begin with, beside the recorded notifications and the stories. Prints
what was executed and found and whether memory grew, or with ``--coverage`` how much of the code it reached.
A finding is repeated by its target, seed and execution. Ends with 1 when there is a finding.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import time
import traceback
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import stamina

Target = Callable[[Random], None]
TARGETS = {
    "door": "receiving",
    "submitting": "receiving",
    "over_the_wire": "receiving",
    "raw": "asking",
    "header_values": "asking",
    "token": "asking",
    "keys": "asking",
    "bulk": "asking",
    "subscription": "asking",
    "syncing": "asking",
}
"""The module of each."""
COVERED = ("receiver", "notifications", "sources", "auth", "sinks", "subscriptions")
"""Folders of the package that meet the network."""
WARM_UP, TRACED = 0.25, 0.75
"""Parts of the time after which memory counts, and after which each allocation is traced."""
GROWTH_ALLOWED = 30_000_000
"""Bytes that the memory of the process may grow after the warm-up: what its allocator keeps in pieces."""
SECONDS_EACH = 0.5
"""How long one target is pushed at before the next has its turn."""


@dataclass
class Tally:
    """What was done, and what was found."""

    executions: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    findings: dict[tuple[str, str], str] = field(default_factory=dict)
    """Each once by its target and place: how to see it again."""


@cache
def target(name: str) -> Target:
    """Imported late, so that coverage sees the adapter from its first line."""
    found: Target = getattr(import_module(f"fuzz.{TARGETS[name]}"), name)
    return found


def push(name: str, seed: int, execution: int, tally: Tally) -> None:
    """One execution; what it trips on is noted once for each place."""
    try:
        target(name)(Random(f"{seed} {name} {execution}"))
    except Exception as error:  # noqa: BLE001 - whatever escapes is what we look for
        place = _place(error)
        if (name, place) not in tally.findings:
            tally.findings[name, place] = f"{type(error).__name__}: {str(error)[:500]}"
            print(f"FOUND in {name}, --seed {seed} --execution {execution}: {place}: {tally.findings[name, place]}")
    tally.executions[name] += 1


def _place(error: Exception) -> str:
    """The last line of the adapter that it came through, else of the fuzzer."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if f"{os.sep}adapter{os.sep}" in each.filename] or list(frames)
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno} {type(error).__name__}"


@contextmanager
def measured() -> Iterator[Callable[[], dict[str, tuple[int, int]]]]:
    """Yields what tells, for each folder, the lines that were run and those there are; nothing without ``coverage``."""
    try:
        import coverage
    except ImportError:
        yield dict
        return
    root = Path(__file__).parents[2] / "adapter"
    watch: Any = coverage.Coverage(data_file=None, source=[str(root / each) for each in COVERED])
    watch.start()

    def told() -> dict[str, tuple[int, int]]:
        watch.stop()
        sums: dict[str, tuple[int, int]] = {}
        for folder in COVERED:
            counted = [watch.analysis2(str(path)) for path in (root / folder).rglob("*.py")]
            there = sum(len(each[1]) for each in counted)
            sums[folder] = (there - sum(len(each[3]) for each in counted), there)
        return sums

    yield told


def resident() -> int:
    """Bytes of memory that the process holds."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:  # not Linux: the most it ever held
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def rounds(names: list[str], seed: int, tally: Tally, until: float) -> None:
    """Each target in turn, for a while, until the time is over."""
    while time.monotonic() < until:
        for name in names:
            began = time.monotonic()
            while time.monotonic() < min(began + SECONDS_EACH, until):
                push(name, seed, tally.executions[name], tally)
            tally.seconds[name] += time.monotonic() - began


def covering(names: list[str], seconds: float, seed: int) -> int:
    """Push slowly, and print what was reached."""
    tally = Tally()
    with measured() as reached:
        rounds(names, seed, tally, time.monotonic() + seconds)
        lines = reached()
    _print(tally)
    for folder, (hit, there) in lines.items():
        print(f"adapter/{folder}: {hit} of {there} lines reached ({hit / there:.0%})")
    return 1 if tally.findings else 0


def run(names: list[str], seconds: float, seed: int) -> int:
    """Push, print; the exit code."""
    tally, began = Tally(), time.monotonic()
    rounds(names, seed, tally, began + seconds * WARM_UP)
    before = resident()
    rounds(names, seed, tally, began + seconds * TRACED)
    after = resident()
    tracemalloc.start(5)
    rounds(names, seed, tally, began + seconds * (TRACED + 0.05))
    gc.collect()
    first = tracemalloc.take_snapshot()
    rounds(names, seed, tally, began + seconds)
    gc.collect()
    kept = tracemalloc.take_snapshot().compare_to(first, "lineno")
    tracemalloc.stop()
    _print(tally)
    print(f"memory after the warm-up {before / 1e6:.1f} MB, at the end {after / 1e6:.1f} MB")
    print("most memory kept since tracing began:")
    for each in kept[:8]:
        print(f"  {each}")
    return 1 if tally.findings or after - before > GROWTH_ALLOWED else 0


def _print(tally: Tally) -> None:
    for name, times in tally.executions.items():
        found = sum(1 for target, _ in tally.findings if target == name)
        print(f"{name:14} {times:9} executions {tally.seconds[name]:7.0f} s {found:3} findings")
    print(f"{'all':14} {tally.executions.total():9} executions {sum(tally.seconds.values()):7.0f} s "
          f"{len(tally.findings):3} findings")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--coverage", action="store_true", help="measure what is reached, which takes most of the time")
    parser.add_argument("--execution", type=int, help="repeat this one alone, with its traceback")
    chosen = parser.parse_args()
    names = chosen.target or list(TARGETS)
    stamina.set_testing(True, attempts=2)
    if chosen.execution is None:
        return (covering if chosen.coverage else run)(names, chosen.minutes * 60, chosen.seed)
    for name in names:
        target(name)(Random(f"{chosen.seed} {name} {chosen.execution}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
