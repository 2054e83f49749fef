"""Brings the answers to claims of a server up to date: the one way that ``sync`` and ``serve`` take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapter.answers.answer import Action, Written
from adapter.evidence.store import Located
from adapter.reconcile import Adjudicator, Unanswered
from adapter.sinks.server import CONFLICT, ServerSink
from adapter.sources.server import ServerSource
from adapter.sync.report import Progress, Report, decide

RETRIES = 3
"""How often a claim is read and decided again when its answer changed on the server meanwhile."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings the answers to claims of a server up to date: the one way that ``sync`` and ``serve`` take."""

    source: ServerSource
    sink: ServerSink | None
    adjudicator: Adjudicator
    instant: datetime
    dry_run: bool = False

    async def reconcile(self, claims: Sequence[Located], report: Report, tell: Progress) -> None:
        """Gather, decide, write; what changed on the server meanwhile is read and decided again."""
        due = [each for each in claims if self.adjudicator.in_scope(each)]
        report.out_of_scope += len(claims) - len(due)
        report.related += [str(each.id) for each in due if each.resource.get("related")]
        for last in (False,) * RETRIES + (True,):
            if not due:
                return
            conflicts = await self._once(due, report, tell, last=last)
            due = [each for each in due if each.id in conflicts]

    async def _once(self, claims: Sequence[Located], report: Report, tell: Progress, *, last: bool) -> set[str | None]:
        """One round; returns the claims whose answer somebody else changed, unless it is the last one."""
        known = {} if self.sink is None else await self.sink.look_up(each.id for each in claims if each.id)
        store = await self.source.gather(claims)
        before = len(report.answers)
        claims = [store.get(each.key) or each for each in claims]  # a claim may have changed since it was read
        answers = decide(claims, store, self.adjudicator, self.instant, report, tell)
        written = [] if self.sink is None else await self.sink.write(answers, known, dry_run=self.dry_run)
        conflicts = set() if last else {each.claim for each in written if each.problem == CONFLICT}
        _note(report, before, [each for each in written if each.claim not in conflicts], conflicts)
        return conflicts


def _note(report: Report, before: int, written: Sequence[Written], conflicts: set[str | None]) -> None:
    """Enter what was written; what failed counts as unanswered, what is decided again is not counted yet."""
    failed = {each.claim: each.problem for each in written if each.action is Action.FAILED}
    report.written += written
    report.unanswered += [Unanswered(claim, f"the answer could not be written: {why}") for claim, why in failed.items()]
    report.warnings += [
        f"Claim/{each.claim}: {each.problem}" for each in written if each.problem and each.claim not in failed
    ]
    gone = conflicts | set(failed)
    report.answers[before:] = [each for each in report.answers[before:] if each.claim not in gone]
