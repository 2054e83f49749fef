"""The dated values that a rule looked up for a line.

What was in force on the date of service, since when, where it is written, and which layer of policies said so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from adapter.coverage.wording import counted
from adapter.policy.book import BeforeFirstDate, Policy, PolicyBook, RuleSet, dated_entry
from adapter.policy.files import DatedValue, Reference


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """One value on the date of service, in words; before the first date nothing is known of its origin."""

    name: str
    description: str
    value: Any
    words: str
    since: date | None = None
    reference: Reference | None = None
    layer: str = ""
    """Title of the policy that says so, with its name and version."""

    def __str__(self) -> str:
        return f"{self.words} ({self.origin})" if self.origin else self.words

    @property
    def origin(self) -> str:
        """Since when, where it is written, and in which policy."""
        return f"since {self.since}: {cited(self.reference)}; {self.layer}" if self.reference else ""


def policy_values(rule: str, rules: RuleSet, book: PolicyBook, code: str | None) -> Iterator[PolicyValue]:
    """The values of a rule on the date of service; of those that stand by code, the one for the line's."""
    for name, series in rules.rules[rule].file.values.items():
        try:
            entry = dated_entry(series, rules.on, name)
        except BeforeFirstDate as gap:
            yield PolicyValue(name, series.description, None, str(gap))
            continue
        value, about = _for_code(entry.value, code, book)
        words, layer = in_words(value, series.unit) + about, _layer(entry, rule, rules, book)
        yield PolicyValue(name, series.description, value, words, entry.effective, entry.reference, layer)


def _for_code(value: Any, code: str | None, book: PolicyBook) -> tuple[Any, str]:
    """The part of a value that concerns the line's code, where the value stands by code, and the words for that."""
    if not isinstance(value, dict) or code is None or not any(book.codes.is_ours(key) for key in value):
        return value, ""
    return value.get(code), f" for {code}"


def _layer(entry: DatedValue, rule: str, rules: RuleSet, book: PolicyBook) -> str:
    """The lowest policy that holds the entry: those above it took it over."""
    layers = (*_lineage(rules.policy, book), *rules.overlays)
    policy = next(each for each in layers if _holds(each, entry, rule))
    return titled(policy, policy.rules[rule].label)


def _lineage(policy: Policy, book: PolicyBook) -> tuple[Policy, ...]:
    """A policy after those that it extends."""
    below = policy.header.extends
    return (*_lineage(book.policies[below], book), policy) if below else (policy,)


def _holds(policy: Policy, entry: DatedValue, rule: str) -> bool:
    stated = policy.rules.get(rule)
    return stated is not None and any(each is entry for series in stated.file.values.values() for each in series.dated)


# --- words


def titled(policy: Policy, label: str) -> str:
    """A policy by its title; in brackets what citations call it, with its version."""
    return f"{policy.header.title} [{label}]"


def cited(reference: Reference) -> str:
    return f"{reference.document}, {reference.section}"


def in_words(value: Any, unit: str | None = None) -> str:
    """A value as its owner would say it."""
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {in_words(each, unit)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return counted(value, unit) if unit else str(value)
