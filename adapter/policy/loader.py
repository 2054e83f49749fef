"""Reads ``mappings/policies`` and ``mappings/codes`` and checks them against each other and against the rules.

A policy that names a rule nobody wrote, lacks a value its rule looks up, dates values out of order or emits a code that
no table lists stops the start, with file and line. What is checked stands in ``policy/checks.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from adapter.coverage.registry import RULES, Rule, load_rules
from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.layers import Layers
from adapter.mapping.code_files import (
    CodeListFile,
    DatedCode,
    ModifierEntry,
    NcciFile,
    PlaceEntry,
    ReasonCodesFile,
    ServiceEntry,
)
from adapter.mapping.files import CredentialsFile, validated
from adapter.mapping.tables import Payers
from adapter.mapping.wording import faults_of
from adapter.policy import checks
from adapter.policy.book import Policy, PolicyBook
from adapter.policy.codes import CodeList, CodeLists, Ncci
from adapter.policy.files import PolicyFile, RuleFile, Series, StatementsFile
from adapter.policy.layering import PolicyRule, carried_on, over
from adapter.policy.values import CREDENTIAL_KIND, SERVICE_CODE
from adapter.yaml_lines import Lined

COMMON = "common"
"""The policy that binds whoever pays."""
STATEMENTS = "policies/statements.yaml"


def load_policies(layers: Layers, payers: Payers) -> PolicyBook:
    """All policies of the mapping folders.

    Raises:
        ConfigurationError: with every fault found, each with file and line.
    """
    load_rules()
    codes = load_code_lists(layers)
    loader = _Loader(layers, codes)
    policies = loader.policies()
    faults = [*loader.faults, *checks.payers(layers, payers, policies, COMMON), *_statements(layers)]
    if not faults:
        faults += checks.vanished(layers, payers, policies, COMMON)
    if faults:
        raise ConfigurationError(faults)
    return PolicyBook(
        policies=policies,
        by_payer={key: payer.policies for key, payer in payers.payers.items()},
        payer_titles={key: payer.title for key, payer in payers.payers.items()},
        payer_notes={key: payer.note for key, payer in payers.payers.items()},
        codes=codes,
        common=COMMON,
    )


def _statements(layers: Layers) -> list[ConfigurationFault]:
    """What is wrong with the account of the statements that no rule checks."""
    try:
        validated(StatementsFile, layers.lined(STATEMENTS))
    except ConfigurationError as error:
        return error.faults
    return []


Entry = TypeVar("Entry", bound=DatedCode)


def load_code_lists(layers: Layers) -> CodeLists:
    """The dated code lists under ``codes``.

    Raises:
        ConfigurationError: a list that is not in order, or a same-day edit of a code that the services lack.
    """

    def listed(name: str, entry: type[Entry]) -> CodeList[Entry]:
        read = validated(CodeListFile[entry], layers.lined(f"codes/{name}.yaml"))  # type: ignore[valid-type] # at run time it is one
        return CodeList(read.name, read.edition, read.codes)

    reasons = validated(ReasonCodesFile, layers.lined("codes/reason-codes.yaml"))
    edits = layers.lined("codes/ncci.yaml")
    ncci = validated(NcciFile, edits)
    services = listed("service-codes", ServiceEntry)
    if faults := list(checks.same_day_edits(edits, ncci, services)):
        raise ConfigurationError(faults)
    return CodeLists(
        services=services,
        modifiers=listed("modifiers", ModifierEntry),
        places=listed("places-of-service", PlaceEntry),
        carc=CodeList("CARC", reasons.edition, reasons.carc),
        rarc=CodeList("RARC", reasons.edition, reasons.rarc),
        ncci=Ncci(
            {(each.column_one, each.column_two): each.modifier_indicator for each in ncci.pairs},
            ncci.mue,
            ncci.start,
        ),
    )


@dataclass
class _Loader:
    layers: Layers
    codes: CodeLists
    faults: list[ConfigurationFault] = field(default_factory=list)

    def __post_init__(self) -> None:
        credentials = validated(CredentialsFile, self.layers.lined("codes/credentials.yaml"))
        self.tables: Mapping[str, Collection[str]] = {
            SERVICE_CODE: self.codes.services.codes.keys(),
            CREDENTIAL_KIND: credentials.kinds.keys(),
        }
        self.sections = checks.sections(self.layers)

    def policies(self) -> dict[str, Policy]:
        """All policies: those that others extend first, overlays last, for they may speak about any rule there is."""
        names = [PurePath(each).parent.name for each in self.layers.names("policies/*/policy.yaml")]
        headers = {name: read for name in names if (read := self._header(name))}
        loaded: dict[str, Policy] = {}
        for name in sorted(headers, key=lambda each: (headers[each][0].overlay is not None, each)):
            self._load(name, headers, loaded, ())
        return loaded

    def _header(self, policy: str) -> tuple[PolicyFile, Lined] | None:
        try:
            lined = self.layers.lined(f"policies/{policy}/policy.yaml")
            header = validated(PolicyFile, lined)
            self.faults += checks.header(lined, header, policy)
            return header, lined
        except ConfigurationError as error:
            self.faults += error.faults
            return None

    def _load(
        self,
        name: str,
        headers: Mapping[str, tuple[PolicyFile, Lined]],
        loaded: dict[str, Policy],
        waiting: tuple[str, ...],
    ) -> Policy | None:
        """Load a policy after the one it extends."""
        if name in loaded:
            return loaded[name]
        header, lined = headers[name]
        base = None
        if header.extends is not None:
            if header.extends in (*waiting, name) or header.extends not in headers:
                self.faults.append(lined.fault(f"extends {header.extends!r}, which is no other policy", ("extends",)))
                return None
            base = self._load(header.extends, headers, loaded, (*waiting, name))
        below = dict(base.rules) if base else {}
        known = below
        if header.overlay is not None:
            known = {
                rule: stated
                for policy in loaded.values()
                if policy.header.overlay is None
                for rule, stated in policy.rules.items()
            }
        files = self.layers.names(f"policies/{name}/*.yaml")
        own = [rule for file in files for rule in self._rule(file, header, known)]
        loaded[name] = Policy(header, {**below, **over(below, own)})
        return loaded[name]

    def _rule(self, name: str, header: PolicyFile, below: Mapping[str, PolicyRule]) -> Iterator[PolicyRule]:
        if PurePath(name).stem == "policy":
            return
        try:
            lined = self.layers.lined(name)
            read = validated(RuleFile, lined)
        except ConfigurationError as error:
            self.faults += error.faults
            return
        rule = RULES.get(read.rule)
        if rule is None:
            known = ", ".join(sorted(RULES))
            self.faults.append(lined.fault(f"no rule {read.rule!r}", ("rule",), f"rules: {known}"))
            return
        read = self._typed(lined, read, rule)
        self.faults += [
            *checks.against_rule(lined, read, rule, below.get(read.rule)),
            *checks.named(lined, read.rule, PurePath(name).stem),
            *checks.dates(lined, read),
            *checks.decisions(lined, read),
            *checks.unknowns(lined, read, rule),
            *checks.reasons(lined, read, self.codes),
            *checks.services(lined, read, self.codes.services),
            *checks.references(lined, read, self.codes.services, self.sections),
        ]
        yield PolicyRule(carried_on(read), read, header.policy, self._label(name, header), lined.file)

    def _label(self, name: str, header: PolicyFile) -> str:
        """The policy with its version, and whose files changed what it says of this rule."""
        owner = self.layers.holding(str(PurePath(name).with_name("policy.yaml")))[0]
        changing = [PurePath(each.shown).name for each in self.layers.holding(name) if each is not owner]
        return f"{header.policy} {header.version}" + "".join(f", changed by {each}" for each in changing)

    def _typed(self, lined: Lined, read: RuleFile, rule: Rule) -> RuleFile:
        """The file with its values as the rule's types; a value of another type is a fault, and left out."""
        typed: dict[str, Series] = {}
        for name, series in read.values.items():
            declared: TypeAdapter[Any] = TypeAdapter(rule.values.get(name, Any))
            entries = []
            for index, entry in enumerate(series.dated):
                try:
                    value = declared.validate_python(entry.value, strict=True, context=self.tables)
                    entries.append(entry.model_copy(update={"value": value}))
                except ValidationError as error:
                    self.faults += faults_of(error, lined, ("values", name, "dated", index, "value"))
            typed[name] = series.model_copy(update={"dated": entries})
        return read.model_copy(update={"values": typed})
