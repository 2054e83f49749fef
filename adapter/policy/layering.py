"""Policies laid over each other: what one states itself, what it takes over from below, and whose word each value is.

A policy's own value counts from its first date on; before that the value below it does. A map by code is changed code
by code, by a policy above as by a later date. Who says a value is kept: a finding cites that policy and that document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from adapter.coverage.registry import RULES
from adapter.policy.files import DatedValue, Reference, RuleFile, Series
from adapter.policy.values import keyed_by_code


@dataclass(frozen=True, slots=True)
class Source:
    """Who says something, and where it is written."""

    reference: Reference
    layer: str
    label: str
    """The layer with its version, as citations show it."""


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A rule as one policy states it; ``layer`` is the policy whose file it is."""

    file: RuleFile
    """With the values and outcomes that it takes over."""
    stated: RuleFile
    """As it is written."""
    layer: str
    label: str
    """The layer with its version, as citations show it."""
    shown_as: str
    below: PolicyRule | None = None

    def series(self) -> Iterator[Series]:
        """Every series that it, or a policy below it, states."""
        yield from self.file.values.values()
        yield from self.stated.values.values()
        if self.below is not None:
            yield from self.below.series()

    def source_of_value(self, name: str, on: date | None, code: str | None = None) -> Source:
        """Who says a value on a day; of a map by code, who says what it holds for this code."""
        dated = self.stated.values[name].dated if name in self.stated.values else []
        if code is not None and _by_code(self.file.rule, name):
            dated = [each for each in dated if code in each.value]
        entry = latest(dated, on)
        if entry is None and self.below is not None:
            return self.below.source_of_value(name, on, code)
        return self._source(self.file.reference if entry is None else entry.reference)

    def source_of_outcome(self, name: str) -> Source:
        """Who says what follows when the rule ends this way."""
        if self.below is not None and name not in self.stated.outcomes and name in self.file.outcomes:
            return self.below.source_of_outcome(name)
        return self._source(self.file.reference)

    def _source(self, reference: Reference) -> Source:
        return Source(reference, self.layer, self.label)


def latest(dated: Iterable[DatedValue], on: date | None) -> DatedValue | None:
    """The entry in force on a day; None before the first date, and where the day is unknown."""
    begun = [each for each in dated if on is not None and each.effective <= on]
    return begun[-1] if begun else None


def carried_on(file: RuleFile) -> RuleFile:
    """The file where a map by code keeps what earlier entries say of the codes that a later one does not name."""
    values = {
        name: series.model_copy(update={"dated": _carried_on(series.dated)}) if _by_code(file.rule, name) else series
        for name, series in file.values.items()
    }
    return file.model_copy(update={"values": values})


def _carried_on(dated: Iterable[DatedValue]) -> list[DatedValue]:
    carried: list[DatedValue] = []
    for each in dated:
        before = carried[-1].value if carried else {}
        carried.append(each.model_copy(update={"value": {**before, **each.value}}))
    return carried


def over(rules: Mapping[str, PolicyRule], own: Iterable[PolicyRule]) -> dict[str, PolicyRule]:
    """Rules over others: a file that names a rule below takes over the values and outcomes it does not state itself."""
    return {each.file.rule: _over(rules.get(each.file.rule), each) for each in own}


def _over(below: PolicyRule | None, own: PolicyRule) -> PolicyRule:
    if below is None:
        return own
    under, stated = below.file, own.file
    both = {
        name: _laid_over(under.values[name], series, by_code=_by_code(stated.rule, name))
        for name, series in stated.values.items()
        if name in under.values
    }
    file = stated.model_copy(
        update={
            "values": {**under.values, **stated.values, **both},
            "outcomes": {**under.outcomes, **stated.outcomes},
            "applies_to": stated.applies_to or under.applies_to,
        }
    )
    return replace(own, file=file, below=below)


def _laid_over(below: Series, own: Series, *, by_code: bool) -> Series:
    """One series of two: on every day the own entry in force, before its first date that below."""
    dated: list[DatedValue] = []
    for day in sorted({each.effective for series in (below, own) for each in series.dated}):
        under, upper = latest(below.dated, day), latest(own.dated, day)
        if under is not None and upper is not None and by_code:
            dated.append(upper.model_copy(update={"effective": day, "value": {**under.value, **upper.value}}))
        elif (entry := upper or under) is not None and not (dated and dated[-1] is entry):
            dated.append(entry)
    return own.model_copy(update={"dated": dated})


def _by_code(rule: str, value: str) -> bool:
    return keyed_by_code(RULES[rule].values.get(value))
