"""Synchronisation of a server with itself, or from it to a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.sources.change_windows import Window
from adapter.sources.claim_pages import Page
from adapter.sync.chunks import Chunk, Cutter, InHand
from adapter.sync.named import Named
from adapter.sync.progress import Pace
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report
from adapter.sync.spoilt import Sparing

Reached = Callable[[str], None]
"""Told up to which change every claim is answered, whenever that moves on."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Which claims: the ones named, or those changed at or after ``since`` and before ``until``."""

    since: str | None = None
    until: str | None = None
    ids: Sequence[str] = ()


async def sync_server(
    reconciler: Reconciler,
    *,
    since: str | None,
    ids: Sequence[str],
    tell: Progress,
    until: str | None = None,
    reached: Reached = lambda _instant: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Decide a server's claims, chunk by chunk; write the answers back where there is a sink.

    ``stop`` ends the run early: what is in hand is brought to its end, and no more is read.
    """
    run = ServerRun(reconciler, tell, reached, stop or asyncio.Event())
    await run.walk(Extent(since, until, ids))
    return run.report


@dataclass
class ServerRun:
    """One run over claims of a server; ``report`` says what it did so far."""

    reconciler: Reconciler
    tell: Progress
    reached: Reached
    stop: asyncio.Event
    note: Callable[[Located], None] = lambda _claim: None
    """Told of each claim that is decided."""
    fresh: Callable[[Json], bool] = lambda _claim: True
    """Whether a claim that was read is to be looked at."""
    report: Report = field(default_factory=Report)
    _sparing: Sparing = field(init=False)

    def __post_init__(self) -> None:
        self._sparing = Sparing(self.reconciler)
        self.report.structure_trusted = self.reconciler.adjudicator.trust_structure

    async def walk(self, extent: Extent) -> None:
        """Decide the claims of an extent."""
        seen: set[str] = set()
        client = self.reconciler.source.client
        pace = Pace(client, Window(extent.since, extent.until, client.page_size), self.tell)
        async with InHand(self._work, self._done) as in_hand:
            cutter = Cutter(await self.reconciler.source.claims_together())
            async for page in self._pages(extent):
                claims = [self.reconciler.source.located(each) for each in page.claims if self.fresh(each)]
                seen |= {str(each.id) for each in claims if extent.ids}
                await pace.more(len(claims))
                await self._start(in_hand, cutter.add(self._in_scope(claims), page.reached, read=len(claims)))
                if self.stop.is_set():
                    self.report.ended_early = True
                    break
            else:
                await self._start(in_hand, cutter.rest())
        self._conclude(extent, seen)

    async def decide(self, chunks: AsyncIterator[Sequence[Located]]) -> None:
        """Decide claims that were found otherwise; how far that brings the run, is not known."""
        async with InHand(self._work, self._done) as in_hand:
            cutter = Cutter(await self.reconciler.source.claims_together())
            async for claims in chunks:
                await self._start(in_hand, cutter.add(self._in_scope(claims), None))
                if self.stop.is_set():
                    self.report.ended_early = True
                    return
            await self._start(in_hand, cutter.rest())

    async def _start(self, in_hand: InHand, chunks: Sequence[Chunk]) -> None:
        """Begin these, unless we are asked to end."""
        for each in chunks:
            if self.stop.is_set():
                self.report.ended_early = True
                return
            await in_hand.start(each)

    async def _pages(self, extent: Extent) -> AsyncIterator[Page]:
        source = self.reconciler.source
        if not extent.ids:
            async for page in source.walk(extent.since, extent.until).pages():
                yield page
            return
        named = Named(source, self.report.unanswered)
        async for found in named.pages(extent.ids):
            yield Page(found, None)

    def _in_scope(self, claims: Sequence[Located]) -> list[Located]:
        ours = [each for each in claims if self.reconciler.adjudicator.in_scope(each)]
        self.report.out_of_scope += len(claims) - len(ours)
        return ours

    async def _work(self, chunk: Chunk) -> Report:
        part = await self._sparing.reconcile(chunk.claims)
        for each in chunk.claims:
            self.note(each)
        return part

    def _done(self, chunk: Chunk, part: Report) -> None:
        """Take in what became of a chunk; the run has only come as far as nothing before is left unanswered."""
        self.report.absorb(part)
        whole = self.report.finished and not self.reconciler.source.unread
        if chunk.reached is not None and whole:
            if self.reconciler.writes:
                self.report.reached = chunk.reached
            self.reached(chunk.reached)

    def _conclude(self, extent: Extent, seen: set[str]) -> None:
        source = self.reconciler.source
        known = seen | {str(each.claim) for each in self.report.unanswered}
        self.report.missing = () if self.report.ended_early else tuple(sorted(set(extent.ids) - known))
        self.report.unread = list(source.unread)
        self.report.warnings += [each for each in source.notices() if each not in self.report.warnings]
