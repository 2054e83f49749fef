"""What items did adds up to what the run did."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.answers.answer import Action, Written
from adapter.reconcile import Unanswered
from adapter.runs.model import Basis, Item, ItemState, Look, Plan, State, Window, closing_items, window_items
from adapter.runs.tally import added, complete, tally, totals
from adapter.sync.report import Report

Json = dict[str, Any]


def _report(written: int, unanswered: int = 0) -> Report:
    report = Report(out_of_scope=3, related=["r1"])
    report.written = [Written(f"c{number}", Action.CREATED) for number in range(written)]
    report.unanswered = [Unanswered(f"u{number}", "a rule crashed") for number in range(unanswered)]
    report.warnings = ["the server does not support x"]
    return report


def _state(number: int, tally: Json | None = None, failed: str | None = None) -> ItemState:
    item = Item("run", number, Look.WINDOW, "http://fhir.test", "2026-01-01T00:00:00Z")
    return ItemState(item, State.INCOMPLETE if failed else State.DONE, "vm/1", 1, 0.1, tally, failed)


def test_sum() -> None:
    found = totals(
        [
            _state(1, tally(_report(2), Look.WINDOW)),
            _state(2, tally(_report(5, unanswered=1), Look.WINDOW)),
            _state(3, tally(_report(4), Look.AGAIN)),
        ]
    )
    assert found["written"]["created"] == 11
    assert found["claims"] == {"in_scope": 1, "out_of_scope": 6, "unanswered": 1}, "looked at again is not counted"
    assert found["no_answer"] == [{"claim": "u0", "problem": "a rule crashed"}]
    assert found["notices"] == ["the server does not support x"], "once"
    assert found["items"] == {"done": 3, "failed": 0}


@pytest.mark.parametrize(
    ("items", "whole"),
    [
        pytest.param([], True, id="nothing to do"),
        pytest.param([_state(1, tally(_report(2), Look.WINDOW))], True, id="all answered"),
        pytest.param([_state(1, tally(_report(2, unanswered=1), Look.WINDOW))], False, id="one claim is not"),
        pytest.param([_state(1, failed="the server is away")], False, id="an item was given up"),
        pytest.param([_state(1)], False, id="an item was cancelled"),
    ],
)
def test_complete(items: list[ItemState], whole: bool) -> None:
    assert complete(totals(items)) is whole


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (1, 2, 3),
        ([1], [2], [1, 2]),
        ({"a": 1, "b": {"c": 2}}, {"b": {"c": 3, "d": 4}, "e": 5}, {"a": 1, "b": {"c": 5, "d": 4}, "e": 5}),
    ],
)
def test_added(one: Any, other: Any, both: Any) -> None:
    assert added(one, other) == both


@pytest.mark.parametrize(
    ("started", "related", "looks"),
    [
        pytest.param("2026-01-01T00:00:00Z", [], [(3, Look.LATER, 0)], id="what changed meanwhile"),
        pytest.param("2026-01-01T00:00:00Z", ["a", "b"], [(3, Look.AGAIN, 2), (4, Look.LATER, 0)], id="both"),
        pytest.param(None, ["a", "b", "c"], [(3, Look.AGAIN, 2), (4, Look.AGAIN, 1)], id="the server has no clock"),
        pytest.param(None, [], [], id="nothing"),
    ],
)
def test_closing(started: str | None, related: list[str], looks: list[tuple[int, Look, int]]) -> None:
    windows = (Window(None, "2025-01-01T00:00:00Z"), Window("2025-01-01T00:00:00Z", started))
    plan = Plan("http://fhir.test", None, None, started, "2026-01-01T00:00:00Z", Basis("p", "m", "s"), windows)
    found = closing_items(plan, "run", related, 3, 2)
    assert [(each.number, each.look, len(each.ids)) for each in found] == looks
    assert [each.id for each in window_items(plan, "run")] == ["run/00001", "run/00002"]
    assert [each.window.since for each in found if each.look is Look.LATER] == ([started] if started else [])
