"""Reads ``mappings/policies`` and ``mappings/codes`` and checks them against each other and against the rules.

A policy that names a rule nobody wrote, lacks a value its rule looks up, dates values out of order or emits a code that
no table lists stops the start, with file and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adapter.coverage.registry import RULES, Rule, load_rules
from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.layers import Layers
from adapter.mapping.files import CodeEntry, CodeListFile, NcciFile, ReasonCodesFile, validated
from adapter.mapping.tables import Payer, Payers
from adapter.policy.book import Policy, PolicyBook, PolicyRule, over
from adapter.policy.codes import CodeList, CodeLists, Ncci
from adapter.policy.files import PolicyFile, RuleFile, Series
from adapter.yaml_lines import Lined

CARC_OF = {"PEND": ["252"], "REVIEW": ["133"], "WARN": [], "APPROVE": []}
"""The CARC that a decision carries; a denial or rejection says its own."""


def load_policies(layers: Layers, payers: Payers) -> PolicyBook:
    """All policies of the mapping folders.

    Raises:
        ConfigurationError: with every fault found, each with file and line.
    """
    load_rules()
    codes = load_code_lists(layers)
    loader = _Loader(layers, codes)
    policies = loader.policies()
    switched_on = {rule for policy in policies.values() for rule in policy.rules}
    for name in () if loader.faults else sorted(set(RULES) - switched_on):
        where = layers.shown(f"policies/common/{name}.yaml")
        loader.faults.append(
            ConfigurationFault(where, 1, f"no policy states the rule {name}", "a check must not vanish")
        )
    for payer in payers.payers.values():
        for name in payer.policies:
            if name not in policies:
                loader.faults.append(_unknown_policy(layers, payer, name, policies))
    if loader.faults:
        raise ConfigurationError(loader.faults)
    return PolicyBook(
        policies=policies,
        by_payer={key: payer.policies for key, payer in payers.payers.items()},
        payer_titles={key: payer.title for key, payer in payers.payers.items()},
        payer_notes={key: payer.note for key, payer in payers.payers.items()},
        codes=codes,
    )


def _unknown_policy(layers: Layers, payer: Payer, name: str, policies: Mapping[str, Policy]) -> ConfigurationFault:
    hint = f"policies: {', '.join(sorted(policies))}"
    return layers.lined(payer.file).fault(f"no policy {name!r}", ("policies", payer.policies.index(name)), hint)


def load_code_lists(layers: Layers) -> CodeLists:
    """The dated code lists under ``codes``."""

    def listed(name: str) -> CodeList:
        read = validated(CodeListFile, layers.lined(f"codes/{name}.yaml"))
        return CodeList(read.name, read.edition, read.codes)

    reasons = validated(ReasonCodesFile, layers.lined("codes/reason-codes.yaml"))
    ncci = validated(NcciFile, layers.lined("codes/ncci.yaml"))
    return CodeLists(
        services=listed("service-codes"),
        modifiers=listed("modifiers"),
        places=listed("places-of-service"),
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
            return validated(PolicyFile, lined), lined
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
            *_against_rule(lined, read, rule, below.get(read.rule)),
            *_dates(lined, read),
            *_decisions(lined, read),
            *self._codes(lined, read),
        ]
        yield PolicyRule(read, header.policy, self._label(name, header), lined.file)

    def _label(self, name: str, header: PolicyFile) -> str:
        """The policy with its version, and whose files changed what it says of this rule."""
        owner = self.layers.holding(f"policies/{header.policy}/policy.yaml")[0]
        changing = [PurePath(each.shown).name for each in self.layers.holding(name) if each is not owner]
        return f"{header.policy} {header.version}" + "".join(f", changed by {each}" for each in changing)

    def _typed(self, lined: Lined, read: RuleFile, rule: Rule) -> RuleFile:
        """The file with its values as the rule's types; a value of another type is a fault."""
        typed: dict[str, Series] = {}
        for name, series in read.values.items():
            entries = []
            for index, entry in enumerate(series.dated):
                try:
                    value = TypeAdapter(rule.values.get(name, Any)).validate_python(entry.value)
                    entries.append(entry.model_copy(update={"value": value}))
                except ValidationError as error:
                    problem = f"{name}: {'; '.join(each['msg'] for each in error.errors())}"
                    self.faults.append(lined.fault(problem, ("values", name, "dated", index, "value")))
            typed[name] = series.model_copy(update={"dated": entries or series.dated})
        return read.model_copy(update={"values": typed})

    def _codes(self, lined: Lined, read: RuleFile) -> Iterator[ConfigurationFault]:
        for name, outcome in read.outcomes.items():
            for kind, listed in (("carc", self.codes.carc), ("rarc", self.codes.rarc)):
                for code in getattr(outcome, kind):
                    if listed.get(code) is None:
                        yield lined.fault(f"{listed.name} {code} is in no table", ("outcomes", name, kind))
            needy = [code for code in outcome.carc if _flag(self.codes.carc.get(code), "needs_remark")]
            telling = [code for code in outcome.rarc if not _flag(self.codes.rarc.get(code), "alert")]
            if needy and not telling:
                problem = f"CARC {needy[0]} needs a remark code that is not an alert"
                yield lined.fault(problem, ("outcomes", name, "carc"))
        for code in read.applies_to:
            if self.codes.services.get(code) is None:
                yield lined.fault(f"service code {code} is in no table", ("applies_to",))


def _flag(entry: CodeEntry | None, name: str) -> bool:
    return entry is not None and bool(getattr(entry, name))


def _against_rule(lined: Lined, read: RuleFile, rule: Rule, below: PolicyRule | None) -> Iterator[ConfigurationFault]:
    """The values and outcomes a rule uses are there, here or in the policy below, and no others."""
    for part, wanted in (("values", rule.values), ("outcomes", rule.outcomes)):
        given = set(getattr(read, part))
        taken_over = set(getattr(below.file, part)) if below else set()
        for name in sorted(set(wanted) - given - taken_over):
            yield lined.fault(f"rule {read.rule} needs {part}.{name}", (part,))
        for name in sorted(given - set(wanted)):
            yield lined.fault(f"rule {read.rule} has no {part}.{name}", (part, name))


def _decisions(lined: Lined, read: RuleFile) -> Iterator[ConfigurationFault]:
    """The CARC of each decision (contract, ClaimResponse): pended lines carry 252, reviewed ones 133, approved none."""
    for name, outcome in read.outcomes.items():
        wanted = CARC_OF.get(outcome.decision)
        if wanted is None and not outcome.carc:
            yield lined.fault(f"{outcome.decision} without a CARC", ("outcomes", name), "say why, by a reason code")
        elif wanted is not None and outcome.carc != wanted:
            hint = f"carc: {wanted}".replace("'", '"')
            yield lined.fault(f"{outcome.decision} with another CARC", ("outcomes", name), hint)


def _dates(lined: Lined, read: RuleFile) -> Iterator[ConfigurationFault]:
    for name, series in read.values.items():
        days = [each.effective for each in series.dated]
        for index, (earlier, later) in enumerate(pairwise(days)):
            if later <= earlier:
                place = ("values", name, "dated", index + 1, "effective")
                yield lined.fault(f"{later} does not come after {earlier}", place, "order values by date")
