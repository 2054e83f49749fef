"""Sums over many differences: answers, moves of claims and lines, money by currency, reasons."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import pytest
from dry_run.made import POLICY, cancelled, outcome, response

from adapter.answers.answer import Action, Written
from adapter.answers.change_json import change_json, in_cents
from adapter.answers.difference import difference
from adapter.answers.totals import Effect, Swaps, Totals, effect

Json = dict[str, Any]


def changed(old: Json | None, new: Json | None) -> Written:
    action = Action.CREATED if old is None else Action.REMOVED if new is None else Action.UPDATED
    return Written("c1", action, difference=difference(old, new))


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        pytest.param(Written("c1", Action.UNCHANGED), Effect.LEAVE, id="unchanged"),
        pytest.param(Written("c1", Action.FAILED, "conflict"), Effect.FAIL, id="failed"),
        pytest.param(Written("c1", Action.CREATED), Effect.CREATE, id="created, not compared"),
        pytest.param(changed(None, response("DENY")), Effect.CREATE, id="created"),
        pytest.param(changed(response("DENY"), None), Effect.REMOVE, id="removed"),
        pytest.param(changed(response("DENY"), response("PEND")), Effect.CHANGE, id="updated"),
        pytest.param(
            Written("c1", Action.CREATED, difference=difference(response("DENY"), outcome("structure"))),
            Effect.CHANGE,
            id="a new outcome takes the place of a response",
        ),
        pytest.param(
            Written("c1", Action.UNCHANGED, difference=difference(response("DENY"), outcome("structure"))),
            Effect.CHANGE,
            id="an old outcome does so again",
        ),
    ],
)
def test_effects(written: Written, becomes: Effect) -> None:
    assert effect(written) is becomes
    assert Totals.of([written]).answers == {becomes: 1}


def test_moves_of_lines_and_claims_with_their_money() -> None:
    sums = Totals.of(
        [
            changed(response("DENY", net=85.10), response("APPROVE", net=85.10)),
            changed(response("DENY", "DENY", net=0.20), response("APPROVE", "DENY", net=0.20)),
            changed(response("DENY", net=70, currency="CAD"), response("APPROVE", net=70, currency="CAD")),
            changed(response("DENY", net=None), response("APPROVE", net=None)),
            changed(response("APPROVE"), cancelled("APPROVE")),
            changed(None, response("PEND")),
        ]
    )
    assert sums.lines == {("DENY", "APPROVE"): 4, ("APPROVE", "CANCELLED"): 1, ("NO_ANSWER", "PEND"): 1}
    assert sums.claims == {
        ("DENY", "APPROVE"): 3,
        ("DENY", "PARTIAL"): 1,
        ("APPROVE", "CANCELLED"): 1,
        ("NO_ANSWER", "PEND"): 1,
    }
    assert {move: dict(each) for move, each in sums.submitted.items()} == {
        ("DENY", "APPROVE"): {"USD": Decimal("85.30"), "CAD": Decimal(70)},
        ("APPROVE", "CANCELLED"): {"USD": Decimal(85)},
        ("NO_ANSWER", "PEND"): {"USD": Decimal(85)},
    }


@pytest.mark.parametrize(
    ("nets", "text"),
    [
        pytest.param([85], "85.00", id="whole"),
        pytest.param([0.1, 0.2], "0.30", id="cents"),
        pytest.param([0.125], "0.125", id="finer than a cent"),
        pytest.param([-5], "-5.00", id="below zero"),
        pytest.param([1e30], f"1{30 * '0'}.00", id="large"),
        pytest.param([-sys.float_info.max], f"-17976931348623157{292 * '0'}.00", id="the most that JSON holds"),
        pytest.param([5e-324], "5E-324", id="the least"),
        pytest.param([1e30, 85.5, -1e30], "85.50", id="a large one hides no cent"),
        pytest.param([sys.float_info.max, 5e-324, -sys.float_info.max], "5E-324", id="nor any other part"),
    ],
)
def test_sums_of_any_numbers_are_exact(nets: list[float], text: str) -> None:
    written = [changed(response("DENY", net=each), response("APPROVE", net=each)) for each in nets]
    sums, parts = Totals.of(written), Totals()
    for each in reversed(written):
        parts.absorb(Totals.of([each]))
    for found in (sums, parts):
        ((_, by_currency),) = found.submitted.items()
        assert in_cents(by_currency["USD"]) == text
    assert all(change_json(each)["difference"]["lines"] for each in written)


def test_reasons_are_counted_by_line_where_an_answer_took_the_place_of_another() -> None:
    sums = Totals.of(
        [
            changed(response("DENY", "DENY"), response("APPROVE", "PEND")),
            changed(response("PEND"), response("PEND", policy="common 2026-02-01")),
            changed(None, response("DENY")),
            changed(response("DENY"), None),
        ]
    )
    assert sums.rules == {("DENY", "session_length"): Swaps(2, 0), ("PEND", "session_times"): Swaps(0, 1)}
    assert sums.codes == {
        ("CARC", "152"): Swaps(2, 0),
        ("RARC", "N163"): Swaps(2, 0),
        ("CARC", "252"): Swaps(0, 1),
        ("RARC", "N443"): Swaps(0, 1),
    }
    assert sums.policies == {POLICY: Swaps(2, 0), "common 2026-02-01": Swaps(0, 1)}
