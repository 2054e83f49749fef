"""What items did adds up to what the run did."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from adapter.answers.answer import Action
from adapter.reconcile.reconciliation import Unanswered
from adapter.runs.model import (
    MOST_IDS,
    Basis,
    Item,
    ItemState,
    Look,
    Plan,
    Reached,
    State,
    Window,
    first_items,
    last_items,
    latest,
    named_items,
)
from adapter.runs.tally import complete, concerned, report_of, tally, totals
from adapter.sync.report import Report, Tally

Json = dict[str, Any]


def _report(written: int, unanswered: int = 0) -> Report:
    report = Report(out_of_scope=3)
    report.written[Action.CREATED] = written
    report.unanswered = [Unanswered(f"u{number}", "a rule crashed") for number in range(unanswered)]
    report.warnings = ["the server does not support x"]
    return report


def _state(number: int, tally: Json | None = None, failed: str | None = None) -> ItemState:
    item = Item("run", number, Look.WINDOW, "http://fhir.test", "2026-01-01T00:00:00Z")
    return ItemState(item, State.INCOMPLETE if failed else State.DONE, "vm/1", 1, 0.1, tally, failed)


@pytest.mark.parametrize(
    ("item", "told", "unanswered"),
    [
        pytest.param(
            Item("run", 7, Look.WINDOW, "http://fhir.test", "2026", Window("2026-01-01", "2026-02-01", 5)),
            {"look": "window", "since": "2026-01-01", "until": "2026-02-01", "expected": 5},
            [],
            id="a window: nobody knows who is in it",
        ),
        pytest.param(
            Item("run", 7, Look.CONCERNED, "http://fhir.test", "2026", ids=("a", "b")),
            {"look": "concerned", "since": None, "until": None, "expected": None},
            ["a", "b"],
            id="claims by their ids",
        ),
    ],
)
def test_an_item_that_was_given_up_names_what_it_was_to_look_at(item: Item, told: Json, unanswered: list[str]) -> None:
    found = totals([ItemState(item, State.INCOMPLETE, "vm/1", 4, 0.1, None, "it answered 500")])
    assert found["given_up"] == [{"item": 7, **told, "why": "it answered 500"}]
    assert [each["claim"] for each in found["no_answer"]] == unanswered
    assert found["claims"]["unanswered"] == len(unanswered)
    assert not complete(found)


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


def test_what_the_server_did_not_show_is_no_complete_run() -> None:
    report = Report(unread=["claims changed from then to now could not be read"])
    found = totals([_state(1, tally(report, Look.WINDOW)), _state(2, tally(_report(1), Look.WINDOW))])
    assert found["unread"] == report.unread
    assert not complete(found)


def _counted() -> Report:
    counts = Tally(4, Counter(DENY=2, APPROVE=3), {"DENY": Counter(minimum_duration=2)}, Counter(complete=3), 1, 0, 7)
    report = _report(3, unanswered=2)
    return replace(report, tally=counts, unread=["a stretch"], structure_trusted=True)


def test_what_is_kept_is_read_again_as_it_was() -> None:
    report = _counted()
    again = report_of(json.loads(json.dumps(tally(report, Look.WINDOW))))
    same = {name: value for name, value in report.summary().items() if name != "elapsed_seconds"}
    assert {name: value for name, value in again.summary().items() if name != "elapsed_seconds"} == same
    assert again.tally.reasons == report.tally.reasons
    assert +again.written == report.written
    assert (again.unanswered, again.warnings, again.unread) == (report.unanswered, report.warnings, report.unread)


def test_two_trusted_items_are_one_trusted_run() -> None:
    found = totals([_state(number, tally(_counted(), Look.WINDOW)) for number in (1, 2)])
    assert found["structure"] == "trusted"
    assert found["lines"]["DENY"] == 4
    assert found["reasons"] == {"DENY": {"minimum_duration": 4}}
    assert found["claims"]["unanswered"] == 2, "a claim that two looked at is listed once"


def test_what_only_finds_counts_nothing() -> None:
    found = concerned(["b", "a", "b"], ["the server does not support x"])
    assert found["concerned"] == ["a", "b"]
    assert totals([_state(1, found)])["claims"] == {"in_scope": 0, "out_of_scope": 0, "unanswered": 0}


STARTED = "2026-01-01T00:00:00Z"
WINDOWS = (Window(None, "2025-01-01T00:00:00Z"), Window("2025-01-01T00:00:00Z", STARTED))


def _plan(started: str | None = STARTED, windows: tuple[Window, ...] = WINDOWS, kinds: tuple[str, ...] = ()) -> Plan:
    basis = Basis("p", "m", "s")
    return Plan("http://fhir.test", None, "2024-01-01T00:00:00Z", started, STARTED, basis, windows, kinds=kinds)


@pytest.mark.parametrize(
    ("plan", "looks"),
    [
        pytest.param(_plan(), [("window", ""), ("window", "")], id="claims"),
        pytest.param(_plan(windows=(), kinds=("Encounter",)), [("find", "Encounter")], id="evidence"),
        pytest.param(_plan(windows=()), [], id="nothing"),
        pytest.param(
            _plan(kinds=("Claim", "Encounter")),
            [("window", ""), ("window", ""), ("find", "Claim"), ("find", "Encounter")],
            id="both",
        ),
    ],
)
def test_first(plan: Plan, looks: list[tuple[str, str]]) -> None:
    found = first_items(plan, "run")
    assert [(each.look.value, each.kind) for each in found] == looks
    assert [each.number for each in found] == list(range(1, len(looks) + 1))


@pytest.mark.parametrize(
    ("windows", "until"),
    [
        pytest.param(WINDOWS, STARTED, id="who changed is in a window"),
        pytest.param((), None, id="nobody is"),
    ],
)
def test_evidence_leaves_out_claims_of_windows_only_where_there_are_some(
    windows: tuple[Window, ...], until: str | None
) -> None:
    (found,) = [each for each in first_items(_plan(windows=windows, kinds=("Encounter",)), "run") if each.kind]
    assert found.window == Window("2024-01-01T00:00:00Z", until)


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["a", "b", "a"], [2], id="each once"),
        pytest.param([str(each) for each in range(MOST_IDS)], [MOST_IDS], id="just one item"),
        pytest.param([str(each) for each in range(MOST_IDS + 1)], [MOST_IDS, 1], id="one too many"),
    ],
)
def test_by_name(names: list[str], sizes: list[int]) -> None:
    found = named_items(_plan(), "run", Look.AGAIN, names, 3)
    assert [len(each.ids) for each in found] == sizes
    assert [each.number for each in found] == list(range(3, 3 + len(sizes)))


@pytest.mark.parametrize(("started", "since"), [(STARTED, [STARTED]), (None, [])])
def test_last(started: str | None, since: list[str]) -> None:
    assert [each.window.since for each in last_items(_plan(started), "run", 3)] == since


EARLY, LATE = Reached("2026-01-01T00:00:00+00:00"), Reached("2026-01-01T01:00:00+02:00", {"Claim": "x"})


@pytest.mark.parametrize(
    ("one", "other", "further"),
    [
        pytest.param(None, None, None, id="nobody came anywhere"),
        pytest.param(EARLY, None, EARLY, id="only one"),
        pytest.param(EARLY, LATE, EARLY, id="by the instant, whatever it is written like"),
    ],
)
def test_latest(one: Reached | None, other: Reached | None, further: Reached | None) -> None:
    assert latest(one, other) == latest(other, one) == further
