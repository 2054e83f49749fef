"""Claims in scope, cut into chunks that are decided together, a few of them in hand at a time.

While one chunk is written the next is decided and the one after it gathered. Two chunks in hand never share a patient:
each would decide without what the other writes. Chunks are reported in the order in which they were cut, so that the
same claims give the same report, and so that whoever hears how far a run has come can rely on all before it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from adapter.evidence.references import parse_reference
from adapter.evidence.store import Located
from adapter.sources.instants import last_updated, moment
from adapter.sync.report import Report

IN_HAND = 3
"""Chunks at a time: one is gathered, one decided, one written. So much a run holds, however many claims there are."""

MOST_READ = 2_000
"""Claims read, in scope or not, after which a chunk is cut that is not full, so that a run that is killed then goes on
from there: on a server of mostly other claims the next full chunk may be hours away."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Claims to decide together; ``reached``: when it is done, all that changed before is done, if that is known."""

    claims: Sequence[Located]
    reached: str | None

    @property
    def patients(self) -> frozenset[str]:
        return frozenset(map(_patient, self.claims))


@dataclass
class Cutter:
    """Collects claims and cuts them where a patient ends, or where very many were read."""

    size: int
    most_read: int = MOST_READ
    _claims: list[Located] = field(default_factory=list)
    _reached: str | None = None
    _read: int = 0

    def add(self, claims: Sequence[Located], reached: str | None, *, read: int = 0) -> list[Chunk]:
        """Take in what is in scope of so many claims read; returns the chunks to decide, which may have no claims."""
        self._claims += claims
        self._reached = reached
        self._read += read
        cut = []
        while len(self._claims) >= self.size:
            cut.append(self._cut())
        if cut:
            self._read = 0
        elif self._read >= self.most_read and reached is not None:
            cut, self._claims, self._read = [Chunk(self._claims, reached)], [], 0
        return cut

    def rest(self) -> list[Chunk]:
        """What is left when no more claims come."""
        return [Chunk(self._claims, self._reached)] if self._claims else []

    def _cut(self) -> Chunk:
        """A full chunk, without the beginning of its last patient's claims unless they are most of it."""
        last = _patient(self._claims[self.size - 1])
        end = self.size
        while end > 0 and _patient(self._claims[end - 1]) == last:
            end -= 1
        end = end if end > self.size // 2 else self.size
        taken, self._claims = self._claims[:end], self._claims[end:]
        return Chunk(taken, self._before_the_rest())

    def _before_the_rest(self) -> str | None:
        if self._reached is None:
            return None
        times = [last_updated(each.resource) for each in self._claims]
        return None if None in times else min([*filter(None, times), self._reached], key=moment)


class InHand:
    """The chunks under way; ``work`` brings one to its end, ``done`` hears of each, in their order."""

    def __init__(self, work: Callable[[Chunk], Awaitable[Report]], done: Callable[[Chunk, Report], None]) -> None:
        self._work = work
        self._done = done
        self._under_way: deque[tuple[Chunk, asyncio.Task[Report]]] = deque()

    async def start(self, chunk: Chunk) -> None:
        """Begin a chunk, as soon as there is room and nobody else has its patients in hand; report what is done."""
        while self._first_is_done() or len(self._under_way) >= IN_HAND or self._shares_patients(chunk):
            await self._finish_first()
        self._under_way.append((chunk, asyncio.ensure_future(self._work(chunk))))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Bring to an end what is under way; after a fault leave nothing running."""
        try:
            while error is None and self._under_way:
                await self._finish_first()
        finally:
            await self._abandon()

    async def _abandon(self) -> None:
        for _, task in self._under_way:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._under_way), return_exceptions=True)
        self._under_way.clear()

    def _first_is_done(self) -> bool:
        return bool(self._under_way) and self._under_way[0][1].done()

    def _shares_patients(self, chunk: Chunk) -> bool:
        return any(each.patients & chunk.patients for each, _ in self._under_way)

    async def _finish_first(self) -> None:
        chunk, task = self._under_way[0]
        report = await task
        self._under_way.popleft()
        self._done(chunk, report)


def _patient(claim: Located) -> str:
    """Whom a claim is about, by what it says; one that does not say it readably shares its patient with nobody."""
    pointer = parse_reference(claim.resource.get("patient"))
    if pointer is None:
        return claim.key
    identified = str(pointer.identifier) if pointer.identifier else claim.key
    return pointer.local or pointer.url or identified
