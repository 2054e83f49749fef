"""Brings the answers to claims of a server up to date: the one way that ``sync`` and ``serve`` take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapter.answers.answer import Action, Answer, Written
from adapter.evidence.store import Located
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Unanswered
from adapter.sinks.on_server import OnServer
from adapter.sinks.server import ServerSink
from adapter.sinks.step import CONFLICT
from adapter.sources.instants import last_updated, moment
from adapter.sources.server import ServerSource
from adapter.sync.report import Progress, Report, decide
from adapter.sync.witness import NOBODY, Concluded, Stage, Witness

RETRIES = 3
"""How often a claim is read and decided again when its answer changed on the server meanwhile."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Reads, decides and writes. Without a ``sink`` the answers only go to ``keep``, which is given each final one."""

    source: ServerSource
    sink: ServerSink | None
    adjudicator: Adjudicator
    instant: datetime
    dry_run: bool = False
    keep: Callable[[Sequence[Answer]], None] = lambda _answers: None
    witness: Witness = NOBODY

    @property
    def writes(self) -> bool:
        """Whether what is decided is an answer from then on, and not only compared or kept elsewhere."""
        return self.sink is not None and not self.dry_run

    async def reconcile(self, claims: Sequence[Located], report: Report, tell: Progress) -> None:
        """Gather, decide, write; what changed on the server meanwhile is read and decided again."""
        due = [each for each in claims if self.adjudicator.in_scope(each)]
        report.out_of_scope += len(claims) - len(due)
        for last in (False,) * RETRIES + (True,):
            if not due:
                return
            with self.witness.stage(Stage.RECONCILE):
                conflicts = await self._once(due, report, tell, last=last)
            due = [each for each in due if each.id in conflicts]
            if due:  # who answered them may have known more
                self.source.shared.forget()

    async def _once(self, claims: Sequence[Located], report: Report, tell: Progress, *, last: bool) -> set[str | None]:
        """One round; returns the claims whose answer somebody else changed, unless it is the last one."""
        with self.witness.stage(Stage.LOOK_UP):
            known = {} if self.sink is None else await self.sink.look_up(each.id for each in claims if each.id)
        self.source.shared.forget_before(_newest(known.values()))
        with self.witness.stage(Stage.GATHER):
            store = await self.source.gather(claims)
        self.witness.read(claims, store)
        before, left = report.tally.claims, len(report.unanswered)
        claims = [store.get(each.key) or each for each in claims]  # a claim may have changed since it was read
        with self.witness.stage(Stage.DECIDE):
            answers, unanswered = decide(
                claims, store, self.adjudicator, self.instant, lambda done: tell("deciding", before + done)
            )
        report.unanswered += unanswered
        self.witness.decided(answers, unanswered)
        written: Sequence[Written] = []
        if self.writes:
            self.witness.writing(answers)
        if self.sink is not None:
            with self.witness.stage(Stage.WRITE):
                written = await self.sink.write(answers, known, dry_run=self.dry_run)
        self.witness.wrote(written)
        problem = await self.witness.settle()
        conflicts = set() if last else {each.claim for each in written if each.problem == CONFLICT}
        written = [each for each in written if each.claim not in conflicts]
        failed = self._note(report, written)
        if problem:  # what not all are told of does not count as done, and is done again
            late = {each.claim for each in answers} - failed - conflicts
            report.unanswered += [Unanswered(name, problem) for name in sorted(late, key=str)]
            failed |= late
        final = [each for each in answers if each.claim not in conflicts | failed]
        report.count(final)
        self.keep(final)
        self.witness.concluded(Concluded(final, written, store))
        self.witness.left(report.unanswered[left:])
        return conflicts

    def _note(self, report: Report, written: Sequence[Written]) -> set[str | None]:
        """Enter what was written; what failed counts as unanswered. Returns the claims whose answer failed."""
        failed = {each.claim: _problem(each) for each in written if each.action is Action.FAILED}
        report.wrote(written, dry_run=self.dry_run)
        report.unanswered += [
            Unanswered(name, f"the answer could not be written: {why}") for name, why in failed.items()
        ]
        report.warnings += [
            f"Claim/{each.claim}: {each.problem}" for each in written if each.problem and each.claim not in failed
        ]
        return set(failed)


def _problem(written: Written) -> str:
    return "somebody else changed it each time" if written.problem == CONFLICT else written.problem


def _newest(known: Iterable[OnServer]) -> datetime | None:
    """When the last of the answers that are there was written, by the server's clock."""
    written = (last_updated(response) for each in known for response in each.responses)
    return max((moment(each) for each in written if each), default=None)
