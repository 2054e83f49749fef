"""Whether all answers are there that were, so that the next run need not look for deleted ones."""

from __future__ import annotations

from dataclasses import dataclass

from adapter.sources.refusals import Refused, Unserved
from adapter.sync.changes import ANSWER, Changes
from adapter.sync.checkpoints import Marks
from adapter.sync.reconciler import Reconciler


@dataclass
class AnswersThere:
    """The answers on a server, counted before a run writes any."""

    reconciler: Reconciler
    _before: int | None = None

    async def begin(self) -> None:
        """Nothing of this run is written yet."""
        self._before = await self._counted()

    async def marks(self, ahead: Marks, since: str) -> Marks:
        """``ahead``, which was taken when the run began, with what its own answers make of the history of answers.

        What was deleted meanwhile would be among that and never be looked at, so it is only kept where nothing was;
        without it the next run looks through the history. It is taken first: what is deleted after it, is news by it.
        """
        others = {kind: mark for kind, mark in ahead.items() if kind != ANSWER}
        if self._before is None:
            return others
        mark = await Changes(self.reconciler.source, since).mark_of_answers(since)
        return others | mark if mark and await self._are_there(since) else others

    async def _are_there(self, since: str) -> bool:
        """Whether nobody but us added an answer, and nobody deleted one; a count that is right may hide one of each."""
        sink, after = self.reconciler.sink, await self._counted()
        if sink is None or after is None or self._before is None or after != self._before + sink.created:
            return False
        try:
            return not await sink.client.deletions_told(ANSWER, since)
        except (Refused, Unserved):
            return False

    async def _counted(self) -> int | None:
        """None where nobody would use it, or the server does not count."""
        sink = self.reconciler.sink
        if sink is None or self.reconciler.dry_run or not await self._is_told():
            return None
        try:
            return await sink.client.count(ANSWER, {"identifier": f"{sink.identifier_system}|"})
        except (Refused, Unserved):
            return None

    async def _is_told(self) -> bool:
        return await Changes(self.reconciler.source, "").tells_deletions(ANSWER)
