"""What must hold of everything that is said after bad input: no fault of ours, one line, nothing of the sender's."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fuzz.inputs import MARKER

from adapter.errors import AdapterError

T = TypeVar("T")
LONGEST_MESSAGE = 600
"""Characters of an error: a line that a person reads."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        self.messages.append(f"{record.getMessage()} {cause!r}")


_LOGGERS = [logging.getLogger(name) for name in ("adapter", "uvicorn.error", "asyncio")]


@contextmanager
def nothing_reported() -> Iterator[None]:
    """Nothing is logged as an error meanwhile: what is, is a fault of ours."""
    kept = _Kept()
    for each in _LOGGERS:
        each.addHandler(kept)
    try:
        yield
    finally:
        for each in _LOGGERS:
            each.removeHandler(kept)
    assert not kept.messages, kept.messages


def said_well(error: AdapterError) -> None:
    """The message can be shown: short, one line, no control characters, nothing that a server wrote."""
    text = str(error)
    assert 0 < len(text) <= LONGEST_MESSAGE, f"{len(text)} characters: {text[:200]!r}"
    assert not _CONTROL.search(text), repr(text)
    assert MARKER.lower() not in text.lower(), text


_RUNNER = asyncio.Runner()


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, always on the same loop; only errors of our own tree are let pass for refusals."""
    return _RUNNER.run(work)


def refused_well(work: Coroutine[Any, Any, Any]) -> bool:
    """Run it; True when it ended by an error of ours, and that is said well."""
    try:
        run(work)
    except AdapterError as error:
        said_well(error)
        return True
    return False
