"""Works off the inbox: DBOS starts each group once, and again after a crash; nothing is done until its row says so.

The work can be repeated, for an answer that is there already is not written again. So a group needs no steps of its
own: it counts as done when the function returns, and any time before that it may begin anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import TypeVar
from uuid import uuid4

from dbos import DBOS
from sqlalchemy.exc import DBAPIError

from adapter.durable.engine import Engine
from adapter.durable.pauses import pause
from adapter.errors import AdapterError, raised_at
from adapter.logs import events
from adapter.notifications.model import Heard, Kind
from adapter.receiver.work.inbox import QUEUE, RECONCILE, RECONSIDER, SERVING, Group, Inbox, read_group
from adapter.tracing import within

log = events.logger(__name__)
T = TypeVar("T")

POLLING_SECONDS = 0.2
"""How long a notification waits at most until an idle worker sees it."""
GRACE_SECONDS = 5
"""What a group that is being worked on has to finish when the process is asked to end."""
MOST_ATTEMPTS = 6


class ServerAway(AdapterError):
    """The FHIR server cannot be asked at all; the work waits for it, however long that takes."""


class GivenUp(AdapterError):
    """A hint that failed time and again; it waits for a person, with the last reason as its message."""


class Stopped(AdapterError):
    """The process is about to end; the work begins anew when it is started again."""


Note = Callable[[Sequence[Heard]], None]
"""Keeps what was heard of Subscriptions."""
Reconcile = Callable[[Sequence[str]], Mapping[str, str]]
"""Brings up to date what depends on the hints; returns what stayed undone, each with its reason.

Raises ServerAway when the server is not there.
"""


class Worker:
    """One process that works off an inbox; there can be several on one PostgreSQL database.

    A process that is started under the name of one that ended, its ``node``, takes its work up at once; others do when
    it has been silent for a while.
    """

    def __init__(self, url: str, inbox: Inbox, reconcile: Reconcile, note: Note, node: str) -> None:
        process = f"{node}/{uuid4().hex[:12]}"
        self._engine = Engine(url, SERVING, inbox, process)
        self._inbox = inbox
        self._reconcile = reconcile
        self._note = note
        self._stopping = threading.Event()

    def start(self) -> None:
        """Create or upgrade the tables, and begin to work; what an earlier process left undone comes first."""
        self._engine.start(self._register)
        # One group at a time, whoever works on it: the next ones gather meanwhile, and are then taken together. Two at
        # a time would be the same claims twice, and what was decided on older evidence could be written last.
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=1,
            global_concurrency=1,
            polling_interval_sec=POLLING_SECONDS,
            on_conflict="always_update",
        )
        self._engine.care(succeed=True)

    def stop(self) -> None:
        """End; a group that is being worked on keeps its row, and begins anew at the next start."""
        self._engine.stop(GRACE_SECONDS)
        self._stopping.set()  # only now, when what ends without success leaves its row as it is

    def _register(self) -> None:
        # Functions, because DBOS marks what it is given, and a method cannot be marked.
        @DBOS.workflow(name=RECONCILE)
        def work_off(hints: list[str], heard: str) -> None:
            self._work_off(read_group(hints, heard))

        @DBOS.workflow(name=RECONSIDER)
        def try_again(hint: str, attempts: int, _reason: str) -> None:
            self._try_again(hint, attempts)

    def _work_off(self, first: Group) -> None:
        """One group, and with it all that wait behind it: a claim that is named in many of them is decided once."""
        others = self._kept(self._inbox.waiting)
        groups = [first, *others.values()]
        together = dict.fromkeys(hint for group in groups for hint in group.hints)
        heard = [each for group in groups for each in group.heard]
        with within(each.trace for each in heard if each.kind is Kind.EVENT):
            undone = self._patiently(list(together))
        for hint, reason in undone.items():
            self._put_later(hint, 1, reason)
        self._kept(partial(self._inbox.succeeded, together.keys() - undone.keys()))
        # Only now: what begins anew after a crash must not be counted twice.
        self._note_all(heard)
        self._kept(partial(self._inbox.remove, others))
        self._kept(self._inbox.remove_finished)

    def _note_all(self, heard: Sequence[Heard]) -> None:
        """Event numbers are noted as well as can be: what they would have told, the next sweep finds too."""
        try:
            self._note(heard)
        except Exception as error:  # noqa: BLE001 - no fault of the book-keeping may hold up a claim
            log.error("events.not_noted", failed=error)

    def _try_again(self, hint: str, attempts: int) -> None:
        """One hint by itself, so that it holds up no other."""
        for left, reason in self._patiently([hint]).items():
            if attempts >= MOST_ATTEMPTS:
                log.error("change.given_up", changed=hint, attempt=attempts)
                raise GivenUp(reason)
            self._put_later(left, attempts + 1, reason)

    def _put_later(self, hint: str, attempts: int, reason: str) -> None:
        self._kept(partial(self._inbox.put_later, hint, attempts, reason, pause(attempts)))

    def _patiently(self, hints: Sequence[str]) -> Mapping[str, str]:
        """Reconcile; as long as the server is away, wait, for then nothing else could be done either."""
        try:
            return self._again_while(ServerAway, "FHIR server", partial(self._reconcile, hints)) if hints else {}
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - a group that ends so is given up whole; each hint gets its attempts
            log.error("changes.failed", count=len(hints), failed=error)
            return dict.fromkeys(hints, f"internal error, please report it: {raised_at(error)}")

    def _kept(self, ask: Callable[[], T]) -> T:
        """Ask the inbox; a database that is away or busy for a while is no reason to give a group up."""
        return self._again_while(DBAPIError, "database of notifications", ask)

    def _again_while(self, away: type[Exception], what: str, ask: Callable[[], T]) -> T:
        for attempt in count(1):
            try:
                return ask()
            except away as error:
                log.warning("waiting.for", what=what, attempt=attempt, failed=error)
            if self._stopping.wait(pause(attempt)):
                break
        raise Stopped("the work begins anew at the next start")
