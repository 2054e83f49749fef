"""A policy as its owner reads it: the rule set in force on a day, every value with its source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rich.console import Console
from rich.text import Text

from adapter.cli.console import console, print_json
from adapter.coverage.registry import RULES
from adapter.evidence.references import Json
from adapter.policy.book import BeforeFirstDate, Policy, dated_entry
from adapter.policy.files import Reference
from adapter.policy.layering import PolicyRule


def policy(chosen: Policy, on: date, output_format: str) -> None:
    """Print a policy's rules as they stand on a date of service."""
    described = _policy_json(chosen, on)
    if output_format == "json":
        print_json(described)
        return
    _print_policy(console(), described)


def _policy_json(chosen: Policy, on: date) -> Json:
    header = chosen.header
    return {
        "policy": header.policy,
        "title": header.title,
        "version": header.version,
        "effective": str(header.effective),
        "next_review": str(header.next_review) if header.next_review else None,
        "in_force": header.effective <= on and (header.end is None or on <= header.end),
        "on": str(on),
        "rules": [_rule_json(stated, on) for stated in _in_order(chosen)],
    }


def _in_order(chosen: Policy) -> list[PolicyRule]:
    return sorted(chosen.rules.values(), key=lambda each: (RULES[each.file.rule].stage, each.file.rule))


def _rule_json(stated: PolicyRule, on: date) -> Json:
    file = stated.file
    return {
        "rule": file.rule,
        "description": file.description,
        "kind": file.kind,
        "applies_to": file.applies_to or "all codes",
        "layer": stated.layer,
        "file": stated.shown_as,
        "source": _source(file.reference),
        "values": list(_values_json(stated, on)),
        "outcomes": {
            name: {"decision": each.decision, "carc": each.carc, "rarc": each.rarc, "fix": each.fix}
            for name, each in file.outcomes.items()
        },
    }


def _values_json(stated: PolicyRule, on: date) -> Iterator[Json]:
    for name, series in stated.file.values.items():
        try:
            entry = dated_entry(series, on, name)
        except BeforeFirstDate:
            yield {
                "name": name,
                "value": None,
                "effective": None,
                "source": None,
                "reason": "no value yet: a person decides",
            }
            continue
        yield {
            "name": name,
            "value": entry.value,
            "unit": series.unit,
            "effective": str(entry.effective),
            "source": _source(entry.reference),
            "reason": entry.reason,
        }


def _source(reference: Reference) -> str:
    return f"{reference.document}, {reference.section}"


def _print_policy(out: Console, described: Json) -> None:
    state = "in force" if described["in_force"] else "NOT in force"
    review = f", next review {described['next_review']}" if described["next_review"] else ""
    head = f"{described['title']} ({described['policy']} {described['version']}), {state} on {described['on']}{review}"
    out.print(Text(head, style="bold"), soft_wrap=True)
    for rule in described["rules"]:
        _print_rule(out, rule)


def _print_rule(out: Console, rule: Json) -> None:
    codes = rule["applies_to"] if isinstance(rule["applies_to"], str) else ", ".join(rule["applies_to"])
    out.print()
    out.print(
        Text.assemble((rule["rule"], "bold"), f"  ({rule['kind']}; {codes}; layer {rule['layer']})"), soft_wrap=True
    )
    out.print(f"  {rule['description']}", soft_wrap=True)
    out.print(Text(f"  source: {rule['source']}   file: {rule['file']}", style="dim"), soft_wrap=True)
    for value in rule["values"]:
        out.print(f"  {value['name']} = {_plain(value)}   since {value['effective']}", soft_wrap=True)
        out.print(Text(f"      {value['source']}: {value['reason']}", style="dim"), soft_wrap=True)
    for name, outcome in rule["outcomes"].items():
        codes = " ".join([*(f"CARC {code}" for code in outcome["carc"]), *(f"RARC {code}" for code in outcome["rarc"])])
        out.print(f"  {name:<18} {outcome['decision']:<8} {codes}", soft_wrap=True)


def _plain(described: Json) -> str:
    """A value as its owner would write it."""
    value = described["value"]
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain({'value': each})}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value} {described['unit']}s" if described.get("unit") else str(value)
