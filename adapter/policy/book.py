"""The book of policies: which rule set is in force for a payer on a date of service, and what its values were that day.

Values are looked up by date of service, never by today. Before the first date of a value there is no value: that
raises, and the line goes to a person. Past a review date a policy still applies.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from adapter.coverage.registry import RULES
from adapter.policy.codes import CodeLists
from adapter.policy.files import Overlay, PolicyFile
from adapter.policy.layering import PolicyRule, over
from adapter.policy.terms import RuleTerms

_Selected = tuple[str | None, int | None, frozenset[str], str | None]
"""Payer, span of days without a change, and the plans and the state that an overlay is for."""
CODES = 1000
"""Service codes that a rule set's terms are kept for; claims may write any code beside ours."""


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


@dataclass(frozen=True)
class RuleSet:
    """What decides one line: the rules of the day, and whether any policy in force binds coverage."""

    policy: Policy
    """The payer's policy, or the common one; ``rules`` is what it says under the overlays."""
    rules: Mapping[str, PolicyRule]
    overlays: tuple[Policy, ...]
    on: date | None
    """The date of service, or a day on which all that is dated is the same as on that one; None: unknown."""
    decides: bool
    payer: str | None
    payer_titles: Mapping[str, str]
    """Of every payer, not only of this line's: a claim may be addressed to another one."""
    payer_note: str
    not_yet: Policy | None
    """The payer's policy that begins only after the date of service."""
    ended: Policy | None
    """The payer's policy that ended before the date of service, and that none has followed."""
    _terms: dict[str | None, tuple[RuleTerms, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def terms(self, code: str | None, codes: CodeLists) -> tuple[RuleTerms, ...]:
        """Every rule's terms for the lines of a service code, in the order in which the rules report."""
        known = self._terms.get(code)
        if known is None:
            known = tuple(RuleTerms(self.rules[name], self, codes, code) for name in self._in_order)
            if len(self._terms) < CODES:
                self._terms[code] = known
        return known

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self.rules, key=lambda name: (RULES[name].stage, name))

    @property
    def overlay_kinds(self) -> set[str]:
        """Which kinds of overlays speak: ``plan``, ``state``."""
        found = [each.header.overlay for each in self.overlays if each.header.overlay is not None]
        return {"plan" if each.plans else "state" for each in found if each.plans or each.states}

    @cached_property
    def label(self) -> str:
        """Policy and overlays with their versions."""
        return " + ".join(each.label for each in (self.policy, *self.overlays))

    @cached_property
    def title(self) -> str:
        """Policy and overlays as a person calls them, with their versions."""
        return " with ".join(each.title for each in (self.policy, *self.overlays))

    @property
    def payer_title(self) -> str:
        """The payer as a person calls it; empty where nobody recognises it."""
        return self.payer_titles.get(self.payer or "", "")

    @cached_property
    def uris(self) -> tuple[str, ...]:
        """The canonical URIs of policy and overlays, each with its version."""
        return tuple(each.uri for each in (self.policy, *self.overlays))


@dataclass(frozen=True)
class PolicyBook:
    """All policies, by name and by payer; ``common`` is the rule set that binds whoever pays."""

    policies: Mapping[str, Policy]
    by_payer: Mapping[str, tuple[str, ...]]
    payer_titles: Mapping[str, str]
    payer_notes: Mapping[str, str]
    codes: CodeLists
    common: str = "common"
    _sets: dict[_Selected, RuleSet] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Rule sets made before: as many as there are payers, spans of days without a change, and overlays together."""

    def in_force(
        self, payer: str | None, on: date | None, plans: Collection[str] = (), state: str | None = None
    ) -> RuleSet:
        """The rule set for a payer on a date of service; the common one where no policy of the payer's is in force.

        A plan document supersedes the policy, and a state's rules supersede the policy, and the plan where they say so
        (Cigna A015, Purpose): overlays are laid on in that order, and the last one that speaks is the one that counts.
        """
        span = None if on is None else bisect_right(self._changes, on)
        selected = payer, span, self._named_plans.intersection(plans), state if state in self._named_states else None
        known = self._sets.get(selected)
        if known is None:
            known = self._sets[selected] = self._in_force(payer, on, plans, state)
        return known

    @cached_property
    def _changes(self) -> list[date]:
        """The days on which anything dated begins to be another than the day before."""
        return sorted({day for each in self.policies.values() for day in _changes(each)})

    @cached_property
    def _named_plans(self) -> frozenset[str]:
        return frozenset(plan for each in self._selectors for plan in each.plans)

    @cached_property
    def _named_states(self) -> frozenset[str]:
        return frozenset(state for each in self._selectors for state in each.states)

    @property
    def _selectors(self) -> list[Overlay]:
        return [each.header.overlay for each in self.policies.values() if each.header.overlay is not None]

    def _in_force(self, payer: str | None, on: date | None, plans: Collection[str], state: str | None) -> RuleSet:
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


def _changes(policy: Policy) -> Iterator[date]:
    """The first days of what a policy says, and the first without it."""
    yield policy.header.effective
    if policy.header.end is not None and policy.header.end < date.max:
        yield policy.header.end + timedelta(days=1)
    for stated in policy.rules.values():
        for series in stated.series():
            yield from (each.effective for each in series.dated)
