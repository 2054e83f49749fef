"""Reads ``mappings/``: the FHIRPath files of a version, code tables, payers. Every fault of every file is reported.

Nothing is read after the start: what loads is complete and consistent, and what is not stops the start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import TypeVar

from adapter.checks import shared_spellings, unknown_systems
from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.evidence.plan import CoachSearch, EvidencePlan
from adapter.fhir.version import READ_AS
from adapter.layers import Layers
from adapter.mapping import code_files, files
from adapter.mapping.code_tables import read_table
from adapter.mapping.compiler import Base, Compiler
from adapter.mapping.documentation import DocumentationMapping
from adapter.mapping.mapper import PartMapping
from adapter.mapping.model import model
from adapter.mapping.plan_checks import plan_faults
from adapter.mapping.required import REQUIRED, missing_fields, unknown_fields
from adapter.mapping.tables import (
    CodeSystems,
    ConceptMap,
    CredentialKind,
    Credentials,
    Payer,
    Payers,
    plain_name,
    whole_words,
)
from adapter.mapping.variables import VARIABLES, Variables
from adapter.yaml_lines import Lined

NOT_RESOURCES = {"evidence", "documentation", "variables"}
"""Files of a version folder that describe something other than one resource type."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mappings:
    """Everything of one FHIR version that turns resources into sessions."""

    version: str
    resources: Mapping[str, PartMapping]
    documentation: DocumentationMapping
    plan: EvidencePlan
    systems: CodeSystems
    credentials: Credentials
    payers: Payers
    scope: Mapping[str, str]
    """The service codes that put a claim in scope, with the key of their system."""
    local_codes: frozenset[str]
    """Codes of other systems that ``tables/service-codes.json`` translates into one of ours."""
    tables: Mapping[str, ConceptMap]
    variables: Variables

    @property
    def folder(self) -> str:
        """The folder of the files that serve this version."""
        return READ_AS[self.version]

    def names_scope(self, text: str) -> bool:
        """Whether a text names one of our codes as a word."""
        return self.named_in(text) is not None

    def named_in(self, text: str) -> str | None:
        """The first of our codes that a text names as a word."""
        words = {word.upper() for word in re.findall(r"\w+", text)}
        return next((code for code in self.scope if code in words), None)


def load_mappings(layers: Layers, version: str) -> Mappings:
    """Everything that serves a FHIR version (``r4``, ``r4b`` or ``r5``).

    Raises:
        ConfigurationError: with every fault of every file, each with its line.
    """
    loader = _Loader(layers, READ_AS[version])
    systems = loader.attempt(loader.code_systems) or CodeSystems({}, {})
    tables = loader.attempt(lambda: loader.tables(systems)) or {}
    variables = loader.attempt(loader.variables) or Variables()
    resources = loader.attempt(lambda: loader.resources(tables, variables))
    documentation = loader.attempt(lambda: loader.documentation(variables))
    plan = loader.attempt(loader.plan)
    credentials = loader.attempt(lambda: loader.credentials(systems))
    payers = loader.attempt(loader.payers)
    services = loader.attempt(loader.services) or {}
    scope = {code: str(entry.system) for code, entry in services.items() if entry.scope}
    if loader.faults or not (resources and documentation and plan and credentials and payers):
        raise ConfigurationError(loader.faults)
    local = frozenset(code for (_, code), target in tables["service-codes"].targets.items() if target.code in scope)
    return Mappings(
        version, resources, documentation, plan, systems, credentials, payers, scope, local, tables, variables
    )


@dataclass
class _Loader:
    layers: Layers
    version: str
    faults: list[ConfigurationFault] = field(default_factory=list)

    def attempt(self, load: Callable[[], T]) -> T | None:
        """Run one loader; keep its faults and go on, so that all files are checked in one go."""
        try:
            return load()
        except ConfigurationError as error:
            self.faults += error.faults
            return None

    def each(self, pattern: str, load: Callable[[Lined], T], leave_out: Container[str] = ()) -> list[T]:
        """``load`` of every file; the faults of one do not hide those of the next."""

        def one(name: str) -> T:
            return load(self.layers.lined(name))

        names = (name for name in self.layers.names(pattern) if PurePath(name).stem not in leave_out)
        loaded = (self.attempt(partial(one, name)) for name in names)
        return [each for each in loaded if each is not None]

    def code_systems(self) -> CodeSystems:
        lined = self.layers.lined("tables/code-systems.yaml")
        read = files.validated(files.CodeSystemsFile, lined)
        self.faults += shared_spellings(lined, read)
        spellings = {url: key for key, system in read.systems.items() for url in (system.preferred, *system.accepted)}
        return CodeSystems({key: system.preferred for key, system in read.systems.items()}, spellings)

    def tables(self, systems: CodeSystems) -> dict[str, ConceptMap]:
        found: dict[str, ConceptMap] = {}
        for name in self.layers.names("tables/*.json"):
            table = self.attempt(partial(read_table, self.layers, name, systems))
            if table is None:  # its own faults stop the start; the fields that name it are in order
                found[PurePath(name).stem] = ConceptMap(PurePath(name).stem, {}, name)
            elif table.name in found:
                where, hint = self.layers.each(name)[0], f"the other is {found[table.name].file}; give both one name"
                self.faults.append(where.fault(f"table {table.name!r} stands in two files", ("id",), hint))
            else:
                found[table.name] = table
        return found

    def variables(self) -> Variables:
        name = f"{self.version}/{VARIABLES}"
        if not self.layers.holding(name):
            return Variables()
        lined = self.layers.lined(name)
        variables = Variables(files.validated(files.VariablesFile, lined).variables)
        self.faults += [lined.fault(problem, ("variables", each)) for each, problem in variables.problems()]
        return variables

    def resources(self, tables: Mapping[str, ConceptMap], variables: Variables) -> dict[str, PartMapping]:
        pattern = f"{self.version}/*.yaml"
        if not self.layers.names(pattern):
            where = self.layers.shown(self.version)
            raise ConfigurationError([ConfigurationFault(where, 1, f"no mappings for FHIR {self.version.upper()}")])
        wrong = self._capitals()
        found = dict(self.each(pattern, lambda lined: self._resource(lined, tables, variables), NOT_RESOURCES | wrong))
        for kind in sorted(set(REQUIRED) - set(found)):
            name = f"{self.version}/{_file_of(kind)}"
            if not self.layers.holding(name):
                self.faults.append(ConfigurationFault(self.layers.shown(name), 1, f"there is no mapping for {kind}"))
        return found

    def _capitals(self) -> set[str]:
        """Names that are not in lower case: beside the file they mean, they would count for nothing."""
        names = [name for name in self.layers.names(f"{self.version}/*.yaml") if name != name.lower()]
        for name in names:
            problem, hint = "a file name with capitals", f"call it {PurePath(name.lower()).name}"
            self.faults.append(ConfigurationFault(self.layers.shown(name), 1, problem, hint))
        return {PurePath(name).stem for name in names}

    def _resource(
        self, lined: Lined, tables: Mapping[str, ConceptMap], variables: Variables
    ) -> tuple[str, PartMapping]:
        read = files.validated(files.ResourceFile, lined)
        if not model(self.version).is_resource(read.resource):
            raise ConfigurationError([lined.fault(f"there is no resource {read.resource!r}", ("resource",))])
        if read.resource.lower() != PurePath(lined.file).stem:
            problem, hint = f"resource {read.resource} stands in a file of another name", _file_of(read.resource)
            raise ConfigurationError([lined.fault(problem, ("resource",), f"call the file {hint}")])
        compiler = Compiler(lined, self.version, tables, variables)
        base = Base.of_resource(read.resource)
        groups = {name: compiler.group(group, base, ("groups", name)) for name, group in read.groups.items()}
        mapping = PartMapping(compiler.fields(read.fields, base, ("fields",)), groups)
        compiler.faults += [*missing_fields(lined, read), *unknown_fields(lined, read)]
        compiler.finish()
        return read.resource, mapping

    def documentation(self, variables: Variables) -> DocumentationMapping:
        lined = self.layers.lined(f"{self.version}/documentation.yaml")
        read = files.validated(files.DocumentationFile, lined)
        compiler = Compiler(lined, self.version, {}, variables)
        mapping = DocumentationMapping(
            note=compiler.places(read.note, ("note",)),
            elements={
                name: compiler.places(element.found_in, ("elements", name, "found_in"))
                for name, element in read.elements.items()
            },
            labels={name: element.label for name, element in read.elements.items()},
            minutes=compiler.lengths(read.minutes, ("minutes",)),
        )
        compiler.finish()
        return mapping

    def plan(self) -> EvidencePlan:
        lined = self.layers.lined(f"{self.version}/evidence.yaml")
        read = files.validated(files.EvidenceFile, lined)
        self.faults += plan_faults(lined, read, model(self.version))
        follow = {kind: tuple(paths) for kind, paths in read.follow.items()}
        identified_as = {name: tuple(kinds) for name, kinds in read.identified_as.items()}
        coaches = {kind: CoachSearch(each.by, each.code, each.date) for kind, each in read.sessions_of_coach.items()}
        dependents = {
            kind: {holder: tuple(names) for holder, names in searches.items()}
            for kind, searches in read.dependents.items()
        }
        include = {kind: tuple(names) for kind, names in read.include.items()}
        return EvidencePlan(follow, read.search, read.by_practitioner, identified_as, coaches, dependents, include)

    def credentials(self, systems: CodeSystems) -> Credentials:
        lined = self.layers.lined("codes/credentials.yaml")
        read = files.validated(files.CredentialsFile, lined)
        self.faults += unknown_systems(lined, read, systems)
        kinds = [_credential_kind(key, kind) for key, kind in read.kinds.items()]
        return Credentials(kinds, whole_words(read.doubts))

    def payers(self) -> Payers:
        found: dict[str, Payer] = {}
        for name in self.layers.names("payers/*.yaml"):
            read = self.attempt(partial(self._payer_file, name))
            if read is not None and read.payer in found:
                fault = self.layers.lined(name).fault(f"payer {read.payer!r} stands in two files", ("payer",))
                self.faults.append(fault)
            elif read is not None:
                found[read.payer] = _payer(read, name)
        return Payers(found)

    def _payer_file(self, name: str) -> files.PayerFile:
        return files.validated(files.PayerFile, self.layers.lined(name))

    def services(self) -> dict[str, code_files.ServiceEntry]:
        lined = self.layers.lined("codes/service-codes.yaml")
        return files.validated(code_files.CodeListFile[code_files.ServiceEntry], lined).codes


def _file_of(kind: str) -> str:
    return f"{kind.lower()}.yaml"


def _credential_kind(key: str, read: files.CredentialFile) -> CredentialKind:
    codes = (each.rpartition("|") for each in read.codes)
    return CredentialKind(
        key,
        frozenset((system, code) for system, _, code in codes),
        whole_words(read.texts),
        whole_words(read.issuers),
        whole_words(read.confirmed_by),
    )


def _payer(read: files.PayerFile, name: str) -> Payer:
    return Payer(
        key=read.payer,
        title=read.title,
        identifiers=frozenset((each.system, each.value) for each in read.identifiers),
        names=tuple(map(plain_name, read.names)),
        name_parts=tuple(map(plain_name, read.name_parts)),
        not_names=tuple(map(plain_name, read.not_names)),
        policies=tuple(read.policies),
        note=read.note,
        file=name,
    )
