"""A worker in this process: what fails is tried again and then told, what is left behind is taken over."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy
from runs.world import until

from adapter.durable import engine as engine_module
from adapter.durable import pauses
from adapter.durable import takeover as takeover_module
from adapter.errors import SourceError
from adapter.evidence.references import Json
from adapter.runs import worker as worker_module
from adapter.runs.board import CRASHED, Board
from adapter.runs.model import Basis, Item, Look, Plan, Reached, RunState, State, Window
from adapter.runs.tally import concerned, tally
from adapter.runs.worker import MOST_ATTEMPTS, MOST_CRASHES, RunWorker
from adapter.sources.refusals import Refused
from adapter.sync.report import Report

OURS, OTHERS = Basis("program", "mappings", "settings"), Basis("program", "other", "settings")
SERVER, OTHER_SERVER = "http://fhir.test", "http://other.test"
INSTANT = "2026-01-31T12:00:00Z"
ME, DEAD = "me/1", "dead/1"


def plan(windows: int, *, basis: Basis = OURS, server: str = SERVER, asked: str | None = None) -> Plan:
    several = tuple(Window(f"{year}-01-01T00:00:00Z", f"{year + 1}-01-01T00:00:00Z", 1) for year in range(windows))
    reaches = Reached("2025-12-31T23:55:00+00:00") if asked in (None, "auto") else None
    return Plan(server, asked, None, "2026-01-01T00:00:00Z", INSTANT, basis, several, "Claim", reaches)


class Work:
    """Stands for the decisions: notes each item, and fails as it is told."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.failing: dict[int, list[Exception]] = {}
        self.related: list[str] = []
        self.concerned: list[str] = []
        self.begun, self.released = threading.Event(), threading.Event()
        self.released.set()

    def __call__(self, item: Item) -> Json:
        self.items.append(item)
        self.begun.set()
        self.released.wait(30)
        if self.failing.get(item.number):
            raise self.failing[item.number].pop()
        if item.look is Look.FIND:
            return concerned(self.concerned, [])
        return tally(Report(out_of_scope=1), item.look, self.related if item.look is Look.WINDOW else [])

    def times(self) -> Counter[int]:
        return Counter(each.number for each in self.items)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(engine_module, "SHOWING_SECONDS", 0.05)
    monkeypatch.setattr(takeover_module, "SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(worker_module, "WATCHING_SECONDS", (0.05, 0.05))


@contextmanager
def working(url: str, board: Board, work: Work, server: str | None = None) -> Iterator[RunWorker]:
    worker = RunWorker(url, board, work, OURS, ME, server)
    worker.start()
    try:
        yield worker
    finally:
        work.released.set()
        worker.stop()


@pytest.fixture
def board(database: str) -> Iterator[Board]:
    with Board(database, OURS) as board:
        yield board


def over(board: Board, id: str) -> RunState:
    until(lambda: _run(board, id).state.over)
    return _run(board, id)


def _run(board: Board, id: str) -> RunState:
    run = board.run(id)
    assert run is not None
    return run


def test_every_window_once_then_again_what_refers_to_others_then_what_changed_meanwhile(
    database: str, board: Board
) -> None:
    work = Work()
    work.related = ["c2", "c1"]
    id = board.begin(plan(3))
    with working(database, board, work):
        run = over(board, id)
    looks = [each.look for each in work.items]
    assert sorted(looks[:3] + looks[3:]) == sorted([Look.WINDOW] * 3 + [Look.AGAIN, Look.LATER])
    assert set(looks[:3]) == {Look.WINDOW}, "the windows come first"
    assert [each.ids for each in work.items if each.look is Look.AGAIN] == [("c1", "c2")]
    assert {each.instant for each in work.items} == {INSTANT}
    assert run.totals is not None
    assert (run.state, run.totals["items"]) == (State.DONE, {"done": 5, "failed": 0})
    assert run.totals["claims"]["out_of_scope"] == 4


def test_claims_that_changed_evidence_concerns_are_decided_once_and_before_what_refers_to_others(
    database: str, board: Board
) -> None:
    work = Work()
    work.related, work.concerned = ["c1"], ["c4", "c3"]
    id = board.begin(replace(plan(1), kinds=("Coverage", "Encounter")))
    with working(database, board, work):
        run = over(board, id)
    assert {each.look for each in work.items[:3]} == {Look.WINDOW, Look.FIND}
    assert [(each.look, each.ids) for each in work.items[3:4]] == [(Look.CONCERNED, ("c3", "c4"))]
    assert {each.look for each in work.items[4:]} == {Look.AGAIN, Look.LATER}
    assert run.totals is not None
    assert run.totals["items"] == {"done": 6, "failed": 0}


AWAY = SourceError("504")


@pytest.mark.parametrize(
    ("errors", "tried", "state", "told"),
    [
        pytest.param([], 1, State.DONE, "", id="it does not fail"),
        pytest.param([AWAY] * (MOST_ATTEMPTS - 1), MOST_ATTEMPTS, State.DONE, "", id="the last time well"),
        pytest.param([AWAY] * MOST_ATTEMPTS, MOST_ATTEMPTS, State.INCOMPLETE, "504", id="once too often"),
        pytest.param([KeyError("Jane Doe")] * MOST_ATTEMPTS, MOST_ATTEMPTS, State.INCOMPLETE, "KeyError", id="a bug"),
        pytest.param([Refused("we may not", status=400)], 1, State.INCOMPLETE, "we may not", id="refused is refused"),
    ],
)
def test_an_item_that_fails(
    database: str, board: Board, errors: list[Exception], tried: int, state: State, told: str
) -> None:
    work = Work()
    work.failing = {2: list(errors)}
    id = board.begin(plan(3))
    with working(database, board, work):
        run = over(board, id)
    assert work.times() == {1: 1, 2: tried, 3: 1, 4: 1}, "it holds up no other"
    assert run.totals is not None
    assert (run.state, run.totals["items"]["failed"]) == (state, int(state is State.INCOMPLETE))
    assert [told in each["why"] for each in run.totals["given_up"]] == [True] * (state is State.INCOMPLETE)
    assert "Jane" not in str(run)


@pytest.mark.parametrize(
    ("crashes", "state", "tried"),
    [
        pytest.param(MOST_CRASHES, State.DONE, 1, id="the last time well"),
        pytest.param(MOST_CRASHES + 1, State.INCOMPLETE, 0, id="once too often"),
    ],
)
def test_an_item_that_processes_die_of(database: str, board: Board, crashes: int, state: State, tried: int) -> None:
    id = board.begin(plan(1))
    board.put([_first(board, id)], OURS.digest)
    _died(database, f"{id}/00001", crashes)
    work = Work()
    with working(database, board, work):
        run = over(board, id)
    assert (run.state, work.times()[1]) == (state, tried)
    assert [each.failed for each in board.items(id)] == [None if state is State.DONE else CRASHED, None]


def _first(board: Board, id: str) -> Item:
    return Item(id, 1, Look.WINDOW, SERVER, INSTANT, _run(board, id).plan.windows[0])


def _died(database: str, item: str, crashes: int) -> None:
    """As it is found when a process that is gone had begun it, as others had before."""
    engine = sqlalchemy.create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    statement = (
        "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = :dead, recovery_attempts = :crashes"
        " WHERE workflow_uuid = :item"
    )
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement), {"dead": DEAD, "crashes": crashes, "item": item})
    engine.dispose()


def test_who_leaves_ends_the_item_in_hand_and_puts_the_run_back(database: str, board: Board) -> None:
    work = Work()
    work.released.clear()
    id = board.begin(plan(3))
    with working(database, board, work):
        work.begun.wait(30)
        threading.Timer(0.3, work.released.set).start()
    assert len(work.items) == 1, "no other was begun"
    assert board.counted(id)[State.RUNNING] == 0
    assert board.counted(id)[State.DONE] == 1
    assert _run(board, id).state is State.WAITING
    assert board.present() == {}
    again = Work()
    with working(database, board, again):
        assert over(board, id).state is State.DONE
    assert work.times() + again.times() == {1: 1, 2: 1, 3: 1, 4: 1}


def test_a_run_of_another_basis_is_left_to_others_and_shows_it(
    database: str, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    left, done = board.begin(plan(2, basis=OTHERS)), board.begin(plan(2, asked="auto"))
    with working(database, board, work) as worker:
        assert over(board, done).state is State.DONE
        until(lambda: bool(board.refusals(left)))
        assert worker.idle(), "what others must do is no reason to wait"
    assert {each.run for each in work.items} == {done}
    assert _run(board, left).state is State.WAITING
    assert [(each.process, each.differs) for each in board.refusals(left)] == [(ME, ("mappings",))]
    lines = [vars(each)["msg"] for each in caplog.records if "run.left_to_others" in each.getMessage()]
    assert [(each["run"], each["differs"]) for each in lines] == [(left, "mappings")]


@pytest.mark.parametrize(
    ("only", "taken"),
    [
        pytest.param(None, {SERVER, OTHER_SERVER}, id="of any server"),
        pytest.param(SERVER, {SERVER}, id="of one"),
    ],
)
def test_a_worker_of_one_server(database: str, board: Board, only: str | None, taken: set[str]) -> None:
    work = Work()
    ids = {server: board.begin(plan(1, server=server)) for server in (SERVER, OTHER_SERVER)}
    with working(database, board, work, only) as worker:
        for server in taken:
            over(board, ids[server])
        until(worker.idle)
    assert {each.server for each in work.items} == taken


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({}, True, id="the same"),
        pytest.param({"instant": "2027-01-01T00:00:00Z"}, True, id="the same range at another instant"),
        pytest.param({"asked": "2026-01-01"}, False, id="another range"),
        pytest.param({"server": OTHER_SERVER}, False, id="another server"),
    ],
)
def test_one_run_of_a_range(board: Board, change: dict[str, str], same: bool) -> None:
    first = plan(2)
    other = replace(first, **change)  # type: ignore[arg-type] # by name
    begun = board.begin(first)
    known = board.unfinished(other.server, other.asked)
    assert (known is not None and known.id == begun) is same
    assert (board.begin(other) == begun) is same, "also when two begin at once"


def test_a_cancelled_run_leaves_its_range_free(database: str, board: Board) -> None:
    work = Work()
    work.released.clear()
    id = board.begin(plan(3))
    with working(database, board, work):
        work.begun.wait(30)
        board.cancel(id)
        assert over(board, id).state is State.CANCELLED
        assert board.unfinished(SERVER, None) is None
        assert board.begin(plan(3)) != id
        board.drop(id)
        assert (board.run(id), board.items(id)) == (None, [])


@pytest.mark.parametrize(
    ("asked", "fails", "reached"),
    [
        pytest.param(None, False, True, id="everything"),
        pytest.param("auto", False, True, id="what was new"),
        pytest.param("2025-01-01", False, False, id="a part"),
        pytest.param(None, True, False, id="incomplete"),
    ],
)
def test_how_far_a_server_is_answered(
    database: str, board: Board, asked: str | None, fails: bool, reached: bool
) -> None:
    work = Work()
    work.failing = {1: [AWAY] * MOST_ATTEMPTS if fails else []}
    with working(database, board, work):
        over(board, board.begin(plan(1, asked=asked)))
    assert (board.reached(SERVER, OURS) is not None) is reached
    assert board.reached(OTHER_SERVER, OURS) is None
    assert board.reached(SERVER, OTHERS) is None, "what other rules answered, ours did not"


@pytest.mark.parametrize(
    ("before", "after", "stands"),
    [
        pytest.param({"basis": OTHERS}, {}, True, id="other rules before"),
        pytest.param({}, {"basis": OTHERS, "asked": "2025-01-01"}, False, id="other rules after, of a part"),
        pytest.param({}, {"basis": OTHERS}, False, id="other rules after, of everything"),
        pytest.param({}, {"basis": OTHERS, "server": OTHER_SERVER}, True, id="another server"),
        pytest.param({}, {"asked": "2025-01-01"}, True, id="the same rules"),
    ],
)
@pytest.mark.parametrize("ends", [True, False], ids=["cancelled", "unfinished"])
def test_a_later_run_by_other_rules_voids_what_was_reached(
    database: str, board: Board, before: dict[str, Any], after: dict[str, Any], stands: bool, ends: bool
) -> None:
    if before:
        board.cancel(board.begin(plan(1, **before)))
    with working(database, board, Work()):
        over(board, board.begin(plan(1)))
    instant = time.time()
    assert board.reached(SERVER, OURS) is not None
    assert not board.others_worked(SERVER, OURS, instant)
    if after:
        later = board.begin(plan(1, **after))
        if ends:
            board.cancel(later)
    assert (board.reached(SERVER, OURS) is not None) is stands
    assert board.others_worked(SERVER, OURS, instant) is not stands
