"""Signals that ask a process to end in good order."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from adapter.sync.report import Progress


def was_interrupted(ended: BaseException | None) -> bool:
    """Whether a program ends because what was under way was broken off; typer makes a mere exit code of that."""
    while ended is not None and not isinstance(ended, KeyboardInterrupt):
        ended = ended.__cause__ or ended.__context__
    return ended is not None


class End:
    """That somebody asked us to end: once, after the item in hand; again, at once."""

    def __init__(self) -> None:
        self.asked, self.at_once = threading.Event(), threading.Event()

    def signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked.is_set():
            self.at_once.set()
            return
        self.asked.set()
        sys.stderr.write("coaching-adapter: ending after the item in hand; once more to leave it at once\n")


@contextmanager
def told_to_end() -> Iterator[End]:
    end = End()
    before = {number: signal.signal(number, end.signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stopped_when_told() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set, so that what is in hand is brought to its end; a second one breaks it off.

    To be entered where an event loop runs. Signals reach the main thread alone: on another one nobody can ask.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def asked() -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        sys.stderr.write("coaching-adapter: ending after the claims in hand; once more to leave them at once\n")

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number] or signal.SIG_DFL)


@contextmanager
def unwound_when_told(tell: Progress) -> Iterator[Progress]:
    """SIGINT and SIGTERM unwind what is under way, so that nothing is left lying about.

    What is raised in the middle of a fork or of a destructor Python prints and forgets, so progress raises it again.
    """
    asked = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    def tell_on(what: str, count: int, total: int | None = None) -> None:
        if asked:
            raise KeyboardInterrupt
        tell(what, count, total)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield tell_on
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
