"""How far other claims have come, as the claim that is decided sees them.

A claim that comes before it has been decided. One that comes after has not, for it waits itself: it is looked at as if
it were the patient's only claim, so that whether it can be processed, and took place, never hangs on who was first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from adapter.answers.answer import Answer
from adapter.answers.claim_response import outcome
from adapter.coverage.finding import Decision, LineDetermination
from adapter.evidence.other_claims import SETTLEMENT_OF, OtherClaims, furthest
from adapter.evidence.store import Located
from adapter.mapping.history import Standing
from adapter.session.model import Settlement

CALLED_OFF = ("session_took_place", "cancelled")
"""The rule and its outcome that say a session was not held, whether or not a policy makes that count."""


@dataclass
class Settling:
    """``answers`` are those made so far, None for a claim that crashed; ``alone`` decides a claim as the only one."""

    others: OtherClaims
    answers: Mapping[str, Answer | None]
    alone: Callable[[Located], Answer | None]
    _decided: dict[str, Standing] = field(default_factory=dict)
    _alone: dict[str, Standing] = field(default_factory=dict)
    _before: dict[str, Standing] = field(default_factory=dict)
    """Decided claims, as the patient's later claims see them that do not replace them."""

    def seen_from(self, claim: Located) -> Callable[[str], Standing]:
        """What any claim on file is to this one, by its key."""
        others, replaced = self.others, self._in_the_place_of(claim)

        def standing(key: str) -> Standing:
            other = others.store.get(key)
            if other is None:
                return Standing(others.on_file(key))
            if others.precedes(other, claim):
                return self._earlier(other.key, tied=key in replaced)
            if claim.key in others.lineage(other):
                return Standing(tied=True)
            return self._by_itself(other)

        return standing

    def _earlier(self, key: str, *, tied: bool) -> Standing:
        """A claim that comes before."""
        if not tied and key in self._before:
            return self._before[key]
        fate = self._fate(key)
        found = replace(fate, earlier=True, tied=tied)
        if not tied and key in self._decided:
            self._before[key] = found
        return found

    def original(self, claim: Located) -> Callable[[str], Settlement]:
        """How far a claim that this one replaces has come; of claims that replace each other none has."""
        others = self.others

        def settlement(key: str) -> Settlement:
            other = others.store.get(key)
            if other is None:
                return others.on_file(key)
            if claim.key in others.lineage(other):
                return furthest(Settlement.OPEN, others.on_file(key))
            return self._fate(other.key).settlement

        return settlement

    def stands(self, claim: Located) -> bool:
        """Whether a decided claim takes the place of what it replaces: neither turned away nor crashed."""
        return as_answered(self.answers[claim.key]).settlement in (Settlement.FINAL, Settlement.OPEN)

    def _in_the_place_of(self, claim: Located) -> frozenset[str]:
        """The claims that it replaces; a link that was turned away replaced nothing."""
        if not self.others.originals(claim):
            return frozenset()
        return self.others.reached(claim, lambda link: self._fate(link.key).settlement.processed)

    def _fate(self, key: str) -> Standing:
        """As decided here, or as somebody else's response on file says; unknown where it is none of ours."""
        if key not in self.answers:
            return Standing(self.others.on_file(key))
        if key not in self._decided:
            self._decided[key] = self._or_on_file(key, self.answers[key])
        return self._decided[key]

    def _or_on_file(self, key: str, answer: Answer | None) -> Standing:
        found = as_answered(answer)
        return replace(found, settlement=furthest(found.settlement, self.others.on_file(key)))

    def _by_itself(self, other: Located) -> Standing:
        if not self.others.in_scope(other):
            return self._fate(other.key)
        if other.key not in self._alone:
            self._alone[other.key] = self._or_on_file(other.key, self.alone(other))
        return self._alone[other.key]


def as_answered(answer: Answer | None) -> Standing:
    """How far the answer brings its claim; without one nobody knows."""
    if answer is None:
        return Standing()
    if answer.determination is None:
        return Standing(Settlement.REFUSED)
    lines = answer.determination.lines
    return Standing(
        settlement=SETTLEMENT_OF[outcome(answer.determination)],
        denied=frozenset(each.sequence for each in lines if each.decision is Decision.DENY),
        called_off=frozenset(each.sequence for each in lines if _called_off(each)),
    )


def _called_off(line: LineDetermination) -> bool:
    rule, outcome = CALLED_OFF
    return any(each.outcome == outcome and each.rule == rule for each in line.findings)
