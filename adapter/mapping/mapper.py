"""Applies mappings to resources: FHIRPath in, named and typed values out.

A mapping is an allow-list. What no field names is never read, and what a field names but cannot read becomes an issue
that says which element of which resource is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from adapter.errors import Issue
from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.mapping.fhirpath.expression import Compiled, Expression
from adapter.mapping.fhirpath.quick import Quick
from adapter.mapping.fhirpath.results import as_handed_out, copied
from adapter.mapping.fhirpath.step import Unusual
from adapter.mapping.record import Record, Values
from adapter.mapping.tables import CodeSystems, ConceptMap
from adapter.mapping.values import CONVERTERS, Converter, Unreadable
from adapter.session.model import Code, Origin, Sourced


@dataclass(frozen=True)
class FieldMapping:
    """One field: expressions tried in order until one finds something, the type, and a table to translate by."""

    name: str
    expressions: tuple[tuple[str, Expression], ...]
    kind: str
    table: ConceptMap | None = None
    listed_only: bool = False

    @cached_property
    def ways(self) -> tuple[tuple[str, Expression, Quick | None], ...]:
        """The expressions, each with the shorter way to what it finds."""
        return tuple((steps, each, _quick(each)) for steps, each in self.expressions)

    @cached_property
    def convert(self) -> Converter:
        """What becomes of an element that was found."""
        return CONVERTERS[self.kind]


@dataclass(frozen=True)
class PartMapping:
    """A resource, or a repeated part of one: its fields and the parts inside."""

    fields: tuple[FieldMapping, ...]
    groups: Mapping[str, tuple[str, Expression, PartMapping]] = field(default_factory=dict)

    @cached_property
    def blank(self) -> dict[str, Values]:
        """The fields when nothing is found."""
        return {each.name: () for each in self.fields}


def _quick(expression: Expression) -> Quick | None:
    return expression.quick if isinstance(expression, Compiled) else None


@dataclass(slots=True)
class _Element:
    """An object that is mapped, and its place: the resource itself, or one of its parts as it stands in it."""

    located: Located
    origin: Origin
    json: Json
    inside: bool = False
    _handed_out: Json | None = None

    @property
    def handed_out(self) -> Json:
        """As an expression hands out the part; the whole resource is read as it is."""
        if self._handed_out is None:
            self._handed_out = copied(self.json) if self.inside else self.json
        return self._handed_out


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
        record = self._done.get(located)
        if record is None:
            element = _Element(located, Origin(located.versioned, located.kind), located.resource)
            record = self._done[located] = self._part(self.resources[located.kind], element)
        return record

    def _part(self, mapping: PartMapping, element: _Element) -> Record:
        issues: list[Issue] = []
        fields = mapping.blank.copy()
        for spec in mapping.fields:
            if values := self._field(spec, element, issues):
                fields[spec.name] = values
        groups = {name: self._group(*group, element, issues) for name, group in mapping.groups.items()}
        nested = [issue for records in groups.values() for record in records for issue in record.issues]
        return Record(element.located, element.origin, fields, groups, tuple(issues + nested))

    def _group(
        self, steps: str, expression: Expression, part: PartMapping, whole: _Element, issues: list[Issue]
    ) -> tuple[Record, ...]:
        found = self._found(steps, expression, _quick(expression), whole, issues)
        if not found:
            return ()
        located, resource, path = whole.located, whole.origin.resource, below(whole.origin.path, steps)
        return tuple(
            self._part(part, _Element(located, Origin(resource, f"{path}[{index}]"), each, inside=True))
            for index, each in enumerate(found)
            if isinstance(each, dict)
        )

    def _field(self, spec: FieldMapping, element: _Element, issues: list[Issue]) -> Values:
        for steps, expression, quick in spec.ways:
            found = self._found(steps, expression, quick, element, issues)
            if not found:
                continue
            origin = Origin(element.origin.resource, below(element.origin.path, steps))
            if values := self._convert(spec, found, origin, element.located, issues):
                return values
        return ()

    def _found(
        self, steps: str, expression: Expression, quick: Quick | None, element: _Element, issues: list[Issue]
    ) -> Sequence[Any]:
        """What an expression finds, by the shorter way where it leads there; elements may be the resource's own."""
        if quick is not None and not (element.inside and "resourceType" in element.json):
            json = element.json
            for name in quick.names:
                if name in json:
                    break
            else:
                return ()
            if quick.read is not None:
                try:
                    return as_handed_out(quick.read(json))
                except Unusual:
                    pass
        # Handed out in the evaluation: what cannot be, for its shape is unusual, is a fault like any other.
        return self.elements(
            lambda _: expression(element.handed_out), None, element.origin.path, steps, element.located, issues
        )

    def field(self, spec: FieldMapping, located: Located, element: Any, part: Origin, issues: list[Issue]) -> Values:
        """The values of one field of the part of a resource; what cannot be read is added to ``issues``."""
        return self._field(spec, _Element(located, part, element, inside=element is not located.resource), issues)

    def elements(
        self,
        expression: Callable[[Any], Sequence[Any]],
        element: Any,
        path: str,
        steps: str,
        located: Located,
        issues: list[Issue],
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
                value = spec.convert(element, self.systems)
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
