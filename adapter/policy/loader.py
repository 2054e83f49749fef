"""Reads ``mappings/policies`` and ``mappings/codes`` and checks them against each other and against the rules.

A policy that names a rule nobody wrote, lacks a value its rule looks up, dates values out of order or emits a code that
no table lists stops the start, with file and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adapter.coverage.registry import RULES, Rule, load_rules
from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.mapping.files import CodeEntry, CodeListFile, NcciFile, ReasonCodesFile, validated
from adapter.mapping.tables import Payer, Payers
from adapter.policy.book import Policy, PolicyBook, PolicyRule, over
from adapter.policy.codes import CodeList, CodeLists, Ncci
from adapter.policy.files import PolicyFile, RuleFile, Series
from adapter.yaml_lines import Lined, load_lined


def load_policies(root: Path, payers: Payers) -> PolicyBook:
    """All policies under ``root``.

    Raises:
        ConfigurationError: with every fault found, each with file and line.
    """
    load_rules()
    codes = load_code_lists(root)
    loader = _Loader(root, codes)
    policies = loader.policies()
    switched_on = {rule for policy in policies.values() for rule in policy.rules}
    for name in () if loader.faults else sorted(set(RULES) - switched_on):
        where = f"{root.name}/policies/common/{name}.yaml"
        loader.faults.append(
            ConfigurationFault(where, 1, f"no policy states the rule {name}", "a check must not vanish")
        )
    for payer in payers.payers.values():
        for name in payer.policies:
            if name not in policies:
                loader.faults.append(_unknown_policy(root, payer, name, policies))
    if loader.faults:
        raise ConfigurationError(loader.faults)
    return PolicyBook(
        policies=policies,
        by_payer={key: payer.policies for key, payer in payers.payers.items()},
        payer_titles={key: payer.title for key, payer in payers.payers.items()},
        payer_notes={key: payer.note for key, payer in payers.payers.items()},
        codes=codes,
    )


def _unknown_policy(root: Path, payer: Payer, name: str, policies: Mapping[str, Policy]) -> ConfigurationFault:
    hint = f"policies: {', '.join(sorted(policies))}"
    if payer.file is None:
        return ConfigurationFault(payer.key, 1, f"no policy {name!r}", hint)
    return _lined(root, payer.file).fault(f"no policy {name!r}", ("policies", payer.policies.index(name)), hint)


def load_code_lists(root: Path) -> CodeLists:
    """The dated code lists under ``root/codes``."""

    def listed(name: str) -> CodeList:
        lined = _lined(root, root / "codes" / f"{name}.yaml")
        read = validated(CodeListFile, lined)
        return CodeList(read.name, read.edition, read.codes)

    reasons = validated(ReasonCodesFile, _lined(root, root / "codes" / "reason-codes.yaml"))
    ncci = validated(NcciFile, _lined(root, root / "codes" / "ncci.yaml"))
    return CodeLists(
        services=listed("service-codes"),
        modifiers=listed("modifiers"),
        places=listed("places-of-service"),
        carc=CodeList("CARC", reasons.edition, reasons.carc),
        rarc=CodeList("RARC", reasons.edition, reasons.rarc),
        ncci=Ncci(
            {(each.column_one, each.column_two): each.modifier_indicator for each in ncci.pairs},
            {code: each.units for code, each in ncci.mue.items()},
        ),
    )


def _lined(root: Path, path: Path) -> Lined:
    return load_lined(path, f"{root.name.removeprefix('_')}/{path.relative_to(root)}")


@dataclass
class _Loader:
    root: Path
    codes: CodeLists
    faults: list[ConfigurationFault] = field(default_factory=list)

    def policies(self) -> dict[str, Policy]:
        """All policies: those that others extend first, overlays last, for they may speak about any rule there is."""
        folders = {path.parent.name: path.parent for path in (self.root / "policies").glob("*/policy.yaml")}
        headers = {name: read for name, folder in sorted(folders.items()) if (read := self._header(folder))}
        loaded: dict[str, Policy] = {}
        for name in sorted(headers, key=lambda each: (headers[each][0].overlay is not None, each)):
            self._load(name, headers, folders, loaded, ())
        return loaded

    def _header(self, folder: Path) -> tuple[PolicyFile, Lined] | None:
        try:
            lined = _lined(self.root, folder / "policy.yaml")
            return validated(PolicyFile, lined), lined
        except ConfigurationError as error:
            self.faults += error.faults
            return None

    def _load(
        self,
        name: str,
        headers: Mapping[str, tuple[PolicyFile, Lined]],
        folders: Mapping[str, Path],
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
            base = self._load(header.extends, headers, folders, loaded, (*waiting, name))
        below = dict(base.rules) if base else {}
        known = below
        if header.overlay is not None:
            known = {
                rule: stated
                for policy in loaded.values()
                if policy.header.overlay is None
                for rule, stated in policy.rules.items()
            }
        own = [rule for path in sorted(folders[name].glob("*.yaml")) for rule in self._rule(path, header, known)]
        loaded[name] = Policy(header, {**below, **over(below, own)})
        return loaded[name]

    def _rule(self, path: Path, header: PolicyFile, below: Mapping[str, PolicyRule]) -> Iterator[PolicyRule]:
        if path.stem == "policy":
            return
        try:
            lined = _lined(self.root, path)
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
            *self._codes(lined, read),
        ]
        yield PolicyRule(read, header.policy, f"{header.policy} {header.version}", lined.file)

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


def _dates(lined: Lined, read: RuleFile) -> Iterator[ConfigurationFault]:
    for name, series in read.values.items():
        days = [each.effective for each in series.dated]
        for index, (earlier, later) in enumerate(pairwise(days)):
            if later <= earlier:
                place = ("values", name, "dated", index + 1, "effective")
                yield lined.fault(f"{later} does not come after {earlier}", place, "order values by date")
