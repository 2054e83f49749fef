"""An exception as it may be logged: its class and the lines of code it came through, never its message or a value."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

MOST_FRAMES = 8
"""Lines of code told of one exception, the innermost ones."""
MOST_LINKS = 6
"""Exceptions told of one chain."""


def kind(error: BaseException) -> str:
    return type(error).__name__


def trace(error: BaseException) -> str:
    """``KeyError at a.py:1 > b.py:22; from OSError at c.py:3``, the outermost line first."""
    return "; from ".join(_told(each) for each, _ in zip(_chain(error), range(MOST_LINKS), strict=False))


def _told(error: BaseException) -> str:
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), lookup_lines=False, capture_locals=False
    )
    places = " > ".join(f"{Path(each.filename).name}:{each.lineno or 0}" for each in frames[-MOST_FRAMES:])
    return f"{kind(error)} at {places}" if places else kind(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it came from; of a group, also what is in it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
