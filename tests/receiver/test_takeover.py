"""What a process began that is gone is taken up by another; what one is working on that is there is left to it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from receiver.test_worker import Work, until

from adapter.durable import engine as engine_module
from adapter.durable import takeover as takeover_module
from adapter.durable.database import database_url
from adapter.durable.takeover import SILENCE_SECONDS, Takeover
from adapter.notifications.model import Heard
from adapter.receiver.work import worker as worker_module
from adapter.receiver.work.inbox import Inbox
from adapter.receiver.work.worker import Worker

ME, OTHER = "node-1/aaa", "node-2/bbb"


def note_nothing(_heard: Sequence[Heard]) -> None:
    """Event numbers are no matter here."""


class Rows(Inbox):
    """The rows of an inbox without a database."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.at_work: set[str] = set()
        self.removed: list[str] = []

    def show(self, process: str) -> None:
        self.rows[process] = f"{self.rows.get(process, '')}x"

    def shown(self) -> dict[str, str]:
        return dict(self.rows)

    def working(self) -> set[str]:
        return set(self.at_work)

    def remove(self, ids: object) -> None:
        self.removed += list(ids)  # type: ignore[call-overload]


class Watch:
    """A takeover whose clock is set by hand."""

    def __init__(self, rows: Rows) -> None:
        self.now = 0.0
        self.taken: list[str] = []
        self._takeover = Takeover(rows, ME, self._take, clock=lambda: self.now)

    def look_at(self, *instants: float) -> list[str]:
        for self.now in instants:
            self._takeover.look()
        return self.taken

    def succeed(self) -> list[str]:
        self._takeover.succeed()
        return self.taken

    def _take(self, gone: Sequence[str]) -> None:
        self.taken += gone


@pytest.mark.parametrize("shows_once", [True, False], ids=["seen once", "never seen"])
def test_who_shows_nothing_new_for_long_is_gone(shows_once: bool) -> None:
    rows = Rows()
    rows.at_work = {OTHER, ME}
    if shows_once:
        rows.show(OTHER)
    watch = Watch(rows)
    assert watch.look_at(0, SILENCE_SECONDS - 0.1) == []
    assert watch.look_at(SILENCE_SECONDS) == [OTHER]
    assert rows.removed == (["x"] if shows_once else [])


def test_who_shows_himself_anew_is_left_alone() -> None:
    rows = Rows()
    rows.at_work = {OTHER}
    watch = Watch(rows)
    for instant in range(0, 20 * int(SILENCE_SECONDS), 20):
        rows.show(OTHER)
        assert watch.look_at(instant) == []


def test_silence_is_counted_anew_after_each_sign() -> None:
    rows = Rows()
    rows.at_work = {OTHER}
    watch = Watch(rows)
    watch.look_at(0)
    rows.show(OTHER)
    assert watch.look_at(SILENCE_SECONDS - 1, 2 * SILENCE_SECONDS - 2) == []
    assert watch.look_at(2 * SILENCE_SECONDS - 1) == [OTHER]


@pytest.mark.parametrize(
    ("former", "taken"),
    [
        pytest.param("node-1/before", True, id="an earlier start of the same node"),
        pytest.param("node-1", True, id="of an earlier version"),
        pytest.param(OTHER, False, id="another node"),
        pytest.param("node-11/x", False, id="a name that begins alike"),
        pytest.param(ME, False, id="itself"),
    ],
)
def test_at_the_start_only_what_its_own_node_began_is_taken_up(former: str, taken: bool) -> None:
    rows = Rows()
    rows.at_work = {former}
    assert Watch(rows).succeed() == ([former] if taken else [])


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_url(None, tmp_path)


@pytest.fixture
def inbox(url: str) -> Iterator[Inbox]:
    """An inbox with the tables in place, and one group that another process has begun to work on."""
    with Inbox(url) as inbox:
        worker = Worker(url, inbox, Work(), note_nothing, "first")
        worker.start()
        worker.stop()
        inbox.put(["Claim/begun"])
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            db.execute("UPDATE workflow_status SET status = 'PENDING', executor_id = ?", (OTHER,))
            db.commit()
        yield inbox


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "GRACE_SECONDS", 0)
    monkeypatch.setattr(engine_module, "SHOWING_SECONDS", 0.05)


@pytest.mark.parametrize(("node", "silence"), [("node-2", SILENCE_SECONDS), ("node-3", 0.3)])
def test_the_work_of_a_dead_process_is_done(
    url: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, node: str, silence: float
) -> None:
    monkeypatch.setattr(takeover_module, "SILENCE_SECONDS", silence)
    work = Work()
    worker = Worker(url, inbox, work, note_nothing, node)
    with caplog.at_level(logging.WARNING):
        worker.start()
        until(lambda: work.calls == [["Claim/begun"]])
        until(lambda: not inbox.working())
    worker.stop()
    assert f"'processes': '{OTHER}'" in caplog.text


def test_while_one_process_works_the_others_wait(url: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover_module, "SILENCE_SECONDS", 1.0)
    ended, work = threading.Event(), Work()

    def show() -> None:
        while not ended.wait(0.1):
            inbox.show(OTHER)

    showing = threading.Thread(target=show)
    showing.start()
    worker = Worker(url, inbox, work, note_nothing, "node-3")
    worker.start()
    inbox.put(["Claim/later"])
    ended.wait(2)
    assert work.calls == []
    ended.set()
    showing.join()
    until(lambda: {hint for call in work.calls for hint in call} == {"Claim/begun", "Claim/later"})
    worker.stop()
