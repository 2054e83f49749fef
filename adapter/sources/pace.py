"""How many requests at once: more while all goes well, half as many when the server pushes back, none while it rests.

Additive increase and multiplicative decrease, as TCP has it: https://www.rfc-editor.org/rfc/rfc5681#section-3.1
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic


class Pace:
    """Lets requests to one server pass, never more than ``most`` at once."""

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._most = most
        self._limit = float(most)
        self._under_way = 0
        self._resumes = 0.0
        self._halved = 0.0
        self._clock = clock
        self._sleep = sleep
        self._room = asyncio.Condition()

    @property
    def limit(self) -> int:
        """Requests that may be under way at once, as things stand."""
        return int(self._limit)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Wait for room and for the end of a rest; yields when the request began."""
        async with self._room:
            while self._under_way >= self.limit:
                await self._room.wait()
            self._under_way += 1
        try:
            while (rest := self._resumes - self._clock()) > 0:
                await self._sleep(rest)
            yield self._clock()
        finally:
            async with self._room:
                self._under_way -= 1
                self._room.notify_all()

    def went_well(self) -> None:
        """One request was served: after as many as may be under way, one more may be."""
        self._limit = min(float(self._most), self._limit + 1.0 / self._limit)

    def pushed_back(self, began: float, rest: float | None) -> None:
        """The server was too busy for a request. Those that were under way together halve the number once, not each.

        ``rest``: seconds that the server asks for, in which nobody asks it anything.
        """
        if began >= self._halved:
            self._limit = max(1.0, self._limit / 2)
            self._halved = self._clock()
        if rest is not None:
            self._resumes = max(self._resumes, self._clock() + rest)
