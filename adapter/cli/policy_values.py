"""The dated values that a rule looked up for a line.

What was in force on the date of service, since when, where it is written, and which layer of policies said so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from adapter.coverage.wording import counted
from adapter.policy.book import Policy, PolicyBook, RuleSet
from adapter.policy.files import Reference
from adapter.policy.terms import BeforeFirstDate, dated_entry


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
    stated = rules.rules[rule]
    for name, series in stated.file.values.items():
        try:
            entry = dated_entry(series, rules.on, name)
        except BeforeFirstDate as gap:
            yield PolicyValue(name, series.description, None, str(gap))
            continue
        value, about = _for_code(entry.value, code, book)
        source = stated.source_of_value(name, rules.on, code)
        words, layer = in_words(value, series.unit) + about, titled(book.policies[source.layer], source.label)
        yield PolicyValue(name, series.description, value, words, entry.effective, source.reference, layer)


def _for_code(value: Any, code: str | None, book: PolicyBook) -> tuple[Any, str]:
    """The part of a value that concerns the line's code, where the value stands by code, and the words for that."""
    if not isinstance(value, dict) or code is None or not any(book.codes.is_ours(key) for key in value):
        return value, ""
    return value.get(code), f" for {code}"


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
