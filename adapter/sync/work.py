"""Portions of a folder's claims, decided by one process or by several: the answers are the same bytes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from threading import Thread
from typing import Any, Protocol

from adapter.answers.answer import Answer
from adapter.errors import WriteError
from adapter.evidence.store import Located
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Unanswered
from adapter.sources.folder.index import Due
from adapter.sources.folder.portions import Portions
from adapter.sync.memory import portion_done
from adapter.sync.report import Tally, decide

AHEAD = 2
"""Portions that wait for each process, so that none runs dry."""


Events = Callable[[Sequence[Located], Sequence[Answer], Sequence[Unanswered]], list[bytes]]
"""What the audit enters of claims that were read, with their answers; made where they were decided."""


class Sink(Protocol):
    """What becomes of the answers of a portion, in the process that decided them."""

    def take(self, answers: Sequence[Answer]) -> Any:
        """Put the answers somewhere; what it returns goes back to the process that gives out the work."""

    def close(self) -> None:
        """No more answers come."""


@dataclass
class Done:
    """One portion, decided."""

    tally: Tally = field(default_factory=Tally)
    taken: Any = None
    unanswered: list[Unanswered] = field(default_factory=list)
    claims: int = 0
    out_of_scope: int = 0
    events: list[bytes] = field(default_factory=list)
    """What the audit enters of it."""
    files: frozenset[int] = frozenset()
    """The numbers of the files that it was decided from."""


@dataclass
class Work:
    """Decides portions in this process. ``sink`` makes where the answers go."""

    portions: Portions
    adjudicator: Adjudicator
    instant: datetime
    sink: Sink
    events: Events = lambda _claims, _answers, _unanswered: []
    only: bool = False
    """Whether only some claims are asked for: then those that they replace are answered with them, for nobody else
    does."""

    def close(self) -> None:
        """Let go of the files that are open."""
        self.portions.close()
        self.sink.close()

    def decide(self, due: Sequence[Due]) -> Done:
        """The claims of a portion; one whose newest version bills something else is out of scope."""
        done = self._decided(due)
        portion_done()
        return done

    def _decided(self, due: Sequence[Due]) -> Done:
        claims, store, files = self.portions.of(due)
        ours = [each for each in claims if self.adjudicator.in_scope(each)]
        answers, unanswered = decide(ours, store, self.adjudicator, self.instant)
        done = Done(unanswered=unanswered, claims=len(claims), out_of_scope=len(claims) - len(ours), files=files)
        mine = answers if self.only else _own(answers, ours)
        for each in mine:
            done.tally.count(each)
        done.events = self.events(ours, mine, unanswered)
        done.taken = self.sink.take(mine)
        return done


def _own(answers: Iterable[Answer], claims: Iterable[Located]) -> list[Answer]:
    """Without those to claims of other portions, which answer them themselves."""
    names = {each.id for each in claims}
    return [each for each in answers if each.claim in names]


_work: Work | None = None
"""The work of a forked process. A pool sends a function and arguments; the work holds open files and cannot be sent,
so each process makes its own once, and finds it here again."""


def _begin(make: Callable[[], Work]) -> None:
    global _work  # noqa: PLW0603 - a process of a pool has no other place of its own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever gives out the work ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _work = make()


def _end_with(parent: int) -> None:
    """Whoever gives out the work may be killed outright; then nobody tells us."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _do(due: Sequence[Due]) -> Done:
    assert _work is not None  # noqa: S101 - each process of the pool begins by making it
    return _work.decide(due)


def decided(portions: Iterable[Sequence[Due]], make: Callable[[], Work], processes: int) -> Iterator[Done]:
    """The portions, decided by that many processes, in any order."""
    if processes == 1:
        with closing(make()) as work:
            yield from map(work.decide, portions)
        return
    context = multiprocessing.get_context("fork")  # mappings and policies are loaded once, and shared
    with ProcessPoolExecutor(processes, context, _begin, (make,)) as pool:
        try:
            yield from _through(pool, iter(portions), processes * AHEAD)
        finally:
            pool.shutdown(cancel_futures=True)


def _result(done: Future[Done]) -> Done:
    try:
        return done.result()
    except BrokenProcessPool as error:
        problem = "a process that decided was ended from outside, perhaps for want of memory"
        raise WriteError(f"{problem}; nothing was written. Run it again with fewer, by ADAPTER_PROCESSES.") from error


def _through(pool: ProcessPoolExecutor, portions: Iterator[Sequence[Due]], most: int) -> Iterator[Done]:
    waiting: set[Future[Done]] = {pool.submit(_do, each) for each in islice(portions, most)}
    while waiting:
        finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for each in finished:
            yield _result(each)
        waiting |= {pool.submit(_do, each) for each in islice(portions, len(finished))}
