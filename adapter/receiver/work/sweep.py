"""How far looks over all that changed have come: what the next one begins with, and what it need not decide again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class Sweep:
    """One look after another; each counts only when the claims that it concerns are decided, or kept for later."""

    _done: str | None = None
    """How far the last one came; not kept yet."""
    _reached: str | None = None
    """How far the one under way came."""
    _handled: frozenset[str] = frozenset()
    """Versions that the last one brought to an end, so that the overlap of the next costs no decision twice."""
    _read: frozenset[str] = frozenset()
    """Versions that the one under way has read."""

    def begin(self) -> str | None:
        """Work begins; returns up to where nothing is left undone, for whoever keeps that.

        One that breaks off before its claims are decided has reached nothing.
        """
        done, self._done, self._reached = self._done, None, None
        return done

    def fresh(self, versions: Iterable[str]) -> set[str]:
        """Of all versions that were read, those that were not brought to an end before."""
        self._read = frozenset(versions)
        return set(self._read - self._handled)

    def reach(self, instant: str) -> None:
        """All that changed before was read."""
        self._reached = instant

    def finish(self) -> None:
        """What was read is decided, or its hints will come again."""
        self._done = self._reached
        if self._reached is not None:
            self._handled = self._read
