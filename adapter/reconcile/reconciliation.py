"""Claims decided in their order, each once, over one store of evidence.

The same store gives the same answers, whatever the order it was filled in. A claim that cannot be processed is answered
by an OperationOutcome; a claim on which a rule crashes gets no answer and is named; neither touches another claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from adapter.answers.answer import Answer
from adapter.coverage.adjudicate import RuleCrashed, determine
from adapter.coverage.refusal import refusals
from adapter.errors import Issue, raised_at
from adapter.evidence.faults import Faults
from adapter.evidence.gather import ClaimEvidence, gather
from adapter.evidence.other_claims import OtherClaims
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.versioned import VersionedMapper
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.answering import Answering
from adapter.reconcile.coaching_sessions import CoachingSessions
from adapter.reconcile.settling import Settling
from adapter.session.model import CoachingSession


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A claim that got no answer, and why."""

    claim: str | None
    problem: str


@dataclass
class Reconciliation:
    """Answers to the claims of one store. ``instant`` is when the decisions are made."""

    adjudicator: Adjudicator
    store: EvidenceStore
    instant: datetime
    unanswered: list[Unanswered] = field(default_factory=list)
    _mapper: VersionedMapper = field(init=False)
    _faults: Faults = field(init=False)
    _others: OtherClaims = field(init=False)
    _settling: Settling = field(init=False)
    _sessions: CoachingSessions = field(init=False)
    _answering: Answering = field(init=False)
    _answers: dict[str, Answer | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        adjudicator = self.adjudicator
        self._mapper = adjudicator.mapper(self.store)
        self._sessions = CoachingSessions(adjudicator, self.store, self._mapper)
        self._answering = Answering(adjudicator, self.store, self._mapper.version_of, self.instant)
        self._faults = adjudicator.faults(self.store, self._mapper)
        self._others = OtherClaims(self.store, self._mapper, adjudicator.identifier_system, adjudicator.in_scope)
        self._settling = Settling(self._others, self._answers, self._alone)

    def answer(self, claims: Sequence[Located], tell: Callable[[int], None] = lambda _done: None) -> list[Answer]:
        """The answers to claims in scope, in the order of the claims; then those to claims they replace.

        A replaced claim may not have been asked for (it did not change), yet its earlier answer is cancelled. ``tell``
        hears how many claims are decided.
        """
        wanted = {each.key: each for each in claims}
        for claim in claims:
            answered = (each for each in self._others.originals(claim) if self._others.own_response(each) is not None)
            wanted |= {each.key: each for each in answered if each.key not in wanted}
        for done, claim in enumerate(wanted.values(), start=1):
            self._decide_in_order(claim)
            tell(done)
        answers = (self._reversed_if_replaced(each) for each in wanted.values())
        return [each for each in answers if each is not None]

    def sessions(self, claim: Located) -> tuple[CoachingSession, ...]:
        """What the rules were told about each line of a decided claim, for whoever shows the decision."""
        self._decide_in_order(claim)
        answer = self._answers[claim.key]
        if answer is None or answer.determination is None:
            return ()
        evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        _, _, sessions, _ = self._sessions.of(evidence, self._settling)
        return sessions

    def close(self) -> None:
        """Nothing more is asked: what was read can go at once.

        ``_settling`` calls back, and Python frees what goes round in a circle only when it looks for it, which takes
        longer than deciding the claims.
        """
        del self._settling

    # --- deciding

    def _decide_in_order(self, claim: Located) -> None:
        """Decide a claim after all that it depends on; a stack and no recursion, for chains can be long."""
        waiting, seen = [claim], {claim.key}
        while waiting:
            first = [
                each for each in self._first(waiting[-1]) if each.key not in self._answers and each.key not in seen
            ]
            if first:
                seen |= {each.key for each in first}
                waiting += reversed(first)
            else:
                self._answer(waiting.pop())

    def _first(self, claim: Located) -> list[Located]:
        return [] if claim.key in self._answers else self._others.first(claim)

    def _answer(self, claim: Located) -> None:
        """Make the answer to one claim, once; None stands for a claim on which a rule crashed."""
        if claim.key in self._answers:
            return
        try:
            self._answers[claim.key] = self._decide(claim)
        except RuleCrashed as crash:
            self._leave(claim, str(crash))
        except Exception as error:  # noqa: BLE001 - one claim that trips us must not hold up the others
            self._leave(claim, f"internal error, please report it: {raised_at(error)}")

    def _leave(self, claim: Located, problem: str) -> None:
        self._answers[claim.key] = None
        self.unanswered.append(Unanswered(claim.id, problem))

    def _alone(self, claim: Located) -> Answer | None:
        """The answer that a claim would get as the patient's only one; a crash is told when its own turn comes."""
        try:
            return self._decide(claim, alone=True)
        except Exception:  # noqa: BLE001 - as in ``_answer``
            return None

    def _decide(self, claim: Located, *, alone: bool = False) -> Answer:
        faults = self._faults.of(claim)
        if claim.id is None:
            faults = [Issue("required", "a claim needs an id to be answered", "Claim.id", claim.place()), *faults]
            faults = [replace(each, expression=claim.within(each.expression)) for each in faults]
        if _refusing(faults):
            return self._answering.refused(claim, [*faults, *self._faults_beside(claim)])
        evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        faults = [fault for each in evidence.used for fault in self._faults.of(each)]
        if _refusing(faults):
            return self._answering.refused(claim, faults)
        return self._adjudicate(claim, evidence, faults, alone=alone)

    def _faults_beside(self, claim: Located) -> list[Issue]:
        """The faults of the evidence of a claim that has faults itself, so that the sender hears of all at once."""
        if not self._faults.readable(claim):
            return []
        try:
            evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        except Exception:  # noqa: BLE001 - a claim of the wrong shape need not lead anywhere; its own faults are told
            return []
        return [fault for each in evidence.used if each is not claim for fault in self._faults.of(each)]

    def _adjudicate(
        self, claim: Located, evidence: ClaimEvidence, passed_over: Sequence[Issue], *, alone: bool
    ) -> Answer:
        facts, history, sessions, documents = self._sessions.of(evidence, None if alone else self._settling)
        before = self._others.own_response(claim)
        if issues := list(refusals(facts, history, before is not None)):
            placed = [replace(each, where=claim.place(each.expression)) for each in issues]
            return self._answering.refused(claim, [*placed, *passed_over])
        if facts.status is not None and facts.status.value == "cancelled" and before is not None:
            return self._answering.voided(claim, before)
        if not sessions:
            no_line = Issue("required", "the claim has no line", "Claim.item", claim.place())
            return self._answering.refused(claim, [no_line, *passed_over])
        determination = determine(sessions, self.adjudicator.book, self.instant)
        return self._answering.decided(evidence, determination, [*evidence.used, *documents], passed_over)

    def _reversed_if_replaced(self, claim: Located) -> Answer | None:
        """The answer; where one of ours went out before and a decided claim has replaced this one, it is cancelled."""
        answer = self._answers[claim.key]
        if answer is None or answer.response is None or self._others.own_response(claim) is None:
            return answer
        for successor in self._others.successors(claim):
            self._decide_in_order(successor)
            if self._settling.stands(successor):
                words = f"Reversed: replaced by {successor.key}."
                return replace(answer, response={**answer.response, "status": "cancelled", "disposition": words})
        return answer


def _refusing(faults: Sequence[Issue]) -> bool:
    """Whether one of them is more than a warning."""
    return any(each.severity == "error" for each in faults)
