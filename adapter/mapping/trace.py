"""What a mapping makes of one resource, expression by expression: for the person who writes the mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.mapping.documentation import DocumentationMapping, Place
from adapter.mapping.fhirpath.expression import Expression
from adapter.mapping.mapper import FieldMapping, Mapper, PartMapping, below
from adapter.mapping.record import Values
from adapter.session.model import Origin, Sourced
from adapter.yaml_lines import Steps

DOCUMENTATION = "documentation.yaml"


@dataclass(frozen=True, slots=True)
class Trial:
    """One expression of one field, tried on one element.

    ``needed`` is false where an earlier expression of the field had found something, so that this one does not count.
    """

    field: str
    kind: str
    place: str
    """FHIRPath of the expression from the resource on, with the index of the repeated part."""
    values: Values
    issues: tuple[Issue, ...]
    needed: bool = True
    file: str = ""
    """The mapping file of the version that states it, such as ``claim.yaml``."""
    at: Steps = ()
    """Where in the file."""


def trace(mapper: Mapper, located: Located) -> Iterator[Trial]:
    """Every expression of the resource's mapping and what it finds, in the order of the file; none without mapping."""
    if not mapper.knows(located):
        return
    whole = mapper.resources[located.kind]
    for trial in _part(mapper, whole, located, located.resource, located.kind, "", ()):
        yield replace(trial, file=f"{located.kind.lower()}.yaml")


def trace_places(mapper: Mapper, mapping: DocumentationMapping, located: Located) -> Iterator[Trial]:
    """Every place of documentation of the resource's type: whether it counts there, what ties it to the session, and
    the length it states."""
    for trial in _places(mapper, mapping, located):
        yield replace(trial, file=DOCUMENTATION)


def _places(mapper: Mapper, mapping: DocumentationMapping, located: Located) -> Iterator[Trial]:
    yield from _listed(mapper, "note", ("note",), mapping.note, located)
    for name, places in mapping.elements.items():
        yield from _listed(mapper, f"elements.{name}", ("elements", name, "found_in"), places, located)
    for index, length in enumerate(mapping.minutes):
        if length.place.resource == located.kind:
            at = ("minutes", index)
            yield from _place(mapper, "minutes", at, length.place, located)
            yield _alone(mapper, "minutes.value", "minutes", (length.path, length.value), located, (*at, "value"))


def _listed(mapper: Mapper, name: str, at: Steps, places: Iterable[Place], located: Located) -> Iterator[Trial]:
    for index, place in enumerate(places):
        if place.resource == located.kind:
            yield from _place(mapper, name, (*at, index), place, located)


def _place(mapper: Mapper, name: str, at: Steps, place: Place, located: Located) -> Iterator[Trial]:
    origin = Origin(located.versioned, f"{place.resource}.where({place.where})")
    values = (Sourced(True, origin),) if place.holds(located) else ()
    yield Trial(name, "place", origin.path, values, (), at=(*at, "where"))
    for index, link in enumerate(place.linked_by):
        yield _alone(mapper, f"{name}.linked_by", "reference", link, located, (*at, "linked_by", index))


def _alone(
    mapper: Mapper, name: str, kind: str, expression: tuple[str, Expression], located: Located, at: Steps
) -> Trial:
    """An expression that is no field of the resource's own mapping, tried as if it were one."""
    issues: list[Issue] = []
    spec = FieldMapping(name, (expression,), kind)
    values = mapper.field(spec, located, located.resource, Origin(located.versioned, located.kind), issues)
    return Trial(name, kind, below(located.kind, expression[0]), values, tuple(issues), at=at)


def _part(
    mapper: Mapper, part: PartMapping, located: Located, element: Any, path: str, prefix: str, at: Steps
) -> Iterator[Trial]:
    for spec in part.fields:
        for trial in _field(mapper, spec, located, element, path, prefix):
            yield replace(trial, at=(*at, "fields", spec.name, *trial.at))
    for name, (steps, expression, inside) in part.groups.items():
        issues: list[Issue] = []
        elements = mapper.elements(expression, element, path, steps, located, issues)
        if not elements:
            problems = tuple(issues)
            yield Trial(f"{prefix}{name}", "group", below(path, steps), (), problems, at=(*at, "groups", name, "path"))
        for index, each in enumerate(elements):
            if isinstance(each, dict):
                here, names = f"{below(path, steps)}[{index}]", f"{prefix}{name}."
                yield from _part(mapper, inside, located, each, here, names, (*at, "groups", name))


def _field(
    mapper: Mapper, spec: FieldMapping, located: Located, element: Any, path: str, prefix: str
) -> Iterator[Trial]:
    found = False
    for index, (text, expression) in enumerate(spec.expressions):
        issues: list[Issue] = []
        alone = replace(spec, expressions=((text, expression),))
        values = mapper.field(alone, located, element, Origin(located.versioned, path), issues)
        name, place = f"{prefix}{spec.name}", below(path, text)
        yield Trial(name, spec.kind, place, values, tuple(issues), needed=not found, at=("path", index))
        found = found or bool(values)
