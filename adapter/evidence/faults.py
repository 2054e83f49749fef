"""What is wrong with a resource: how it was written, its size, its structure, and values its mapping could not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.fhir.quick import DEEPEST, certainly_valid
from adapter.fhir.validation import MODELS_OF, structural_issues
from adapter.fhir.version import NAMES, READ_AS, foreign_release, stated_releases, told_version
from adapter.limits import DEFAULT, Limits
from adapter.mapping.mapper import Records

_JUDGED_BY_RULES = re.compile(r"Claim\.item\[\d+\]\.productOrService\.coding\[\d+\]\.code")
"""A service code with spaces around it is no FHIR code, yet the table has an answer to it (row 81)."""


@dataclass
class Faults:
    """Finds the faults of resources, once for those that several claims share."""

    mapper: Records
    version_of: Callable[[Located], str]
    lenient: bool = False
    """Whether an element that FHIR does not know is a warning only."""
    limits: Limits = DEFAULT
    foreign: Callable[[Located], str | None] = lambda located: foreign_release(stated_releases(located.resource))
    """The release that a resource is stated to be in, where none is read of it."""
    trust_structure: bool = False
    """Whether the structure is taken as given, and only what a mapping cannot read is told."""
    _found: dict[Located, list[Issue]] = field(default_factory=dict)

    def of(self, located: Located) -> list[Issue]:
        """All faults of a resource; a contained one is judged with its container."""
        if located.container is not None:
            return []
        known = self._found.get(located)
        if known is None:
            sound = self._is_sound(located)
            # What is over a limit is not looked into: that is what the limits are for.
            known = self._over_limits(located, sound=sound) or self._inside(located, sound=sound)
            self._found[located] = known
        return known

    def readable(self, located: Located) -> bool:
        """Whether what it refers to can be looked for: it is within the limits, and in a version that is read."""
        return not self._over_limits(located) and self.foreign(located) is None

    def _is_sound(self, located: Located) -> bool:
        """Whether a resource certainly has the structure of its version, and so cannot be nested deeply either."""
        return not self.trust_structure and certainly_valid(located.resource, MODELS_OF[self.version_of(located)])

    def _over_limits(self, located: Located, *, sound: bool = False) -> list[Issue]:
        flat = sound and self.limits.max_depth >= DEEPEST
        return list(_over_limits(located, None if flat else self.limits.max_depth))

    def _inside(self, located: Located, *, sound: bool) -> list[Issue]:
        if (release := self.foreign(located)) is not None:
            words = f"{located.kind} is stated to be in FHIR {release}, which is not read"
            return [*located.faults, Issue("not-supported", words, located.kind, located.place())]
        version = self.version_of(located)
        structural = [] if sound or self.trust_structure else structural_issues(located, version, lenient=self.lenient)
        mapped = self.mapper.record(located).issues if self.mapper.knows(located) else ()
        if not structural and not mapped:
            return [*located.faults]
        found = [each for each in structural if not _JUDGED_BY_RULES.fullmatch(each.expression)]
        seen = {_plain(issue.expression) for issue in found if issue.severity == "error"}
        found += [each for each in mapped if not _told(each.expression, seen)]
        found = [each for each in found if not _follows(each, located.faults)]
        return [*located.faults, *(_another_version(located, version) if found else ()), *found]


def _over_limits(located: Located, deepest: int | None) -> Iterator[Issue]:
    yield from (each for each in located.faults if each.code == "too-long")
    if deepest is not None and _deeper_than(deepest, located.resource):
        problem = f"{located.kind} is nested more than {deepest} levels deep (ADAPTER_MAX_DEPTH)"
        yield Issue("structure", problem, located.kind, located.place())


def _deeper_than(most: int, value: Any) -> bool:
    """Whether a value is nested deeper; level by level, because what calls itself would fail on what this looks for."""
    if _opens_at_most(most, value):
        return False
    level = [value]
    for _ in range(most):
        level = [inner for each in level for inner in _inside_of(each) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _opens_at_most(most: int, value: Any) -> bool:
    """Whether it has so few objects and lists that it cannot be deeper; nearly everything has, and this is quick."""
    try:
        written = orjson.dumps(value)
    except TypeError:  # deeper than the library writes, or no JSON
        return False
    return written.count(b"{") + written.count(b"[") <= most


def _inside_of(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def _plain(expression: str) -> str:
    """Without indexes, and a choice of types as JSON names it: ``performed.ofType(Period)`` is ``performedPeriod``."""
    named = re.sub(r"\.ofType\((\w)(\w*)\)", lambda each: each[1].upper() + each[2], expression)
    return re.sub(r"\[\d+\]", "", named)


def _another_version(located: Located, version: str) -> Iterator[Issue]:
    """Where a faulty resource has the shape of another version, that is the fault to mend first."""
    told = told_version(located.resource)
    if told is not None and told != READ_AS[version]:
        words = f"{located.kind} is written in FHIR {NAMES[told]} and was to be read as {NAMES[version]}"
        yield Issue("structure", words, located.kind, located.place())


def _follows(issue: Issue, written: Sequence[Issue]) -> bool:
    """Whether it only follows from how the element is written: a key that stands twice holds the list of its values."""
    elements = [each.expression for each in written if "." in each.expression]
    return any(f"{issue.expression}.".startswith((f"{each}.", f"{each}[")) for each in elements)


def _told(expression: str, seen: set[str]) -> bool:
    """Whether a fault of this element, or of one around or inside it, is listed already."""
    plain = _plain(expression)
    return any(plain.startswith(each) or each.startswith(plain) for each in seen)
