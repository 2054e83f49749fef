"""Work that a process began and will not finish, because it is gone: it is handed to whoever is there.

What a dead process began would hold up all that waits for it. Each process shows that it is there by a row of its own,
made anew every few seconds. Whether one has fallen silent is seen
by its row staying the same: the clocks of two machines are never compared. Were it alive after all, the work would only
be done twice, and DBOS takes the outcome of the later one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from adapter.durable.rows import Rows
from adapter.logs import events

log = events.logger(__name__)

SHOWING_SECONDS = 5.0
"""How often a process shows that it is there."""
SILENCE_SECONDS = 30.0
"""How long a process may show nothing new before it counts as gone."""


class Takeover:
    """Shows that ``process`` is there, and finds those that are not; ``begin_again`` frees what they had begun."""

    def __init__(
        self,
        rows: Rows,
        process: str,
        begin_again: Callable[[list[str]], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._process = process
        self._begin_again = begin_again
        self._clock = clock
        self._last: dict[str, tuple[str | None, float]] = {}
        """The row of each other process, and since when it has been that row."""

    def succeed(self) -> None:
        """Take up at once what an earlier process of the same node began."""
        others = self._rows.working() - {self._process}
        self._take([each for each in sorted(others) if node_of(each) == node_of(self._process)])

    def look(self) -> None:
        """Show ourselves, and take up what those began who have fallen silent."""
        self._rows.show(self._process)
        shown, working = self._rows.shown(), self._rows.working()
        others = {*shown, *working} - {self._process}
        gone = [each for each in sorted(others) if self._is_silent(each, shown.get(each))]
        self._last = {each: last for each, last in self._last.items() if each in others and each not in gone}
        self._take([each for each in gone if each in working])
        self._rows.remove(shown[each] for each in gone if each in shown)

    def _is_silent(self, process: str, row: str | None) -> bool:
        now = self._clock()
        last, since = self._last.get(process, (None, now))
        self._last[process] = (row, since if last == row else now)
        return now - self._last[process][1] >= SILENCE_SECONDS

    def _take(self, gone: list[str]) -> None:
        if gone:
            log.warning("work.taken_over", processes=", ".join(gone))
            self._begin_again(gone)


def node_of(process: str) -> str:
    """The name of the node, of which each start is a process of its own."""
    return process.partition("/")[0]
