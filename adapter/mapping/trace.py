"""What a mapping makes of one resource, expression by expression: for the person who writes the mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.mapping.documentation import DocumentationMapping
from adapter.mapping.mapper import FieldMapping, Mapper, PartMapping, below
from adapter.mapping.record import Values
from adapter.session.model import Origin, Sourced


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


def trace(mapper: Mapper, located: Located) -> Iterator[Trial]:
    """Every expression of the resource's mapping and what it finds, in the order of the file; none without mapping."""
    if not mapper.knows(located):
        return
    yield from _part(mapper, mapper.resources[located.kind], located, located.resource, located.kind, "")


def trace_places(mapping: DocumentationMapping, located: Located) -> Iterator[Trial]:
    """Every place of documentation of the resource's type, and whether the resource counts there."""
    named = [("note", mapping.note), *((f"elements.{name}", places) for name, places in mapping.elements.items())]
    named.append(("minutes", tuple(each.place for each in mapping.minutes)))
    for name, places in named:
        for place in places:
            if place.resource == located.kind:
                origin = Origin(located.versioned, f"{place.resource}.where({place.where})")
                values = (Sourced(True, origin),) if place.holds(located) else ()
                yield Trial(name, "place", origin.path, values, ())


def _part(mapper: Mapper, part: PartMapping, located: Located, element: Any, path: str, prefix: str) -> Iterator[Trial]:
    for spec in part.fields:
        yield from _field(mapper, spec, located, element, path, prefix)
    for name, (steps, expression, inside) in part.groups.items():
        issues: list[Issue] = []
        elements = mapper.elements(expression, element, path, steps, located, issues)
        if not elements:
            yield Trial(f"{prefix}{name}", "group", below(path, steps), (), tuple(issues))
        for index, each in enumerate(elements):
            if isinstance(each, dict):
                yield from _part(mapper, inside, located, each, f"{below(path, steps)}[{index}]", f"{prefix}{name}.")


def _field(
    mapper: Mapper, spec: FieldMapping, located: Located, element: Any, path: str, prefix: str
) -> Iterator[Trial]:
    found = False
    for text, expression in spec.expressions:
        issues: list[Issue] = []
        alone = replace(spec, expressions=((text, expression),))
        values = mapper.field(alone, located, element, Origin(located.versioned, path), issues)
        yield Trial(f"{prefix}{spec.name}", spec.kind, below(path, text), values, tuple(issues), needed=not found)
        found = found or bool(values)
