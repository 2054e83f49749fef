"""A policy as its owner reads it: the rule set in force on a day, every value with its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapter.cli.console import COLOUR, console, folding, print_json
from adapter.cli.policy_values import cited, in_words, titled
from adapter.coverage.registry import RULES
from adapter.coverage.wording import counted
from adapter.evidence.references import Json
from adapter.policy.book import Policy, PolicyBook
from adapter.policy.codes import Ncci
from adapter.policy.layering import PolicyRule
from adapter.policy.terms import BeforeFirstDate, dated_entry

PAIRS, LIMITS = "same_day_pairs", "unit_limit"
"""Rules that look things up in the list of same-day edits instead of values of their own."""


def policy(book: PolicyBook, name: str, on: date, output_format: str) -> None:
    """Print a policy's rules as they stand on a date of service."""
    described = _policy_json(book, book.policies[name], on)
    if output_format == "json":
        print_json(described)
        return
    _print_policy(console(), described)


def _policy_json(book: PolicyBook, chosen: Policy, on: date) -> Json:
    header = chosen.header
    return {
        "policy": header.policy,
        "title": header.title,
        "version": header.version,
        "effective": str(header.effective),
        "next_review": str(header.next_review) if header.next_review else None,
        "past_review": header.next_review is not None and header.next_review < on,
        "in_force": header.effective <= on and (header.end is None or on <= header.end),
        "on": str(on),
        "rules": [_rule_json(book, stated, on) for stated in _in_order(chosen)],
        "same_day_pairs": list(_pairs_json(book.codes.ncci)) if PAIRS in chosen.rules else [],
        "unit_limits": list(_limits_json(book.codes.ncci)) if LIMITS in chosen.rules else [],
        "edits_from": str(book.codes.ncci.start) if {PAIRS, LIMITS} & set(chosen.rules) else None,
    }


def _in_order(chosen: Policy) -> list[PolicyRule]:
    return sorted(chosen.rules.values(), key=lambda each: (RULES[each.file.rule].stage, each.file.rule))


def _rule_json(book: PolicyBook, stated: PolicyRule, on: date) -> Json:
    file = stated.file
    return {
        "rule": file.rule,
        "description": file.description,
        "kind": file.kind,
        "applies_to": file.applies_to or "all codes",
        "statements": file.statements,
        "rows": file.rows,
        "layer": stated.layer,
        "layer_title": titled(book.policies[stated.layer], stated.label),
        "file": stated.shown_as,
        "source": cited(file.reference),
        "values": list(_values_json(stated, on)),
        "outcomes": {
            name: {"decision": each.decision, "carc": each.carc, "rarc": each.rarc, "fix": each.fix}
            for name, each in file.outcomes.items()
        },
    }


def _values_json(stated: PolicyRule, on: date) -> Iterator[Json]:
    for name, series in stated.file.values.items():
        described: Json = {"name": name, "description": series.description, "unit": series.unit}
        try:
            entry = dated_entry(series, on, name)
        except BeforeFirstDate:
            nothing = {"value": None, "words": "no value yet: a person decides", "effective": None, "source": None}
            yield described | nothing | {"reason": None}
            continue
        yield described | {
            "value": entry.value,
            "words": in_words(entry.value, series.unit),
            "effective": str(entry.effective),
            "source": cited(entry.reference),
            "reason": entry.reason,
        }


def _pairs_json(ncci: Ncci) -> Iterator[Json]:
    for (paid, denied), indicator in sorted(ncci.pairs.items()):
        yield {"column_one": paid, "column_two": denied, "modifier_indicator": indicator}


def _limits_json(ncci: Ncci) -> Iterator[Json]:
    for code, limit in sorted(ncci.unit_limits.items()):
        yield {"code": code, "units": limit.units, "counted_by": "line" if limit.mai == 1 else "day"}


# --- as tables


def _print_policy(out: Console, described: Json) -> None:
    out.print(Text(f"{described['title']} ({described['policy']} {described['version']})", style="bold"))
    out.print(f"{_state(described)}.")
    table = folding("rule", "value on that day", "what follows")
    table.show_lines = True
    for rule in described["rules"]:
        table.add_row(_rule_cell(rule), _values_cell(rule), _outcomes_cell(rule))
    out.print(table)
    if described["same_day_pairs"]:
        out.print(_pairs_table(described["same_day_pairs"]))
    for each in described["unit_limits"]:
        out.print(f"At most {counted(each['units'], 'unit')} of {each['code']} a {each['counted_by']}.")
    if described["edits_from"]:
        out.print(f"These edits concern dates of service from {described['edits_from']} on.")


def _state(described: Json) -> str:
    state = "In force" if described["in_force"] else "NOT in force"
    review = described["next_review"]
    if review is None:
        return f"{state} on {described['on']}; from {described['effective']}"
    past = f"past its review date {review}; it still applies" if described["past_review"] else f"next review {review}"
    return f"{state} on {described['on']}; from {described['effective']}, {past}"


def _rule_cell(rule: Json) -> Text:
    codes = rule["applies_to"] if isinstance(rule["applies_to"], str) else ", ".join(rule["applies_to"])
    accounts = f"\naccounts for {', '.join(rule['statements'])}" if rule["statements"] else ""
    about = f"\n{rule['kind']}; {codes}{accounts}\nsource: {rule['source']}\nlayer: {rule['layer_title']}"
    return Text.assemble((rule["rule"], "bold"), f"\n{rule['description']}", (about, "dim"))


def _values_cell(rule: Json) -> Text:
    return _stacked(_value(each) for each in rule["values"])


def _value(value: Json) -> Text:
    since = f"\nsince {value['effective']}: {value['source']}\n{value['reason']}" if value["effective"] else ""
    return Text.assemble((value["name"], "bold"), f"\n{value['words']}", (since, "dim"))


def _outcomes_cell(rule: Json) -> Text:
    return _stacked(_outcome(name, each) for name, each in rule["outcomes"].items())


def _outcome(name: str, outcome: Json) -> Text:
    codes = [*(f"CARC {code}" for code in outcome["carc"]), *(f"RARC {code}" for code in outcome["rarc"])]
    decision = (outcome["decision"], COLOUR.get(outcome["decision"], ""))
    return Text.assemble(f"{name}: ", decision, f" {', '.join(codes)}" if codes else "")


def _stacked(cells: Iterable[Text]) -> Text:
    return Text("\n").join(cells)


def _pairs_table(pairs: list[Json]) -> Table:
    """Same-day pairs, those of one paid code and indicator together."""
    denied: dict[tuple[str, int], list[str]] = {}
    for pair in pairs:
        denied.setdefault((pair["column_one"], pair["modifier_indicator"]), []).append(pair["column_two"])
    table = folding("paid", "not paid beside it the same day", "a modifier lets both stand", title="Same-day pairs")
    for (paid, indicator), codes in denied.items():
        table.add_row(paid, ", ".join(codes), "yes" if indicator else "no")
    return table
