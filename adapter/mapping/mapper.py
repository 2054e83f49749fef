"""Applies mappings to resources: FHIRPath in, named and typed values out.

A mapping is an allow-list. What no field names is never read, and what a field names but cannot read becomes an issue
that says which element of which resource is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.mapping.fhirpath.expression import Expression
from adapter.mapping.record import Record, Values
from adapter.mapping.tables import CodeSystems, ConceptMap
from adapter.mapping.values import CONVERTERS, Unreadable
from adapter.session.model import Code, Origin, Sourced


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One field: expressions tried in order until one finds something, the type, and a table to translate by."""

    name: str
    expressions: tuple[tuple[str, Expression], ...]
    kind: str
    table: ConceptMap | None = None
    listed_only: bool = False


@dataclass(frozen=True, slots=True)
class PartMapping:
    """A resource, or a repeated part of one: its fields and the parts inside."""

    fields: tuple[FieldMapping, ...]
    groups: Mapping[str, tuple[str, Expression, PartMapping]] = field(default_factory=dict)


def below(path: str, steps: str) -> str:
    """FHIRPath of steps from a path on; several ways in one expression stay one expression."""
    return f"{path}.select({steps})" if " | " in steps else f"{path}.{steps}"


class Records(Protocol):
    """Gives the record of any resource, by the mapping of the FHIR version that the resource is in."""

    def knows(self, located: Located) -> bool:
        """Whether a mapping for the resource's type exists."""

    def record(self, located: Located) -> Record:
        """The record of a resource; KeyError when ``knows`` says no."""


@dataclass
class Mapper:
    """Maps resources of one FHIR version; each resource is mapped once."""

    resources: Mapping[str, PartMapping]
    systems: CodeSystems
    _done: dict[Located, Record] = field(default_factory=dict)

    def knows(self, located: Located) -> bool:
        """Whether a mapping for the resource's type exists."""
        return located.kind in self.resources

    def record(self, located: Located) -> Record:
        """The record of a resource.

        Raises:
            KeyError: no mapping for its type; ask ``knows`` first.
        """
        if located not in self._done:
            mapping = self.resources[located.kind]
            self._done[located] = self._part(mapping, located, located.resource, located.kind)
        return self._done[located]

    def _part(self, mapping: PartMapping, located: Located, element: Any, path: str) -> Record:
        issues: list[Issue] = []
        origin = Origin(located.versioned, path)
        fields = {each.name: self.field(each, located, element, origin, issues) for each in mapping.fields}
        groups: dict[str, tuple[Record, ...]] = {}
        for name, (steps, expression, part) in mapping.groups.items():
            elements = self.elements(expression, element, path, steps, located, issues)
            groups[name] = tuple(
                self._part(part, located, each, f"{below(path, steps)}[{index}]")
                for index, each in enumerate(elements)
                if isinstance(each, dict)
            )
        nested = [issue for records in groups.values() for record in records for issue in record.issues]
        return Record(located, path, fields, groups, tuple(issues + nested))

    def field(self, spec: FieldMapping, located: Located, element: Any, part: Origin, issues: list[Issue]) -> Values:
        """The values of one field of the part of a resource; what cannot be read is added to ``issues``."""
        for steps, expression in spec.expressions:
            found = self.elements(expression, element, part.path, steps, located, issues)
            if not found:
                continue
            origin = Origin(part.resource, below(part.path, steps))
            if values := self._convert(spec, found, origin, located, issues):
                return values
        return ()

    def elements(
        self, expression: Expression, element: Any, path: str, steps: str, located: Located, issues: list[Issue]
    ) -> Sequence[Any]:
        """What the steps find in the element that stands at a path; its place is only put together for an issue."""
        try:
            return expression(element)
        except Exception as error:  # noqa: BLE001 - the evaluator raises anything on elements of the wrong shape
            place = below(path, steps)
            problem = f"{place} cannot be read ({type(error).__name__}): the element has another shape"
            issues.append(Issue("structure", problem, place, located.place(place)))
            return ()

    def _convert(
        self, spec: FieldMapping, found: Sequence[Any], origin: Origin, located: Located, issues: list[Issue]
    ) -> Values:
        values: list[Sourced[Any]] = []
        for element in found:
            try:
                value = CONVERTERS[spec.kind](element, self.systems)
            except Unreadable as error:
                place = f"{origin.path}{error.element}"
                issues.append(Issue(error.code, f"{place} {error}", place, located.place(place)))
                continue
            if spec.table is not None and isinstance(value, Code | str):
                value = self._translated(spec, spec.table, value)
            if value is not None:
                values.append(Sourced(value, origin))
        return tuple(values)

    def _translated(self, spec: FieldMapping, table: ConceptMap, value: Code | str) -> Code | str | None:
        """A coding or a plain word (a status) by the table; a word is listed there without a system."""
        translated: Code | str | None
        if isinstance(value, Code):
            translated = table.translate(value, self.systems.urls(value))
        else:
            found = table.translate(Code(value), [None])
            translated = found.code if found is not None else None
        return translated if spec.listed_only else translated or value
