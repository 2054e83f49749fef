"""What a rule may know of its policy, and how it says what it found.

Values are looked up by date of service, never by today. Before the first date of a value there is no value: that
raises, and the line goes to a person. What is the same for every line under a rule set is looked up once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from adapter.coverage.finding import VERDICT_OF, Citation, Decision, Finding, Used, Verdict
from adapter.errors import AdapterError
from adapter.policy.codes import CodeLists
from adapter.policy.files import DatedValue, Series
from adapter.policy.layering import PolicyRule, Source, latest
from adapter.values import value

if TYPE_CHECKING:
    from adapter.policy.book import RuleSet

KEPT = 64
"""Findings of a rule that are kept for the next line: those that use no value of any record are few, and often said."""


class BeforeFirstDate(AdapterError):
    """A dated value was asked for before its first date: nobody published one for that day."""


@value(frozen=True, slots=True)
class Basis:
    """What all findings of one outcome have in common that cite the same."""

    outcome: str
    verdict: Verdict
    decision: Decision
    citation: Citation
    fix: str = ""
    carc: tuple[str, ...] = ()
    rarc: tuple[str, ...] = ()
    advisory: bool = False


@dataclass(slots=True, eq=False)
class Footing:
    """What findings rest on that cite the same value, or none; filled as they are made."""

    citation: Citation | None
    bases: dict[str, Basis] = field(default_factory=dict)
    """By outcome."""
    met: dict[str, Finding] = field(default_factory=dict)
    """By what was found."""
    not_applicable: dict[str, Finding] = field(default_factory=dict)


@value(frozen=True)
class RuleTerms:
    """One rule under a rule set, for the lines of one service code."""

    rule: PolicyRule
    rules: RuleSet
    codes: CodeLists
    code: str | None
    """The service code of the line."""
    uncited: Footing = field(default_factory=lambda: Footing(None), init=False)
    _values: dict[tuple[str, str | None], tuple[Any, Footing]] = field(default_factory=dict, init=False)

    def value(self, name: str, code: str | None) -> tuple[Any, Footing]:
        """A value on the date of service and what it rests on; ``code`` where only its share of a map by code counts.

        Raises:
            BeforeFirstDate: no value was published for that day, or the day is unknown.
        """
        known = self._values.get((name, code))
        if known is None:
            value = dated_value(self.rule.file.values[name], self.rules.on, name)
            known = self._values[name, code] = value, self.resting_on(name, code)
        return known

    def resting_on(self, name: str, code: str | None) -> Footing:
        """The footing of a value on the date of service."""
        return Footing(self._citation(self.rule.source_of_value(name, self.rules.on, code)))

    def basis(self, outcome: str, on: Footing) -> Basis:
        """What the findings of an outcome have in common."""
        known = on.bases.get(outcome)
        if known is None:
            known = on.bases[outcome] = self._basis(outcome, on.citation)
        return known

    def approving(self, kept: dict[str, Finding], verdict: Verdict, found: str, on: Footing) -> Finding:
        """An approving finding that uses no value of a record: the same one for every line it is said of."""
        known = kept.get(found)
        if known is None:
            known = self.finding(self._approval(verdict, on.citation), found, "", ())
            if len(kept) < KEPT:
                known.keep()
                kept[found] = known
        return known

    def met(self, found: str, used: tuple[Used, ...], on: Footing) -> Finding:
        """A finding that the criterion is met, by values of the record."""
        basis = on.bases.get("met")
        if basis is None:
            basis = on.bases["met"] = self._approval(Verdict.MET, on.citation)
        return self.finding(basis, found, "", used)

    def finding(self, basis: Basis, found: str, needed: str, used: tuple[Used, ...]) -> Finding:
        """What was found, on what it rests."""
        return Finding(
            self.name,
            basis.outcome,
            basis.verdict,
            basis.decision,
            basis.citation,
            found,
            needed,
            basis.fix,
            basis.carc,
            basis.rarc,
            used,
            basis.advisory,
            self._about_claim,
        )

    def _approval(self, verdict: Verdict, cited: Citation | None) -> Basis:
        return Basis("met", verdict, Decision.APPROVE, cited or self._cited_for("met"))

    def _basis(self, outcome: str, cited: Citation | None) -> Basis:
        follows = self.rule.file.outcomes[outcome]
        decision = Decision[follows.decision]
        return Basis(
            outcome,
            VERDICT_OF[decision],
            decision,
            cited or self._cited_for(outcome),
            follows.fix,
            tuple(follows.carc),
            tuple(follows.rarc),
            self._advisory(decision),
        )

    def _cited_for(self, outcome: str) -> Citation:
        return self._citation(self.rule.source_of_outcome(outcome))

    def _citation(self, source: Source) -> Citation:
        reference = source.reference.of(self.code)
        return Citation(reference.document, reference.section, source.label, source.layer)

    @cached_property
    def name(self) -> str:
        """The rule's."""
        return self.rule.file.rule

    @cached_property
    def other_code(self) -> Finding | None:
        """What is said where the rule is not about the service code; None where it is."""
        applies_to = self.rule.file.applies_to
        if not applies_to or self.code in applies_to:
            return None
        why = f"not a criterion for {self.code or 'a line without a readable code'}"
        return self.approving(self.uncited.not_applicable, Verdict.NOT_APPLICABLE, why, self.uncited)

    @cached_property
    def _about_claim(self) -> bool:
        return self.rule.file.about == "claim"

    def _advisory(self, decision: Decision) -> bool:
        """Whether nothing makes a finding binding.

        Where no policy decides, a claim can still be rejected for its form, denied for eligibility, or shown to a
        person; nobody is asked for documents, and no coverage criterion counts (contract, beyond the table).
        """
        if self.rules.decides or self.rule.file.binding:
            return False
        return self.rule.file.kind == "coverage" or decision is Decision.PEND


@dataclass(slots=True)
class Terms:
    """What one rule may know besides the session: its values on the date of service, the code lists, the time.

    ``finding`` turns an outcome's name into a Finding with the decision and the codes that the policy gives it. It
    cites what the rule looked up first, unless the rule says what it rests on; a rule without values cites its file.
    """

    shared: RuleTerms
    now: datetime
    _footing: Footing | None = None

    @property
    def rules(self) -> RuleSet:
        return self.shared.rules

    @property
    def codes(self) -> CodeLists:
        return self.shared.codes

    def value(self, name: str) -> Any:
        """The value on the date of service.

        Raises:
            BeforeFirstDate: no value was published for that day, or the day is unknown.
        """
        return self._look_up(name, None)

    def value_for_code(self, name: str) -> Any:
        """What a map by code holds for the line's; None where it names no such code. Raises like ``value``."""
        by_code: Mapping[str | None, Any] = self._look_up(name, self.shared.code)
        return by_code.get(self.shared.code)

    def resting_on(self, name: str) -> Terms:
        """These terms for a finding that another value decides than the one looked up first."""
        return Terms(self.shared, self.now, self.shared.resting_on(name, None))

    def _look_up(self, name: str, code: str | None) -> Any:
        value, footing = self.shared.value(name, code)
        if self._footing is None:
            self._footing = footing
        return value

    def met(self, found: str, *used: Used) -> Finding:
        """The criterion is met."""
        footing = self._footing or self.shared.uncited
        if used:
            return self.shared.met(found, used, footing)
        return self.shared.approving(footing.met, Verdict.MET, found, footing)

    def not_applicable(self, why: str) -> Finding:
        """The criterion does not concern this line."""
        footing = self._footing or self.shared.uncited
        return self.shared.approving(footing.not_applicable, Verdict.NOT_APPLICABLE, why, footing)

    def finding(self, outcome: str, found: str, needed: str = "", *used: Used) -> Finding:
        """The rule ended in ``outcome``: what was found, what was needed, the values used."""
        basis = self.shared.basis(outcome, self._footing or self.shared.uncited)
        return self.shared.finding(basis, found, needed, used)


def dated_value(series: Series, on: date | None, name: str) -> Any:
    """The value of a series in force on a day; raises BeforeFirstDate."""
    return dated_entry(series, on, name).value


def dated_entry(series: Series, on: date | None, name: str) -> DatedValue:
    """The entry of a series in force on a day, with its reference; raises BeforeFirstDate."""
    if on is None:
        raise BeforeFirstDate(f"{name} cannot be looked up: the date of service is unknown")
    entry = latest(series.dated, on)
    if entry is None:
        raise BeforeFirstDate(f"{name} has no value before {series.dated[0].effective}")
    return entry
