"""Compiles the expressions of one mapping file and collects what is wrong with them: syntax, paths, types, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.mapping import files
from adapter.mapping.documentation import LengthPlace, Place
from adapter.mapping.fhirpath.expression import Expression, compile_expression
from adapter.mapping.kinds import misfit
from adapter.mapping.mapper import FieldMapping, PartMapping
from adapter.mapping.model import Types, model
from adapter.mapping.path_types import PathTypes
from adapter.mapping.tables import ConceptMap
from adapter.mapping.variables import Variables
from adapter.yaml_lines import Lined, Steps


@dataclass(frozen=True, slots=True)
class Base:
    """What expressions are evaluated on: a path for the evaluator, and the types that can stand there."""

    path: str
    types: Types

    @classmethod
    def of_resource(cls, kind: str) -> Base:
        return cls(kind, frozenset([kind]))


def _nothing(_element: object) -> tuple[()]:
    return ()


@dataclass
class Compiler:
    """Compiles the expressions of one file and collects what is wrong with them."""

    lined: Lined
    version: str
    tables: Mapping[str, ConceptMap]
    variables: Variables
    faults: list[ConfigurationFault] = field(default_factory=list)

    def expression(self, text: str, base: Base, at: Steps, kind: str = "present") -> tuple[Expression, Types]:
        """The expression compiled, and what it can give; one that is wrong is a fault and finds nothing."""
        try:
            written_out = self.variables.expanded(text)
            compiled = compile_expression(written_out, base.path, self.version)
        except ValueError as error:
            self.faults.append(self.lined.fault(f"{text!r} is not FHIRPath: {error}", at))
            return _nothing, None
        walked = PathTypes(model(self.version))
        gives = walked.of(written_out, base.types)
        where = f"in FHIR {self.version.upper()}"
        self.faults += [self.lined.fault(f"{text!r}: {each} ({where})", at) for each in walked.faults]
        if (wrong := misfit(kind, gives)) is not None:
            problem, instead = wrong
            self.faults.append(self.lined.fault(f"{text!r}: {problem}", at, instead))
        return compiled, gives

    def group(self, read: files.GroupFile, base: Base, at: Steps) -> tuple[str, Expression, PartMapping]:
        expression, gives = self.expression(read.path, base, (*at, "path"))
        below = Base(f"{base.path}.{read.path}", gives)
        return read.path, expression, PartMapping(self.fields(read.fields, below, (*at, "fields")))

    def fields(self, read: Mapping[str, files.FieldFile], base: Base, at: Steps) -> tuple[FieldMapping, ...]:
        return tuple(self._field(name, each, base, (*at, name)) for name, each in read.items())

    def _field(self, name: str, read: files.FieldFile, base: Base, at: Steps) -> FieldMapping:
        texts = [read.path] if isinstance(read.path, str) else read.path
        if read.table is not None and read.table not in self.tables:
            known = ", ".join(sorted(self.tables))
            self.faults.append(self.lined.fault(f"no table {read.table!r}", (*at, "table"), f"known tables: {known}"))
        several = len(texts) > 1
        expressions = tuple(
            (text, self.expression(text, base, (*at, "path", index) if several else (*at, "path"), read.kind)[0])
            for index, text in enumerate(texts)
        )
        table = self.tables.get(read.table or "")
        listed_only = read.listed_only or (table is not None and table.listed_only)
        return FieldMapping(name, expressions, read.kind, table, listed_only)

    def places(self, read: Iterable[files.PlaceFile], at: Steps) -> tuple[Place, ...]:
        several = ((each, (*at, index)) for index, each in enumerate(read))
        return tuple(self._place(each, self._base(each.resource, place), place) for each, place in several)

    def _place(self, read: files.PlaceFile, base: Base, at: Steps) -> Place:
        condition, gives = self.expression(read.where, base, (*at, "where"))
        if gives is not None and "boolean" not in gives:
            problem = f"where gives {' or '.join(sorted(gives))}, which is never true"
            self.faults.append(self.lined.fault(problem, (*at, "where"), "compare it, or ask whether it exists()"))
        links = (
            (link, self.expression(link, base, (*at, "linked_by", index), "reference")[0])
            for index, link in enumerate(read.linked_by)
        )
        return Place(read.resource, " ".join(read.where.split()), condition, tuple(links))

    def _base(self, kind: str, at: Steps) -> Base:
        """The resource of a place; of one that does not exist, no path is at fault beside its name."""
        if model(self.version).is_resource(kind):
            return Base.of_resource(kind)
        self.faults.append(self.lined.fault(f"there is no resource {kind!r}", (*at, "resource")))
        return Base(kind, None)

    def lengths(self, read: Iterable[files.LengthFile], at: Steps) -> tuple[LengthPlace, ...]:
        return tuple(self._length(each, (*at, index)) for index, each in enumerate(read))

    def _length(self, read: files.LengthFile, at: Steps) -> LengthPlace:
        base = self._base(read.resource, at)
        value, _ = self.expression(read.value, base, (*at, "value"), "minutes")
        return LengthPlace(self._place(read, base, at), read.value, value)

    def finish(self) -> None:
        if self.faults:
            raise ConfigurationError(self.faults)
