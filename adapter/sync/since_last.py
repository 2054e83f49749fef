"""All claims of a server at first, then what changed since; a run that was killed is gone on with.

The order in which things are done is what makes it safe to stop at any instant: a checkpoint moves when all before it
is answered, and what is done twice is not written twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.sources.fhir_client import FhirClient
from adapter.sources.instants import moment
from adapter.sync.answers_there import AnswersThere
from adapter.sync.changes import ANSWER, Changes, looked_back, marks_ahead
from adapter.sync.checkpoints import Checkpoint, Marks
from adapter.sync.reconciler import Reconciler
from adapter.sync.remembered import Remembered
from adapter.sync.report import Progress, Report
from adapter.sync.server import Extent, ServerRun
from adapter.sync.settled import Settled, version_of


@dataclass
class SinceLast:
    """One run; ``overlap`` is how far it looks back behind the end of the last one."""

    reconciler: Reconciler
    checkpoint: Checkpoint
    overlap: timedelta
    tell: Progress
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    settled: Settled = field(default_factory=Settled)
    """What the runs of this process before it have done with."""
    _decided: Remembered = field(default_factory=Remembered)
    _report: Report = field(default_factory=Report)

    async def everything(self) -> Report:
        """Decide all claims, from the first, whatever was done before."""
        return await self._all(anew=True)

    async def changed(self) -> Report:
        """Decide what changed since the last complete run; all, or the rest of all, where there was none."""
        since = self.checkpoint.instant
        self.settled.begin()
        if since is None or is_ahead(self.reconciler.source.client, since):
            return await self._all(anew=since is not None)
        changes = Changes(self.reconciler.source, since)
        if await changes.none_at_all():
            return self._report
        # In this order: what changes between the two is in the first and, by the second, among what is looked at now.
        now = await self.reconciler.source.client.ask_time()
        ahead = await self._marks(now)
        kinds = await changes.since(self.checkpoint.marks)
        run = self._run()
        if not kinds:
            return self._ended(run, now, ahead)
        there = AnswersThere(self.reconciler)
        await there.begin()
        await self._recent(run, since, kinds, now)
        return self._ended(run, now, await self._ahead(there, ahead, now))

    async def _recent(self, run: ServerRun, since: str, kinds: list[str], now: datetime | None) -> None:
        """Decide the claims concerned by changes of these types."""
        if now is not None:
            self.checkpoint.begin(now, anew=False)
        if "Claim" in kinds:
            begin = max(filter(None, (since, self._from(self.checkpoint.reached))), key=moment)
            run.fresh = self._is_fresh
            await run.walk(Extent(since=begin))
        await self._concerned(run, Changes(self.reconciler.source, since, self.settled), kinds, now)

    async def _all(self, *, anew: bool) -> Report:
        now = await self.reconciler.source.client.ask_time()
        begun, reached = (None, None) if anew else (self.checkpoint.begun, self.checkpoint.reached)
        marks = await self._marks(now)
        run, there = self._run(), AnswersThere(self.reconciler)
        await there.begin()
        if now is not None:
            self.checkpoint.begin(now, anew=anew)
        await run.walk(Extent(since=self._from(reached)))
        since = self._from(begun)
        if since is not None and reached is not None:  # what was decided before it was killed may rest on less
            changes = Changes(self.reconciler.source, since)
            await self._concerned(run, changes, [*changes.kinds, ANSWER], now)
        return self._ended(run, now, await self._ahead(there, marks, now))

    async def _concerned(self, run: ServerRun, changes: Changes, kinds: list[str], now: datetime | None) -> None:
        if self.stop.is_set():
            run.report.ended_early = True
            return
        await run.decide(changes.concerned(kinds, now, self._was_decided))

    def _from(self, instant: str | None) -> str | None:
        """From where to go on behind an instant: what is of before it may only be found now."""
        return None if instant is None else (moment(instant) - self.overlap).isoformat(timespec="seconds")

    def _run(self) -> ServerRun:
        return ServerRun(
            self.reconciler, self.tell, self.checkpoint.reach, self.stop, self._decided.add, report=self._report
        )

    def _is_fresh(self, claim: Json) -> bool:
        return not self.settled.is_done(version_of(claim))

    def _was_decided(self, claim: Located) -> bool:
        return claim in self._decided

    async def _marks(self, now: datetime | None) -> Marks:
        if now is None or not self.checkpoint.moves:
            return {}
        return await marks_ahead(self.reconciler.source, now, self.overlap)

    async def _ahead(self, there: AnswersThere, marks: Marks, now: datetime | None) -> Marks:
        """The marks for the next run, which takes what we wrote ourselves for no news."""
        if now is None or not marks:
            return marks
        return await there.marks(marks, looked_back(now, self.overlap))

    def _ended(self, run: ServerRun, now: datetime | None, marks: Marks) -> Report:
        told = run.report.warnings
        told += [each for each in self.reconciler.source.notices() if each not in told]
        if now is not None and run.report.finished:
            self.checkpoint.finish(now, self.overlap, marks)
            self.settled.finish()
        return run.report


def is_ahead(client: FhirClient, instant: str) -> bool:
    """Whether a checkpoint lies in the server's future: then one of its clocks was wrong, and nothing is sure."""
    now = client.wire.clock.date
    return now is not None and moment(instant) > now
