"""Synchronisation from files to a folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from adapter.answers.answer import Answer
from adapter.answers.operation_outcome import UNREADABLE, operation_outcome
from adapter.errors import Issue
from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.version import NAMES
from adapter.reconcile import Adjudicator
from adapter.sinks.earlier_files import compare_answers
from adapter.sinks.files import write_answers
from adapter.sources.files import read_files
from adapter.sync.report import Progress, Report, decide


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
        report.compare(compare_answers(report.answers, out, whole=not ids), out)
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


def _unreadable(issue: Issue) -> Answer:
    """The OperationOutcome of input in which no claim could be recognised, under an id derived from its place."""
    digest = sha256(f"{issue.where} {issue.expression}".encode()).hexdigest()[:24]
    return Answer(None, outcome=operation_outcome([issue], f"{UNREADABLE}{digest}"))
