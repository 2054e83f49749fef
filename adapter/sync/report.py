"""What one run of ``sync`` did, and the step that every run takes: decide the claims of one store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapter.answers.answer import Answer, Written
from adapter.coverage.finding import Decision
from adapter.evidence.references import Json
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile import Adjudicator, Reconciliation, Unanswered
from adapter.sources.files import Reading

Progress = Callable[[str, int], None]
"""Told what is going on and how many claims are done."""


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
    related: list[str] = field(default_factory=list)
    """Claims of a server that refer to others, whose answers theirs may change."""

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
