"""One process that works off the items of runs; there can be any number on one PostgreSQL database.

An item can be repeated: an answer that is there already is not written again. So it needs no steps of its own. What a
process leaves behind that died, the others take up when it has been silent for a while; one that ends in good order
puts it back at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

from dbos import DBOS
from sqlalchemy.exc import DBAPIError

from adapter.durable.engine import Engine
from adapter.durable.pauses import pause
from adapter.errors import AdapterError, raised_at
from adapter.evidence.references import Json
from adapter.logs import events
from adapter.runs.board import ITEM, OPEN, POLLING_SECONDS, RUN, Board, application, queues, read_item, read_plan
from adapter.runs.model import Basis, Item, Look, Plan, RunState, State, first_items, last_items, named_items
from adapter.runs.tally import CONCERNED, RELATED, totals
from adapter.sources.refusals import Refused

log = events.logger(__name__)
T = TypeVar("T")

MOST_ATTEMPTS = 4
"""Attempts at an item that fails, before it is given up and told."""
MOST_CRASHES = 3
"""How often an item that a process died of is taken up by another."""
WATCHING_SECONDS = (0.1, 1.0)
"""How often a run looks whether its items are done: often at first, for a small one soon is."""
STORING_SECONDS = 5.0

Decide = Callable[[Item], Json]
"""Decides the claims of an item; returns its tally. Whatever it raises counts as a failed attempt."""


class Left(AdapterError):
    """The process is about to end; the work is put back."""


class RunWorker:
    """Works for runs of one basis; ``server`` limits it to the runs of one server."""

    def __init__(
        self, url: str, board: Board, decide: Decide, basis: Basis, process: str, server: str | None = None
    ) -> None:
        self._engine = Engine(url, application(basis), board, process, self._look_at_others)
        self._board = board
        self._decide = decide
        self._basis = basis
        self._process = process
        self._server = server
        self._refused: set[str] = set()
        self._leaving, self._left = threading.Event(), threading.Event()
        self._in_hand = threading.Lock()
        self._last: str | None = None
        """The item that was finished last."""

    def start(self) -> None:
        """Create or upgrade the tables, and begin to work."""
        self._engine.start(self._register, queues(self._server) if self._server else ())
        self._engine.care(succeed=False)  # several processes may have one name

    def idle(self) -> bool:
        """Whether there is nothing left that this process could do now or later."""
        return not any(each.plan.basis == self._basis for each in self._runs())

    def stop(self, at_once: Callable[[], bool] = lambda: False) -> None:
        """Finish the item in hand, and end; ``at_once`` is asked whether to leave it instead."""
        self._leaving.set()
        held = False
        while not held and not at_once():
            held = self._in_hand.acquire(timeout=0.1)
        self._await_last(at_once)
        self._engine.stop(0)
        self._left.set()  # only now, when what ends without success leaves its row as it is
        if held:
            self._in_hand.release()
        self._board.hand_over(self._process)

    def _await_last(self, at_once: Callable[[], bool]) -> None:
        """Give DBOS a moment to store how the last item ended; were it not to, the item would only be done again."""
        deadline = time.monotonic() + STORING_SECONDS
        while self._last and not at_once() and time.monotonic() < deadline and self._board.is_begun(self._last):
            time.sleep(POLLING_SECONDS)

    def _register(self) -> None:
        # Functions, because DBOS marks what it is given, and a method cannot be marked.
        @DBOS.workflow(name=RUN)
        def run(plan: str) -> Json:
            return self._run(str(DBOS.workflow_id), read_plan(plan))

        @DBOS.workflow(name=ITEM, max_recovery_attempts=MOST_CRASHES)
        def item(item: str) -> Json:
            return self._item(read_item(item))

    # --- a run

    def _run(self, id: str, plan: Plan) -> Json:
        """Have the windows done, then what can only be seen when they are; returns what was done in all."""
        first = first_items(plan, id)
        self._done(id, plan, first)
        further = named_items(plan, id, Look.CONCERNED, self._named(id, CONCERNED, len(first)), len(first) + 1)
        self._done(id, plan, further)
        before = len(first) + len(further)
        again = named_items(plan, id, Look.AGAIN, self._named(id, RELATED, before), before + 1)
        self._done(id, plan, [*again, *last_items(plan, id, before + len(again) + 1)])
        return totals(self._kept(partial(self._board.items, id)))

    def _named(self, id: str, what: str, last: int) -> list[str]:
        """Claims that items up to the ``last`` name; whoever takes a run over must find the same."""
        items = self._kept(partial(self._board.items, id))
        return [name for each in items if each.item.number <= last for name in (each.tally or {}).get(what, ())]

    def _done(self, id: str, plan: Plan, items: Sequence[Item]) -> None:
        """Put items, and return when all that the run has are done; a run that was cancelled gets no more."""
        if not self._kept(partial(self._board.is_open, id)):
            return
        self._kept(partial(self._board.put, items, plan.basis.digest))
        seconds, most = WATCHING_SECONDS
        while True:
            counted = self._kept(partial(self._board.counted, id))
            if not counted[State.WAITING] and not counted[State.RUNNING]:
                return
            if self._leaving.wait(seconds):
                raise self._left_behind()
            seconds = min(1.5 * seconds, most)

    # --- an item

    def _item(self, item: Item) -> Json:
        """Decide the claims of an item; what fails time and again is told, and holds up no other."""
        with self._in_hand:
            begun = time.monotonic()
            outcome = self._attempted(item)
            if outcome is not None:
                self._last = item.id
                return outcome | {"seconds": round(time.monotonic() - begun, 3)}
        raise self._left_behind()

    def _attempted(self, item: Item) -> Json | None:
        """What came of an item; None when the process is to end before."""
        for attempt in count(1):
            if self._leaving.is_set():
                break
            try:
                return {"tally": self._decide(item)}
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the matter of one item
                fault = error
                if attempt >= MOST_ATTEMPTS or isinstance(error, Refused):
                    return {"failed": _reason(error)}
            log.warning("item.failed", item=item.id, attempt=attempt, failed=fault)
            self._leaving.wait(pause(attempt))
        return None

    def _left_behind(self) -> Left:
        """What to end by; only when the process has left DBOS, so that what ends leaves its row as it is."""
        self._left.wait()
        return Left("the work was put back")

    # --- others

    def _runs(self) -> list[RunState]:
        runs = self._board.runs(OPEN)
        return [each for each in runs if self._server in (None, each.plan.server)]

    def _look_at_others(self) -> None:
        """Say of which runs we keep our hands off, once of each."""
        for each in self._runs():
            differs = self._basis.differences(each.plan.basis)
            if differs and each.id not in self._refused:
                self._refused.add(each.id)
                self._board.refuse(each.id, self._process, differs)
                log.warning("run.left_to_others", run=each.id, differs=", ".join(differs))

    def _kept(self, ask: Callable[[], T]) -> T:
        """Ask the database; that it is away for a while is no reason to give a run up."""
        for attempt in count(1):
            try:
                return ask()
            except DBAPIError as error:
                log.warning("waiting.for", what="database of runs", attempt=attempt, failed=error)
            if self._leaving.wait(pause(attempt)):
                break
        raise self._left_behind()


def _reason(error: Exception) -> str:
    if isinstance(error, AdapterError):
        return str(error)
    return f"internal error, please report it: {raised_at(error)}"
