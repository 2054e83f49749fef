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
from adapter.mapping.fhirpath.quick import Quick, Read
from adapter.mapping.fhirpath.results import as_handed_out, copied
from adapter.mapping.fhirpath.step import Unusual
from adapter.mapping.record import Record, Values
from adapter.mapping.tables import CodeSystems, ConceptMap
from adapter.mapping.values import CONVERTERS, Converter, Unreadable
from adapter.session.model import Code, Origin, Sourced

_CODED = (Code, str)
"""What a table translates."""
PLANS_KEPT = 256
"""Sets of element names whose plans are kept for each part; most resources of a site have the same few."""


@dataclass(frozen=True, slots=True)
class Way:
    """One expression of a field or part, its steps as they stand in a path, and the shorter way to what it finds."""

    steps: str
    expression: Expression
    quick: Quick | None
    suffix: str
    """What the path of an object gets behind it."""
    read: Read | None
    """The shorter way, where it tells what is found and not only that there is nothing."""

    @classmethod
    def of(cls, steps: str, expression: Expression) -> Way:
        quick = expression.quick if isinstance(expression, Compiled) else None
        return cls(steps, expression, quick, below("", steps), None if quick is None else quick.read)

    def may_find(self, names: frozenset[str]) -> bool:
        """Whether an object with elements of these names may have what the expression finds."""
        return self.quick is None or not names.isdisjoint(self.quick.names)


@dataclass(frozen=True)
class FieldMapping:
    """One field: expressions tried in order until one finds something, the type, and a table to translate by."""

    name: str
    expressions: tuple[tuple[str, Expression], ...]
    kind: str
    table: ConceptMap | None = None
    listed_only: bool = False

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """The expressions, each with the shorter way to what it finds."""
        return tuple(Way.of(*each) for each in self.expressions)

    @cached_property
    def convert(self) -> Converter:
        """What becomes of an element that was found."""
        return CONVERTERS[self.kind]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked for in objects that have elements of the same names; nothing else can be found there."""

    fields: tuple[tuple[FieldMapping, tuple[Way, ...]], ...]
    groups: tuple[tuple[str, Way, PartMapping], ...]


@dataclass(frozen=True)
class PartMapping:
    """A resource, or a repeated part of one: its fields and the parts inside."""

    fields: tuple[FieldMapping, ...]
    groups: Mapping[str, tuple[str, Expression, PartMapping]] = field(default_factory=dict)

    @cached_property
    def blank(self) -> dict[str, Values]:
        """The fields when nothing is found."""
        return {each.name: () for each in self.fields}

    @cached_property
    def no_groups(self) -> dict[str, tuple[Record, ...]]:
        """The parts when nothing is found."""
        return dict.fromkeys(self.groups, ())

    @cached_property
    def whole(self) -> Plan:
        """Everything, for an object of which nothing is known."""
        groups = tuple((name, Way.of(steps, each), part) for name, (steps, each, part) in self.groups.items())
        return Plan(tuple((each, each.ways) for each in self.fields), groups)

    def plan(self, element: Json) -> Plan:
        """What to look for in an object: most of a mapping names what most resources do not have."""
        names = self._names.intersection(element)
        known = self._plans.get(names)
        if known is None:
            known = self._plan(names)
            if len(self._plans) < PLANS_KEPT:
                self._plans[names] = known
        return known

    def _plan(self, names: frozenset[str]) -> Plan:
        tried = ((each, tuple(way for way in ways if way.may_find(names))) for each, ways in self.whole.fields)
        groups = tuple(each for each in self.whole.groups if each[1].may_find(names))
        return Plan(tuple((each, ways) for each, ways in tried if ways), groups)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Every name under which an expression begins to look: with others, nobody's data could be kept."""
        ways = [way for _, several in self.whole.fields for way in several] + [way for _, way, _ in self.whole.groups]
        return frozenset(name for way in ways if way.quick is not None for name in way.quick.names)

    @cached_property
    def _plans(self) -> dict[frozenset[str], Plan]:
        return {}


@dataclass(slots=True)
class _Element:
    """An object that is mapped, and its place: the resource itself, or one of its parts as it stands in it."""

    located: Located
    origin: Origin
    json: Json
    inside: bool = False
    embedded: bool = False
    """A part that calls itself a resource: only the whole expression can tell what is found in it."""
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
        fields, groups = mapping.blank.copy(), mapping.no_groups.copy()
        plan = mapping.whole if element.embedded else mapping.plan(element.json)
        for spec, ways in plan.fields:
            if values := self._field(spec, ways, element, issues):
                fields[spec.name] = values
        for name, way, part in plan.groups:
            groups[name] = self._group(way, part, element, issues)
        if plan.groups:
            issues += [issue for records in groups.values() for record in records for issue in record.issues]
        return Record(element.located, element.origin, fields, groups, tuple(issues))

    def _group(self, way: Way, part: PartMapping, whole: _Element, issues: list[Issue]) -> tuple[Record, ...]:
        found = self._found(way, whole, issues)
        if not found:
            return ()
        located, resource, path = whole.located, whole.origin.resource, whole.origin.path + way.suffix
        records = []
        for index, each in enumerate(found):
            if isinstance(each, dict):
                here = Origin(resource, f"{path}[{index}]")
                inside = _Element(located, here, each, inside=True, embedded="resourceType" in each)
                records.append(self._part(part, inside))
        return tuple(records)

    def _field(self, spec: FieldMapping, ways: Sequence[Way], element: _Element, issues: list[Issue]) -> Values:
        for way in ways:
            found = self._found(way, element, issues)
            if not found:
                continue
            whole = element.origin
            origin = Origin(whole.resource, whole.path + way.suffix)
            if values := self._convert(spec, found, origin, element.located, issues):
                return values
        return ()

    def _found(self, way: Way, element: _Element, issues: list[Issue]) -> Sequence[Any]:
        """What an expression finds, by the shorter way where it leads there; elements may be the resource's own."""
        read = way.read
        if read is not None and not element.embedded:
            try:
                found = read(element.json)
                return as_handed_out(found) if found else ()
            except Unusual:
                pass
        # Handed out in the evaluation: what cannot be, for its shape is unusual, is a fault like any other.
        path = element.origin.path
        return self.elements(
            lambda _: way.expression(element.handed_out), None, path, way.steps, element.located, issues
        )

    def field(self, spec: FieldMapping, located: Located, element: Any, part: Origin, issues: list[Issue]) -> Values:
        """The values of one field of the part of a resource; what cannot be read is added to ``issues``."""
        inside = element is not located.resource
        embedded = inside and "resourceType" in element
        return self._field(spec, spec.ways, _Element(located, part, element, inside, embedded), issues)

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
        convert, table, systems = spec.convert, spec.table, self.systems
        for element in found:
            try:
                value = convert(element, systems)
            except Unreadable as error:
                place = f"{origin.path}{error.element}"
                issues.append(Issue(error.code, f"{place} {error}", place, located.place(place)))
                continue
            if table is not None and isinstance(value, _CODED):
                value = self._translated(spec, table, value)
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
