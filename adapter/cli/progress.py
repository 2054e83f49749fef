"""Progress on long work, on stderr: a line that moves in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.status import Status

from adapter.sync.report import Progress

QUIET_SECONDS = 10.0
ENOUGH_SECONDS = 1.0
"""From when on the pace so far says something about the rest."""


@contextmanager
def progress() -> Iterator[Progress]:
    """A function to tell what is going on; what it prints never mixes with the results on stdout."""
    if sys.stderr.isatty():
        with Console(stderr=True).status("starting") as status:
            yield _moving(status)
    else:
        yield _now_and_then()


def _moving(status: Status) -> Progress:
    since = _Since()

    def tell(what: str, count: int, total: int | None = None) -> None:
        status.update(since.sentence(what, count, total))

    return tell


def _now_and_then() -> Progress:
    since, last = _Since(), time.monotonic()

    def tell(what: str, count: int, total: int | None = None) -> None:
        nonlocal last
        sentence = since.sentence(what, count, total)
        if time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"{sentence}\n")

    return tell


class _Since:
    """How fast each stage goes, and how long it will take; stages may take turns, and each has its own clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, _Stage] = {}

    def sentence(self, what: str, count: int, total: int | None) -> str:
        """``claims decided: 1,200 of 5,000 (300/s, 13 s left)``; without a pace until there is one."""
        now, stage = self._clock(), self._stages.get(what)
        if stage is None or count < stage.count:  # it counts from the start again
            stage = self._stages[what] = _Stage(now, count, count)
        stage.count = count
        amount = f"{what}: {count:,}" + (f" of {total:,}" if total else "")
        passed, done = now - stage.began, count - stage.first
        if passed < ENOUGH_SECONDS or not done:
            return amount
        left = f", {_duration((total - count) * passed / done)} left" if total and count < total else ""
        return f"{amount} ({done / passed:,.0f}/s{left})"


@dataclass(slots=True)
class _Stage:
    began: float
    first: int
    """What was counted when it was first heard of: how long that took nobody knows."""
    count: int


def _duration(seconds: float) -> str:
    """To the second below two minutes, then to the minute."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
