"""Which evidence is fetched from a server: references to follow, searches to make. The values live in ``mappings``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from adapter.evidence.references import Json

_STEP = re.compile(r"extension\((?P<url>[^()\s]+)\)|(?P<member>[A-Za-z][A-Za-z0-9]*)")


@dataclass(frozen=True, slots=True)
class CoachSearch:
    """Search parameters that take a practitioner, a service code and a date."""

    by: str
    code: str
    date: str


@dataclass(frozen=True, slots=True)
class EvidencePlan:
    """``follow``: element paths that hold References, per resource type. ``search`` and ``by_practitioner``: the search
    parameter that takes a patient or a practitioner, per resource type. ``identified_as``: the types that a reference
    by identifier alone may mean where it names none, per last member of the path.
    """

    follow: Mapping[str, tuple[str, ...]]
    search: Mapping[str, str]
    by_practitioner: Mapping[str, str] = field(default_factory=dict)
    identified_as: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sessions_of_coach: Mapping[str, CoachSearch] = field(default_factory=dict)
    """How the other coaching sessions of a coach are found, per resource type."""
    dependents: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """What refers to a resource of a type that has no patient: types, and their search parameters that take it."""
    include: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Search parameters that lead from a type to what ``follow`` names, where a server sends that along."""

    @property
    def watched(self) -> frozenset[str]:
        """The types on which a decision can rest."""
        return frozenset({"Patient", *self.follow, *self.search, *self.by_practitioner, *self.dependents})

    def references(self, resource: Json) -> Iterator[Json]:
        """Every Reference element of the resource that is to be followed."""
        return (reference for _, reference in self.leads(resource))

    def leads(self, resource: Json) -> Iterator[tuple[str, Json]]:
        """As ``references``, each with the path it stands at."""
        for path in self.follow.get(str(resource.get("resourceType")), ()):
            for element in elements(resource, path):
                yield path, element

    def types_of(self, path: str) -> tuple[str, ...]:
        """What a reference at that path may lead to, when only its identifier is known."""
        return self.identified_as.get(parse_path(path)[-1], ())


def elements(resource: Json, path: str) -> Iterator[Json]:
    """The objects at a path of member names; arrays are flattened, what has another shape is passed over."""
    found: list[Any] = [resource]
    for step in parse_path(path):
        found = [each for value in found if isinstance(value, dict) for each in _step(value, step)]
    return (each for each in found if isinstance(each, dict))


@cache
def parse_path(path: str) -> tuple[str, ...]:
    """Split ``item.extension(URL).valueReference``; an extension step is its URL, which no member name can be."""
    steps: list[str] = []
    position = 0
    while match := _STEP.match(path, position):
        steps.append(match["url"] or match["member"])
        position = match.end()
        if path[position:] and path[position] == ".":
            position += 1
        else:
            break
    if position != len(path) or path.endswith(".") or not steps:
        raise ValueError(f"not a path of member names and extension(URL): {path}")
    return tuple(steps)


def is_extension(step: str) -> bool:
    """Whether a step of a parsed path is the URL of an extension."""
    return ":" in step


def _step(value: Json, step: str) -> list[Any]:
    if is_extension(step):
        extensions = value.get("extension")
        several = extensions if isinstance(extensions, list) else []
        return [each for each in several if isinstance(each, dict) and each.get("url") == step]
    member = value.get(step)
    return member if isinstance(member, list) else [member]
