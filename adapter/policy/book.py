"""The book of policies: which rule set is in force for a payer on a date of service, and what its values were that day.

Values are looked up by date of service, never by today. Before the first date of a value there is no value: that
raises, and the line goes to a person. Past a review date a policy still applies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from adapter.coverage.finding import VERDICT_OF, Citation, Decision, Finding, Used, Verdict
from adapter.errors import AdapterError
from adapter.policy.codes import CodeLists
from adapter.policy.files import DatedValue, PolicyFile, Series
from adapter.policy.layering import PolicyRule, Source, latest, over


class BeforeFirstDate(AdapterError):
    """A dated value was asked for before its first date: nobody published one for that day."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with the rules it takes over and its own."""

    header: PolicyFile
    rules: Mapping[str, PolicyRule]

    @property
    def label(self) -> str:
        return f"{self.header.policy} {self.header.version}"

    def in_force(self, on: date | None) -> bool:
        """Whether it speaks on a day; both ends included."""
        header = self.header
        return on is not None and header.effective <= on and (header.end is None or on <= header.end)

    @property
    def title(self) -> str:
        return f"{self.header.title} (version {self.header.version})"

    @property
    def uri(self) -> str:
        """The canonical URI with its version, as Provenance.policy holds it."""
        return f"{self.header.uri}|{self.header.version}"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What decides one line: the rules of the day, and whether any policy in force binds coverage."""

    policy: Policy
    """The payer's policy, or the common one; ``rules`` is what it says under the overlays."""
    rules: Mapping[str, PolicyRule]
    overlays: tuple[Policy, ...]
    on: date | None
    decides: bool
    payer: str | None
    payer_titles: Mapping[str, str]
    """Of every payer, not only of this line's: a claim may be addressed to another one."""
    payer_note: str
    not_yet: Policy | None
    """The payer's policy that begins only after the date of service."""
    ended: Policy | None
    """The payer's policy that ended before the date of service, and that none has followed."""

    @property
    def overlay_kinds(self) -> set[str]:
        """Which kinds of overlays speak: ``plan``, ``state``."""
        found = [each.header.overlay for each in self.overlays if each.header.overlay is not None]
        return {"plan" if each.plans else "state" for each in found if each.plans or each.states}

    @property
    def label(self) -> str:
        """Policy and overlays with their versions."""
        return " + ".join(each.label for each in (self.policy, *self.overlays))

    @property
    def title(self) -> str:
        """Policy and overlays as a person calls them, with their versions."""
        return " with ".join(each.title for each in (self.policy, *self.overlays))

    @property
    def payer_title(self) -> str:
        """The payer as a person calls it; empty where nobody recognises it."""
        return self.payer_titles.get(self.payer or "", "")

    @property
    def uris(self) -> tuple[str, ...]:
        """The canonical URIs of policy and overlays, each with its version."""
        return tuple(each.uri for each in (self.policy, *self.overlays))


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All policies, by name and by payer; ``common`` is the rule set that binds whoever pays."""

    policies: Mapping[str, Policy]
    by_payer: Mapping[str, tuple[str, ...]]
    payer_titles: Mapping[str, str]
    payer_notes: Mapping[str, str]
    codes: CodeLists
    common: str = "common"

    def in_force(
        self, payer: str | None, on: date | None, plans: Collection[str] = (), state: str | None = None
    ) -> RuleSet:
        """The rule set for a payer on a date of service; the common one where no policy of the payer's is in force.

        A plan document supersedes the policy, and a state's rules supersede the policy, and the plan where they say so
        (Cigna A015, Purpose): overlays are laid on in that order, and the last one that speaks is the one that counts.
        """
        own = sorted(
            (self.policies[name] for name in self.by_payer.get(payer or "", ())), key=lambda each: each.header.effective
        )
        begun = [each for each in own if on is not None and each.header.effective <= on]
        newest = begun[-1] if begun else None  # an earlier one was superseded, and does not come back after its end
        chosen = newest if newest is not None and newest.in_force(on) else self.policies[self.common]
        overlays = self._overlays(payer, on, plans, state)
        rules = dict(chosen.rules)
        for overlay in overlays:
            rules.update(over(rules, overlay.rules.values()))
        return RuleSet(
            policy=chosen,
            rules=rules,
            overlays=overlays,
            on=on,
            decides=chosen.header.decides or any(each.header.decides for each in overlays),
            payer=payer,
            payer_titles=self.payer_titles,
            payer_note=self.payer_notes.get(payer or "", ""),
            not_yet=own[0] if own and not begun else None,
            ended=None if newest is chosen else newest,
        )

    def _overlays(
        self, payer: str | None, on: date | None, plans: Collection[str], state: str | None
    ) -> tuple[Policy, ...]:
        """The overlays that match, in the order they are laid on."""
        found = [
            each
            for each in self.policies.values()
            if (selector := each.header.overlay) is not None
            and (selector.payer is None or selector.payer == payer)
            and (not selector.plans or bool(set(selector.plans) & set(plans)))
            and (not selector.states or state in selector.states)
            and each.in_force(on)
        ]
        return tuple(sorted(found, key=lambda each: (each.header.rank, each.header.effective, each.header.policy)))


@dataclass(frozen=True, slots=True)
class Terms:
    """What one rule may know besides the session: its values on the date of service, the code lists, the time.

    ``finding`` turns an outcome's name into a Finding with the decision and the codes that the policy gives it. It
    cites what the rule looked up first, unless the rule says what it rests on; a rule without values cites its file.
    """

    rule: PolicyRule
    rules: RuleSet
    codes: CodeLists
    now: datetime
    code: str | None
    """The service code of the line."""
    looked_up: list[Source] = field(default_factory=list)

    def value(self, name: str) -> Any:
        """The value on the date of service.

        Raises:
            BeforeFirstDate: no value was published for that day, or the day is unknown.
        """
        return self._look_up(name, None)

    def value_for_code(self, name: str) -> Any:
        """What a map by code holds for the line's; None where it names no such code. Raises like ``value``."""
        return self._look_up(name, self.code).get(self.code)

    def resting_on(self, name: str) -> Terms:
        """These terms for a finding that another value decides than the one looked up first."""
        return replace(self, looked_up=[self._source(name, None)])

    def _look_up(self, name: str, code: str | None) -> Any:
        value = dated_value(self.rule.file.values[name], self.rules.on, name)
        self.looked_up.append(self._source(name, code))
        return value

    def _source(self, name: str, code: str | None) -> Source:
        return self.rule.source_of_value(name, self.rules.on, code)

    def met(self, found: str, *used: Used) -> Finding:
        """The criterion is met."""
        return replace(self._blank(Verdict.MET), found=found, used=used)

    def not_applicable(self, why: str) -> Finding:
        """The criterion does not concern this line."""
        return replace(self._blank(Verdict.NOT_APPLICABLE), found=why)

    def finding(self, outcome: str, found: str, needed: str = "", *used: Used) -> Finding:
        """The rule ended in ``outcome``: what was found, what was needed, the values used."""
        follows = self.rule.file.outcomes[outcome]
        decision = Decision[follows.decision]
        return replace(
            self._blank(VERDICT_OF[decision], outcome),
            decision=decision,
            found=found,
            needed=needed,
            fix=follows.fix,
            carc=tuple(follows.carc),
            rarc=tuple(follows.rarc),
            used=used,
            advisory=self._advisory(decision),
        )

    def _advisory(self, decision: Decision) -> bool:
        """Whether nothing makes a finding binding.

        Where no policy decides, a claim can still be rejected for its form, denied for eligibility, or shown to a
        person; nobody is asked for documents, and no coverage criterion counts (contract, beyond the table).
        """
        if self.rules.decides or self.rule.file.binding:
            return False
        return self.rule.file.kind == "coverage" or decision is Decision.PEND

    def _blank(self, verdict: Verdict, outcome: str = "met") -> Finding:
        file = self.rule.file
        source = self.looked_up[0] if self.looked_up else self.rule.source_of_outcome(outcome)
        reference = source.reference.of(self.code)
        citation = Citation(reference.document, reference.section, source.label, source.layer)
        return Finding(file.rule, outcome, verdict, Decision.APPROVE, citation, about_claim=file.about == "claim")


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
