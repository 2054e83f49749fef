"""How long a server may go on saying that it is asked too much, before it is left alone.

A server that is only busy serves a request now and then. One that serves none of a kind, be it all that write, would
have each claim wait for its turn to be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

LONGEST = 15 * 60.0
"""Seconds in which one kind of request is answered by nothing but 429 or 503."""
LONGEST_PAUSE = 5 * 60.0
"""Seconds after which such an answer tells nothing any more, and the next one is the first again."""


class Overload:
    """Since when a server has said to each kind of request that it is asked too much, and nothing else."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._refused: dict[str, tuple[float, float]] = {}
        """By what was asked: the first time, and the last."""

    def served(self, what: str) -> None:
        """A request of this kind was answered otherwise."""
        self._refused.pop(what, None)

    def refused(self, what: str) -> None:
        """A request of this kind was refused for it."""
        now = self._clock()
        first, last = self._refused.get(what, (now, now))
        self._refused[what] = (now if now - last > LONGEST_PAUSE else first), now

    def lasts(self, what: str) -> bool:
        """Whether that has gone on for too long to ask again."""
        if what not in self._refused:
            return False
        first, last = self._refused[what]
        return last - first >= LONGEST and self._clock() - last <= LONGEST_PAUSE
