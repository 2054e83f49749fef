"""The sums of a dry run, as JSON for machines."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from adapter.answers.change_json import money
from adapter.answers.totals import Effect, Move, Swaps, Totals
from adapter.evidence.references import Json


def totals(sums: Totals) -> Json:
    return {
        "answers": {each.value: sums.answers[each] for each in Effect},
        "claims": [_move(move) | {"claims": count} for move, count in sums.claims.most_common()],
        "lines": [
            _move(move) | {"lines": count, "submitted": _sums(sums.submitted.get(move, {}))}
            for move, count in sums.lines.most_common()
        ],
        "rules": [{"decision": of[0], "rule": of[1]} | _swaps(swaps) for of, swaps in sorted(sums.rules.items())],
        "reasons": [{"system": of[0], "code": of[1]} | _swaps(swaps) for of, swaps in sorted(sums.codes.items())],
        "policies": [{"policy": of} | _swaps(swaps) for of, swaps in sorted(sums.policies.items())],
    }


def _sums(by_currency: Mapping[str, Decimal]) -> list[Json]:
    return [money(currency, value) for currency, value in sorted(by_currency.items())]


def _move(move: Move) -> Json:
    return {"before": move[0].value, "after": move[1].value}


def _swaps(swaps: Swaps) -> Json:
    return {"gone": swaps.gone, "new": swaps.new}
