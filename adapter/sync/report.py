"""What one run of ``sync`` did: counts that do not grow with the claims, and what a person has to read of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from adapter.answers.answer import Action, Answer, Written
from adapter.coverage.finding import Decision, LineDetermination
from adapter.evidence.references import Json
from adapter.evidence.store import EvidenceStore, Located
from adapter.logs import claims as log_claims
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Reconciliation, Unanswered
from adapter.sources.walk import Reading
from adapter.sync.foreseen import Foreseen


class Progress(Protocol):
    """Is told what is going on, how much of it is done, and of how much, where that is known."""

    def __call__(self, what: str, count: int, total: int | None = None) -> None: ...


LINES_SHOWN = 100
"""Runs of up to this many lines are shown line by line; of larger ones only the counts."""
OUTCOMES_SHOWN = 25
"""OperationOutcomes that are shown one by one."""
_DECISIONS = (Decision.APPROVE, Decision.DENY, Decision.PEND, Decision.REVIEW, Decision.REJECT)


@dataclass
class Tally:
    """Counts of answers; those of several processes are added together."""

    claims: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    """Lines by decision."""
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    """The rules that decided, by decision."""
    responses: Counter[str] = field(default_factory=Counter)
    """ClaimResponses by outcome."""
    refused: int = 0
    """Claims that could not be processed, ..."""
    unreadable: int = 0
    """... and places where no claim could be recognised."""
    passed_over: int = 0
    """Elements that FHIR does not know."""
    first_lines: list[tuple[str, LineDetermination]] = field(default_factory=list)
    """The first lines that were decided, one more than are shown."""
    first_outcomes: list[Answer] = field(default_factory=list)
    """The first OperationOutcomes."""
    issues: int = 0
    """Issues of all OperationOutcomes."""

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> Tally:
        """Of all these answers."""
        tally = cls()
        for each in answers:
            tally.count(each)
        return tally

    def count(self, answer: Answer) -> None:
        """Enter one answer."""
        self.claims += answer.to_a_claim
        self.passed_over += len(answer.passed_over)
        if answer.response is not None:
            self.responses[str(answer.response["outcome"])] += 1
        if answer.outcome is not None:
            self.refused += answer.to_a_claim
            self.unreadable += not answer.to_a_claim
            self.issues += len(answer.outcome.get("issue", ()))
            if len(self.first_outcomes) <= OUTCOMES_SHOWN:
                self.first_outcomes.append(answer)
        if answer.determination is not None:
            for line in answer.determination.lines:
                self._count_line(answer.determination.claim, line)

    def _count_line(self, claim: str, line: LineDetermination) -> None:
        name = line.decision.name
        self.lines[name] += 1
        noted = () if line.decision is Decision.APPROVE else line.deciding
        self.reasons.setdefault(name, Counter()).update(each.rule for each in noted)
        if len(self.first_lines) <= LINES_SHOWN:
            self.first_lines.append((claim, line))

    def add(self, other: Tally) -> None:
        """Enter what was counted elsewhere."""
        self.claims += other.claims
        self.refused += other.refused
        self.unreadable += other.unreadable
        self.passed_over += other.passed_over
        self.issues += other.issues
        self.lines += other.lines
        self.responses += other.responses
        for name, rules in other.reasons.items():
            self.reasons.setdefault(name, Counter()).update(rules)
        self.first_lines += other.first_lines[: LINES_SHOWN + 1 - len(self.first_lines)]
        self.first_outcomes += other.first_outcomes[: OUTCOMES_SHOWN + 1 - len(self.first_outcomes)]


@dataclass
class Report:
    """What one run did."""

    started: float = field(default_factory=time.monotonic)
    tally: Tally = field(default_factory=Tally)
    written: Counter[Action] = field(default_factory=Counter)
    foreseen: Foreseen = field(default_factory=Foreseen)
    """In a dry run: what would become of the answers."""
    unanswered: list[Unanswered] = field(default_factory=list)
    reading: Reading = field(default_factory=Reading)
    out_of_scope: int = 0
    superseded: int = 0
    missing: tuple[str, ...] = ()
    """Claims that were asked for by id and are not there."""
    warnings: list[str] = field(default_factory=list)
    structure_trusted: bool = False
    """Whether no resource was validated."""
    unread: list[str] = field(default_factory=list)
    """Stretches of claims that the server did not show; nobody knows who is in them."""
    ended_early: bool = False
    """Whether somebody asked the run to end before it had looked at everything."""
    unfinished: bool = False
    """Whether something is missing beside an answer that stands."""
    reached: str | None = None
    """Every claim that changed before this instant is answered, where a run over a server knows of one."""

    @property
    def complete(self) -> bool:
        """Every claim in scope got its answer."""
        return not (self.unanswered or self.missing or self.unread or self.ended_early)

    @property
    def finished(self) -> bool:
        """As ``complete``, and nothing is left that the next run has to come back to: a checkpoint may move."""
        return self.complete and not self.unfinished

    def count(self, answers: Iterable[Answer]) -> None:
        """Enter answers that were given."""
        for each in answers:
            self.tally.count(each)

    def wrote(self, written: Sequence[Written], *, dry_run: bool) -> None:
        """Enter what became of answers, or would in a dry run."""
        self.written.update(each.action for each in written)
        self.unfinished |= any(each.unfinished for each in written)
        if dry_run:
            self.foreseen.add(written)

    def foresaw(self, foreseen: Foreseen) -> None:
        """Enter what a dry run found out elsewhere."""
        self.written += foreseen.actions
        self.foreseen.absorb(foreseen)

    def absorb(self, part: Report) -> None:
        """Add what became of some claims to what became of those before."""
        self.tally.add(part.tally)
        self.written += part.written
        self.foreseen.absorb(part.foreseen)
        self.unanswered += part.unanswered
        self.out_of_scope += part.out_of_scope
        self.warnings += part.warnings
        self.unread += part.unread
        self.unfinished |= part.unfinished
        self.structure_trusted |= part.structure_trusted

    def summary(self) -> Json:
        """Counts for people and machines; the elapsed seconds are the only value that differs between equal runs."""
        tally = self.tally
        return {
            "claims": {
                "in_scope": tally.claims + len(self.unanswered),
                "out_of_scope": self.out_of_scope,
                "unanswered": len(self.unanswered),
            },
            "lines": {each.name: tally.lines.get(each.name, 0) for each in _DECISIONS},
            "claim_responses": {name: tally.responses.get(name, 0) for name in ("complete", "partial", "error")},
            "operation_outcomes": {"claims": tally.refused, "unreadable_input": tally.unreadable},
            "read": {
                "files": self.reading.files,
                "resources": self.reading.resources,
                "not_fhir": self.reading.not_fhir,
                "other_files": self.reading.other_files,
                "superseded": self.superseded,
            },
            "warnings": {"unknown_elements": tally.passed_over},
            **({"structure": "trusted"} if self.structure_trusted else {}),
            **({"ended_early": True, "reached": self.reached} if self.ended_early else {}),
            "elapsed_seconds": round(time.monotonic() - self.started, 3),
        }


def decide(
    claims: Sequence[Located],
    store: EvidenceStore,
    adjudicator: Adjudicator,
    instant: datetime,
    tell: Callable[[int], None] = lambda _done: None,
) -> tuple[list[Answer], list[Unanswered]]:
    """The answers to claims of one store, and those that stay without one; ``tell`` hears how many are done."""
    reconciliation = Reconciliation(adjudicator, store, instant)
    answers = reconciliation.answer(claims, tell)
    reconciliation.close()
    wanted = {each.id for each in claims}
    unanswered = [each for each in reconciliation.unanswered if each.claim in wanted]
    log_claims.decided(answers, unanswered)
    return answers, unanswered
