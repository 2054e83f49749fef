"""Checkpoints of rules after which others wrote: they say nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.sinks.ledger import Ledger

SERVER, ELSEWHERE = "http://fhir.test", "http://other.test"
OURS, OTHERS, CHANGES = "Claim 1", "Claim 12", "changes"
INSTANT = "2026-03-01T00:00:00Z"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.take_over(SERVER, OURS)
        ledger.set_run_state(SERVER, OURS, {"reached": INSTANT}, {OURS: INSTANT, f"{OURS} bulk": INSTANT})
        yield ledger


def test_the_same_rules_keep_all_of_theirs(ledger: Ledger) -> None:
    ledger.take_over(SERVER, OURS)
    assert ledger.checkpoints(SERVER) == {OURS: INSTANT, f"{OURS} bulk": INSTANT}
    assert ledger.run_state(SERVER, OURS) == {"reached": INSTANT}
    assert not ledger.was_taken_over(SERVER, OURS)


def test_no_state_leaves_the_one_that_is_there(ledger: Ledger) -> None:
    ledger.set_run_state(SERVER, OURS, None, {f"{OURS} bulk": "2027-01-01T00:00:00Z"})
    assert ledger.run_state(SERVER, OURS) == {"reached": INSTANT}
    assert ledger.checkpoint(SERVER, f"{OURS} bulk") == "2027-01-01T00:00:00Z"


def test_other_rules_void_them_all_on_that_server(ledger: Ledger) -> None:
    ledger.set_checkpoint(SERVER, CHANGES, INSTANT)
    ledger.take_over(ELSEWHERE, OURS)
    ledger.set_run_state(ELSEWHERE, OURS, {}, {OURS: INSTANT})
    ledger.take_over(SERVER, OTHERS)
    assert ledger.checkpoints(SERVER) == {CHANGES: INSTANT}
    assert ledger.run_state(SERVER, OURS) == {}
    assert (ledger.was_taken_over(SERVER, OURS), ledger.was_taken_over(SERVER, OTHERS)) == (True, False)
    assert ledger.checkpoints(ELSEWHERE) == {OURS: INSTANT}


def test_of_rules_that_write_at_the_same_time_none_moves(ledger: Ledger) -> None:
    ledger.take_over(SERVER, OTHERS)
    ledger.set_run_state(SERVER, OURS, {}, {OURS: INSTANT})
    ledger.set_run_state(SERVER, OTHERS, {}, {OTHERS: INSTANT})
    assert ledger.checkpoints(SERVER) == {}
    assert ledger.was_taken_over(SERVER, OURS)
    assert ledger.was_taken_over(SERVER, OTHERS)
    ledger.take_over(SERVER, OURS)
    assert not ledger.was_taken_over(SERVER, OURS)
