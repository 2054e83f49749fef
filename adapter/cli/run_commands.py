"""``coaching-adapter runs``: what there is of runs, how far each has come, who works on it; and ending one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adapter.cli import show_runs
from adapter.cli.commands import OK
from adapter.cli.working import postgresql, told_of_database
from adapter.errors import UsageError
from adapter.runs.board import Board
from adapter.runs.model import RunState
from adapter.settings import load_settings


def list_runs(output_format: str) -> int:
    """Print the runs, the newest first."""
    with _board() as board:
        found = [(each, board.counted(each.id)) for each in board.runs()]
    show_runs.runs(found, output_format)
    return OK


def show_run(id: str, output_format: str) -> int:
    """Print one run with its items."""
    with _board() as board:
        run = _named(board, id)
        show_runs.run(run, board.items(id), board.refusals(id), board.present(), output_format)
    return OK


def cancel_run(id: str) -> int:
    """End a run; what was written stays, and a new run of its range can begin."""
    with _board() as board:
        run = _named(board, id)
        if run.state.over:
            raise UsageError(f"run {id} is over: {run.state}.")
        board.cancel(id)
    return OK


def drop_run(id: str) -> int:
    """Forget a run that is over."""
    with _board() as board:
        run = _named(board, id)
        if not run.state.over:
            raise UsageError(f"run {id} is not over; end it first: coaching-adapter runs cancel {id}")
        board.drop(id)
    return OK


def _named(board: Board, id: str) -> RunState:
    run = board.run(id)
    if run is None:
        raise UsageError("there is no such run; `coaching-adapter runs` lists them.")
    return run


@contextmanager
def _board() -> Iterator[Board]:
    with told_of_database(), Board(postgresql(load_settings())) as board:
        yield board
