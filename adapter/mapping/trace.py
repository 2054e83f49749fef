"""What a mapping makes of one resource, expression by expression: for the person who writes the mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.mapping.mapper import FieldMapping, Mapper, PartMapping
from adapter.mapping.record import Values


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
    """Every expression of the resource's mapping and what it finds, in the order of the file.

    Raises:
        KeyError: no mapping for its type; ask ``mapper.knows`` first.
    """
    yield from _part(mapper, mapper.resources[located.kind], located, located.resource, located.kind, "")


def _part(mapper: Mapper, part: PartMapping, located: Located, element: Any, path: str, prefix: str) -> Iterator[Trial]:
    for spec in part.fields:
        yield from _field(mapper, spec, located, element, path, prefix)
    for name, (steps, expression, below) in part.groups.items():
        issues: list[Issue] = []
        elements = mapper.elements(expression, element, f"{path}.{steps}", located, issues)
        if not elements:
            yield Trial(f"{prefix}{name}", "group", f"{path}.{steps}", (), tuple(issues))
        for index, each in enumerate(elements):
            if isinstance(each, dict):
                yield from _part(mapper, below, located, each, f"{path}.{steps}[{index}]", f"{prefix}{name}.")


def _field(
    mapper: Mapper, spec: FieldMapping, located: Located, element: Any, path: str, prefix: str
) -> Iterator[Trial]:
    found = False
    for text, expression in spec.expressions:
        issues: list[Issue] = []
        alone = replace(spec, expressions=((text, expression),))
        values = mapper.field(alone, located, element, path, issues)
        yield Trial(f"{prefix}{spec.name}", spec.kind, f"{path}.{text}", values, tuple(issues), needed=not found)
        found = found or bool(values)
