"""What of the runs of ``sync --workers`` may go: their items, and runs that nothing hangs on any more.

How far a server was read is what its last complete run says, unless a run by other rules wrote after that one began.
So that run stays, and every run that ended since; of older ones nothing is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dbos import WorkflowStatus

from adapter.purged import Purged
from adapter.runs.board import ITEM, OPEN, REFUSED, RUN, Board, read_run
from adapter.runs.model import RunState


class PurgedBoard(Board):
    """A board whose finished runs can be removed."""

    def purge(self, before: datetime, *, dry_run: bool) -> list[Purged]:
        """Remove what ended before an instant; a run that goes on keeps all it has."""
        runs = [read_run(row) for row in self._client.list_workflows(name=RUN)]
        over = [each for each in runs if each.state.over and each.ended is not None]
        ended = [each for each in over if (each.ended or 0) < before.timestamp()]
        rows = self._client.list_workflows(name=[ITEM, REFUSED], load_input=False, load_output=False)
        old = {each.id for each in ended}
        parts = [row.workflow_id for row in rows if row.workflow_id.partition("/")[0] in old and _may_go(row)]
        gone = [each.id for each in removable(runs, ended)]
        if not dry_run:
            self.remove(parts)
            self.remove(gone)
        note = "how far a server was read rests on those kept" if len(gone) < len(ended) else ""
        return [
            Purged("items of runs", len(parts), len(rows) - len(parts)),
            Purged("runs", len(gone), len(runs) - len(gone), note),
        ]


def _may_go(row: WorkflowStatus) -> bool:
    """Whether nobody works on an item; a note is in a queue that nobody works off."""
    return row.name == REFUSED or row.status not in OPEN


def removable(runs: Sequence[RunState], ended: Sequence[RunState]) -> list[RunState]:
    """Of the runs that ended long ago, those that say nothing any more of how far their server was read."""
    begun: dict[str, float] = {}
    for each in runs:
        if each.finished and each.plan.reaches is not None:
            begun[each.plan.server] = max(each.begun, begun.get(each.plan.server, 0.0))
    return [each for each in ended if (each.ended or 0) < begun.get(each.plan.server, 0.0)]
