"""Synchronisation: claims in, answers out; from files to files, or from a server to itself or to files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.operation_outcome import operation_outcome
from adapter.coverage.finding import Decision
from adapter.errors import Issue
from adapter.evidence.references import Json
from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.version import NAMES
from adapter.reconcile import Adjudicator, Reconciliation, Unanswered
from adapter.sinks.files import compare_answers, write_answers
from adapter.sinks.server import CONFLICT, ServerSink
from adapter.sources.files import Reading, read_files
from adapter.sources.server import ServerSource

Progress = Callable[[str, int], None]
"""Told what is going on and how many claims are done."""

RETRIES = 3
"""How often a claim is read and decided again when its answer changed on the server meanwhile."""


@dataclass
class Report:
    """What one run did."""

    started: float = field(default_factory=time.monotonic)
    answers: list[Answer] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    unanswered: list[Unanswered] = field(default_factory=list)
    reading: Reading = field(default_factory=Reading)
    out_of_scope: int = 0
    superseded: int = 0
    missing: tuple[str, ...] = ()
    """Claims that were asked for by id and are not there."""
    warnings: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Every claim in scope got its answer."""
        return not self.unanswered and not self.missing

    def summary(self) -> Json:
        """Counts for people and machines; the elapsed seconds are the only value that differs between equal runs."""
        determinations = [each.determination for each in self.answers if each.determination is not None]
        lines = [line for each in determinations for line in each.lines]
        decided = Counter(line.decision.name for line in lines)
        outcomes = Counter(str(each.response["outcome"]) for each in self.answers if each.response)
        about_claims = [each for each in self.answers if each.outcome and each.claim]
        return {
            "claims": {
                "in_scope": len({each.claim for each in self.answers if each.claim}) + len(self.unanswered),
                "out_of_scope": self.out_of_scope,
                "unanswered": len(self.unanswered),
            },
            "lines": {each.name: decided.get(each.name, 0) for each in _DECISIONS},
            "claim_responses": {name: outcomes.get(name, 0) for name in ("complete", "partial", "error")},
            "operation_outcomes": {
                "claims": len(about_claims),
                "unreadable_input": sum(1 for each in self.answers if each.outcome and not each.claim),
            },
            "read": {
                "files": self.reading.files,
                "resources": self.reading.resources,
                "not_fhir": self.reading.not_fhir,
                "other_files": self.reading.other_files,
                "superseded": self.superseded,
            },
            "warnings": {"unknown_elements": sum(len(each.passed_over) for each in self.answers)},
            "elapsed_seconds": round(time.monotonic() - self.started, 3),
        }


_DECISIONS = (Decision.APPROVE, Decision.DENY, Decision.PEND, Decision.REVIEW, Decision.REJECT)


def sync_files(
    source: Path,
    out: Path,
    adjudicator: Adjudicator,
    instant: datetime,
    ids: Sequence[str],
    dry_run: bool,
    tell: Progress,
) -> Report:
    """Decide the claims under ``source`` and write the answers to ``out``."""
    report = Report()
    store = EvidenceStore()
    for located in read_files(source, report.reading, adjudicator.limits):
        store.add(located)
        if store.size % 1000 == 0:
            tell("reading", store.size)
    report.superseded = store.superseded
    if misread := adjudicator.misread(store):
        name = NAMES[adjudicator.mappings.version]
        report.warnings.append(
            f"{misread} resources are written in another version of FHIR than {name}, and were read as it"
        )
    claims = _chosen(list(store.all("Claim")), adjudicator, ids, report)
    decide(claims, store, adjudicator, instant, report, tell)
    if not ids:
        report.answers += [_unreadable(each) for each in report.reading.issues]
    if dry_run:
        report.written = compare_answers(report.answers, out)
    else:
        write_answers(report.answers, out, report.summary())
    return report


def _chosen(claims: list[Located], adjudicator: Adjudicator, ids: Sequence[str], report: Report) -> list[Located]:
    """The claims in scope, of those asked for."""
    if ids:
        claims = [each for each in claims if each.id in ids]
        report.missing = tuple(sorted(set(ids) - {each.id for each in claims}))
    chosen = [each for each in claims if adjudicator.in_scope(each)]
    report.out_of_scope += len(claims) - len(chosen)
    return chosen


def decide(
    claims: Sequence[Located],
    store: EvidenceStore,
    adjudicator: Adjudicator,
    instant: datetime,
    report: Report,
    tell: Progress,
) -> list[Answer]:
    """The answers to claims of one store; they and what stayed unanswered go into the report."""
    reconciliation = Reconciliation(adjudicator, store, instant)
    before = len(report.answers)
    answers = reconciliation.answer(claims, lambda done: tell("deciding", before + done))
    wanted = {each.id for each in claims}
    report.unanswered += [each for each in reconciliation.unanswered if each.claim in wanted]
    report.answers += answers
    return answers


def _unreadable(issue: Issue) -> Answer:
    """The OperationOutcome of input in which no claim could be recognised, under an id derived from its place."""
    from hashlib import sha256

    digest = sha256(f"{issue.where} {issue.expression}".encode()).hexdigest()[:24]
    return Answer(None, outcome=operation_outcome([issue], f"unreadable-{digest}"))


async def sync_server(
    reconciler: Reconciler,
    *,
    since: str | None,
    ids: Sequence[str],
    tell: Progress,
) -> Report:
    """Decide a server's claims, chunk by chunk; write the answers back where there is a sink."""
    report = Report()
    seen: set[str] = set()
    async for page in reconciler.source.claims(since=since, ids=ids):
        seen |= {str(each.id) for each in page}
        await reconciler.reconcile(page, report, tell)
        tell("claims read", len(seen))
    report.missing = tuple(sorted(set(ids) - seen))
    unsupported = reconciler.source.unsupported.items()
    report.warnings += [f"the server does not support {name}: {why}" for name, why in unsupported]
    return report


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
