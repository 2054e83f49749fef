"""How many items wait, for the metrics."""

from __future__ import annotations

from adapter.runs.board import Board
from adapter.runs.model import Basis, Item, Look

SERVER = "https://fhir.example.org/r4"


def test_items_of_all_runs_that_wait_are_counted(database: str) -> None:
    basis = Basis("program", "mappings", "settings")
    items = [Item(run, number, Look.WINDOW, SERVER, "2026-01-01") for run in ("one", "two") for number in (1, 2)]
    with Board(database, basis) as board:
        assert board.depth() == {}
        board.put(items, basis.digest)
        assert board.depth() == {"waiting": 4}
