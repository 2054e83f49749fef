"""Progress on long work, on stderr: a line that moves in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from adapter.sync.report import Progress

QUIET_SECONDS = 10.0


@contextmanager
def progress() -> Iterator[Progress]:
    """A function to tell what is going on; what it prints never mixes with the results on stdout."""
    if sys.stderr.isatty():
        with Console(stderr=True).status("starting") as status:
            yield _moving(status)
    else:
        yield _now_and_then()


def _moving(status: Status) -> Progress:
    started = time.monotonic()

    def tell(what: str, count: int) -> None:
        rate = count / max(time.monotonic() - started, 0.001)
        status.update(f"{what}: {count:,} ({rate:,.0f}/s)")

    return tell


def _now_and_then() -> Progress:
    started = last = time.monotonic()

    def tell(what: str, count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"{what}: {count:,} after {last - started:.0f} s\n")

    return tell
