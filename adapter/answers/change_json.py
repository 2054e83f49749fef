"""What would become of one answer, as JSON for machines. Amounts are texts, so that no cent is lost."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from adapter.answers.answer import Written
from adapter.answers.difference import Difference, LineDifference, gone
from adapter.answers.said import Amount, Line, Said
from adapter.answers.totals import EXACT, Reason, effect
from adapter.evidence.references import Json


def change_json(written: Written) -> Json:
    """One object for an answer; one that would be left has no difference."""
    change: Json = {"claim": written.claim, "action": written.action.value, "effect": effect(written).value}
    return change | ({"difference": _difference(written.difference)} if written.difference else {})


def _difference(difference: Difference) -> Json:
    return {
        "before": _head(difference.before),
        "after": _head(difference.after),
        "lines": [_line(each) for each in difference.lines],
        "elements": list(difference.elements),
    }


def _head(answer: Said) -> Json:
    return {
        "standing": answer.standing.value,
        "status": answer.status,
        "outcome": answer.outcome,
        "decision": answer.decision,
    }


def _line(line: LineDifference) -> Json:
    before, after = line.before, line.after
    return {
        "line": line.line,
        "before": _decided(before),
        "after": _decided(after),
        "reasons": _swapped(_codes(gone(before.codes, after.codes)), _codes(gone(after.codes, before.codes))),
        "rules": _swapped(_rules(gone(before.rules, after.rules)), _rules(gone(after.rules, before.rules))),
        "policies": _swapped(gone(before.policies, after.policies), gone(after.policies, before.policies)),
        "amounts": _swapped(
            [_amount(each) for each in gone(before.amounts, after.amounts)],
            [_amount(each) for each in gone(after.amounts, before.amounts)],
        ),
        "submitted": _amount(line.submitted) if line.submitted else None,
    }


def _decided(line: Line) -> Json:
    return {"standing": line.standing.value, "decision": line.decision.value if line.decision else None}


def _codes(codes: Iterable[Reason]) -> list[Json]:
    return [{"system": system, "code": code} for system, code in codes]


def _rules(rules: Iterable[Reason]) -> list[Json]:
    return [{"decision": decision, "rule": rule} for decision, rule in rules]


def _amount(amount: Amount) -> Json:
    return {"category": amount.category} | money(amount.currency, amount.value)


def money(currency: str, value: Decimal) -> Json:
    return {"value": in_cents(value), "currency": currency or None}


def in_cents(value: Decimal) -> str:
    """An amount with its cents, and with what is finer where there is such."""
    cents = EXACT.quantize(value, Decimal("0.01"))
    return str(cents if cents == value else value)


def _swapped(before: list[Json] | list[str], after: list[Json] | list[str]) -> Json:
    return {"gone": before, "new": after}
