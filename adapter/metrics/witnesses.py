"""What a run and its requests do, counted. Both change nothing, and the runs know nothing of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.claim_response import reason_codes
from adapter.answers.systems import CARC
from adapter.coverage.finding import LineDetermination
from adapter.evidence.references import objects
from adapter.evidence.store import EvidenceStore
from adapter.metrics import table
from adapter.metrics.meters import Meters
from adapter.reconcile.reconciliation import Unanswered
from adapter.sinks.step import CONFLICT
from adapter.sources.instants import last_updated, moment
from adapter.sources.witness import Answered, RequestWitness
from adapter.sync.witness import Concluded, Stage, Witness

NO_ANSWER = "none"
_CHANGED = (Action.CREATED, Action.UPDATED)


class RunMeter(Witness):
    """Counts decisions and answers as the report does, and measures the stages."""

    def __init__(
        self, meters: Meters, clock: Callable[[], float] = time.time, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._meters = meters
        self._clock = clock
        """Seconds since 1970."""
        self._timer = timer

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        began = self._timer()
        try:
            yield
        finally:
            self._meters.observe(table.STAGES, self._timer() - began, stage=stage)

    def wrote(self, written: Sequence[Written]) -> None:
        self._meters.count(table.CONFLICTS, sum(each.problem == CONFLICT for each in written))

    def concluded(self, concluded: Concluded) -> None:
        for answer in concluded.answers:
            self._count(answer)
        for each in concluded.written:
            self._meters.count(table.ANSWERS, action=each.action)
        changed = {each.claim for each in concluded.written if each.action in _CHANGED}
        for answer in concluded.answers:
            if answer.claim in changed:
                self._measure_lag(answer, concluded.store)

    def left(self, unanswered: Sequence[Unanswered]) -> None:
        self._meters.count(table.UNANSWERED, len(unanswered))

    def _count(self, answer: Answer) -> None:
        if answer.response is not None:
            self._meters.count(table.RESPONSES, outcome=str(answer.response["outcome"]))
        if answer.outcome is not None:
            self._meters.count(table.OUTCOMES)
        for line in answer.determination.lines if answer.determination else ():
            self._count_line(line)

    def _count_line(self, line: LineDetermination) -> None:
        decision = line.decision.name.lower()
        self._meters.count(table.LINES, decision=decision)
        for each in line.deciding:
            if each.noteworthy:
                self._meters.count(table.RULES, rule=each.rule, decision=decision)
        for system, code in reason_codes(line):
            self._meters.count(table.REASONS, list="carc" if system == CARC else "rarc", reason=code)

    def _measure_lag(self, answer: Answer, store: EvidenceStore) -> None:
        """Two clocks are compared, the server's and ours: where theirs is ahead, it is no time at all."""
        newest = _newest(answer, store)
        if newest is not None:
            self._meters.observe(table.LAG, max(0.0, self._clock() - newest))


def _newest(answer: Answer, store: EvidenceStore) -> float | None:
    """When the last of what an answer rests on was changed, in seconds since 1970 by the server's clock."""
    names = {f"Claim/{answer.claim}"}
    for each in objects((answer.provenance or {}).get("entity")):
        names.add(str(each["what"]["reference"]).partition("/_history/")[0])
    found = (store.get(name) for name in names)
    changed = (last_updated(each.resource) for each in found if each is not None)
    return max((moment(each).timestamp() for each in changed if each), default=None)


class RequestMeter(RequestWitness):
    """Counts requests to the server, each attempt for itself, and how long they take."""

    def __init__(self, meters: Meters, timer: Callable[[], float] = time.monotonic) -> None:
        self._meters = meters
        self._timer = timer

    @contextmanager
    def attempt(self, request: httpx.Request, number: int) -> Iterator[Answered]:
        method, code, began = request.method, NO_ANSWER, self._timer()

        def answered(status: int) -> None:
            nonlocal code
            code = self._code(status)

        if number > 1:
            self._meters.count(table.RETRIES, method=method)
        try:
            yield answered
        finally:
            self._meters.count(table.REQUESTS, method=method, code=code)
            self._meters.observe(table.REQUEST_TIME, self._timer() - began, method=method)

    def _code(self, status: int) -> str:
        """A status by itself where it is a usual one, else its class."""
        return str(status) if str(status) in self._meters.words.of["code"] else f"{status // 100}xx"
