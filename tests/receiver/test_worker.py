"""What was stored is worked off: together, once, again after a failure, and what keeps failing is kept for a person."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from dbos import DBOS
from sqlalchemy.exc import OperationalError

from adapter.durable import pauses
from adapter.durable.database import database_url
from adapter.durable.pauses import pause
from adapter.errors import UsageError
from adapter.notifications.model import Heard, Kind
from adapter.receiver.work import worker as worker_module
from adapter.receiver.work.inbox import QUEUE, Inbox
from adapter.receiver.work.worker import MOST_ATTEMPTS, ServerAway, Worker


class Work:
    """Stands for the reconciliation: notes each call, holds the first one up until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.heard: list[Heard] = []
        self.begun, self.released = threading.Event(), threading.Event()
        self.released.set()
        self.failing: set[str] = set()
        self.away = self.breaking = False

    def __call__(self, hints: Sequence[str]) -> Mapping[str, str]:
        self.calls.append(list(hints))
        self.begun.set()
        self.released.wait(20)
        if self.away:
            raise ServerAway("it is away")
        if self.breaking:
            raise KeyError("Jane Doe")
        return {each: "it is bad" for each in hints if each in self.failing}


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_url(None, tmp_path / "state")


@pytest.fixture
def inbox(url: str) -> Iterator[Inbox]:
    with Inbox(url) as inbox:
        yield inbox


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def worker(url: str, inbox: Inbox, work: Work, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(pauses, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(worker_module, "GRACE_SECONDS", 0)
    worker = Worker(url, inbox, work, work.heard.extend, "local")
    worker.start()
    yield worker
    work.released.set()
    worker.stop()


@pytest.mark.usefixtures("worker")
def test_a_burst_behind_a_running_group_is_one_piece_of_work_with_each_hint_once(inbox: Inbox, work: Work) -> None:
    work.released.clear()
    inbox.put(["Claim/first"])
    until(work.begun.is_set)
    for number in range(30):
        inbox.put([f"Claim/{number % 3}", "Claim/first"])
    work.released.set()
    until(lambda: len(work.calls) > 1 and not inbox.waiting())
    assert work.calls == [["Claim/first"], ["Claim/0", "Claim/first", "Claim/1", "Claim/2"]]


@pytest.mark.usefixtures("worker")
def test_what_was_heard_of_subscriptions_comes_out_as_it_went_in(inbox: Inbox, work: Work) -> None:
    heard = [
        Heard("claims", 5.5, "s1", numbers=(7, 8), since_start=8, period=60),
        Heard("claims", 6.5, "s1", Kind.HEARTBEAT, since_start=9),
    ]
    inbox.put([], heard)
    until(lambda: bool(work.heard))
    assert work.heard == heard
    until(lambda: not inbox._client.list_workflows(status="PENDING"))
    assert work.calls == [], "there was nothing to reconcile"


def test_numbers_that_cannot_be_noted_hold_up_no_claim(url: str, inbox: Inbox, work: Work) -> None:
    def broken(_heard: Sequence[Heard]) -> None:
        raise OSError("disk full")

    worker = Worker(url, inbox, work, broken, "local")
    worker.start()
    inbox.put(["Claim/1"], [Heard("claims", 1.0)])
    until(lambda: work.calls == [["Claim/1"]])
    worker.stop()


@pytest.mark.usefixtures("worker")
def test_what_fails_is_tried_again_by_itself(inbox: Inbox, work: Work) -> None:
    work.failing = {"Claim/bad"}
    inbox.put(["Claim/good", "Claim/bad"])
    until(lambda: len(work.calls) == 2)
    work.failing = set()
    until(lambda: len(work.calls) == 3)
    assert work.calls == [["Claim/good", "Claim/bad"], ["Claim/bad"], ["Claim/bad"]]
    assert inbox.failures() == []


@pytest.mark.usefixtures("worker")
def test_what_keeps_failing_waits_for_a_person_who_retries_or_drops_it(inbox: Inbox, work: Work) -> None:
    work.failing = {"Claim/bad"}
    inbox.put(["Claim/bad", "Claim/good"])
    until(lambda: bool(inbox.failures()))
    (failure,) = inbox.failures()
    assert (failure.hint, failure.attempts, failure.reason) == ("Claim/bad", MOST_ATTEMPTS, "it is bad")
    assert len(work.calls) == 1 + MOST_ATTEMPTS
    work.failing = set()
    inbox.retry(failure)
    until(lambda: len(work.calls) == 2 + MOST_ATTEMPTS)
    assert inbox.failures() == []


@pytest.mark.usefixtures("worker")
def test_what_was_given_up_and_succeeds_by_a_later_notification_is_no_failure_any_more(
    inbox: Inbox, work: Work
) -> None:
    work.failing = {"Claim/bad", "Claim/worse"}
    inbox.put(["Claim/bad", "Claim/worse"])
    until(lambda: len(inbox.failures()) == 2)
    work.failing = {"Claim/worse"}
    inbox.put(["Claim/bad"])
    until(lambda: [each.hint for each in inbox.failures()] == ["Claim/worse"])


@pytest.mark.usefixtures("worker")
def test_while_the_server_is_away_nothing_counts_as_a_failure(inbox: Inbox, work: Work) -> None:
    work.away = True
    inbox.put(["Claim/1"])
    until(lambda: len(work.calls) > MOST_ATTEMPTS + 1)
    work.away = False
    seen = len(work.calls)
    until(lambda: len(work.calls) > seen)
    inbox.put(["Claim/2"])
    until(lambda: work.calls[-1] == ["Claim/2"])
    assert inbox.failures() == []


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("asked", ["waiting", "put_later", "succeeded", "remove", "remove_finished"])
def test_a_database_that_is_away_for_a_moment_gives_no_group_up(
    inbox: Inbox, work: Work, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    ask, times = getattr(inbox, asked), iter(range(3))

    def broken(*arguments: object) -> object:
        if next(times, None) is not None:
            raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))
        return ask(*arguments)

    monkeypatch.setattr(inbox, asked, broken)
    work.failing = {"Claim/1"}
    inbox.put(["Claim/1"])
    until(lambda: len(work.calls) > 1)
    assert next(times, None) is None
    assert "ERROR" not in {row.status for row in inbox._client.list_workflows()}


@pytest.mark.usefixtures("worker")
def test_a_fault_of_ours_gives_each_hint_its_attempts(inbox: Inbox, work: Work) -> None:
    work.breaking = True
    inbox.put(["Claim/1", "Claim/2"])
    until(lambda: len(inbox.failures()) == 2)
    reasons = {each.hint: (each.attempts, each.reason) for each in inbox.failures()}
    assert reasons.keys() == {"Claim/1", "Claim/2"}
    for attempts, reason in reasons.values():
        assert attempts == MOST_ATTEMPTS
        assert reason.startswith("internal error, please report it: KeyError at test_worker.py")


@pytest.mark.usefixtures("worker")
def test_what_is_worked_off_leaves_nothing_behind_but_the_last_group(inbox: Inbox, work: Work) -> None:
    for number in range(5):
        inbox.put([f"Claim/{number}"])
        until(lambda: bool(work.calls and work.calls[-1] == [f"Claim/{number}"]))  # noqa: B023 - asked in this round
    rows = inbox._client.list_workflows(queue_name=QUEUE)
    assert len(rows) <= 2


def test_what_was_begun_when_the_process_ended_begins_anew(url: str, inbox: Inbox, work: Work) -> None:
    work.released.clear()
    first = Worker(url, inbox, work, work.heard.extend, "local")
    first.start()
    inbox.put(["Claim/1"])
    until(work.begun.is_set)
    inbox.put(["Claim/2"])
    DBOS.destroy(destroy_registry=True)  # as if it were gone, with its work half done
    work.released.set()
    later = Work()
    second = Worker(url, inbox, later, later.heard.extend, "local")
    second.start()
    until(lambda: {hint for call in later.calls for hint in call} == {"Claim/1", "Claim/2"})
    second.stop()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_put_into_a_file_that_is_deleted(url: str, inbox: Inbox, replaced: bool) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    inbox.put(["Claim/1"])
    path.rename(path.with_suffix(".away"))
    if replaced:
        path.touch()
    for ask in (inbox.check, lambda: inbox.put(["Claim/2"])):
        with pytest.raises(OSError, match="deleted or replaced"):
            ask()
    path.with_suffix(".away").replace(path)
    inbox.put(["Claim/2"])


@pytest.mark.parametrize("attempt", [1, 2, 8, 9, 10_000])
def test_waits_grow_to_a_limit_and_are_never_quite_the_same(attempt: int) -> None:
    waits = {pause(attempt) for _ in range(20)}
    longest = 2.0 * 2 ** min(attempt - 1, 7)
    assert len(waits) > 1
    assert longest / 2 <= min(waits) <= max(waits) <= longest


@pytest.mark.parametrize("written", ["mysql://x", "sqlite://", "", "postgres"])
def test_other_databases_are_refused(written: str, tmp_path: Path) -> None:
    if written:
        with pytest.raises(UsageError, match="ADAPTER_DATABASE_URL"):
            database_url(written, tmp_path)
    else:
        assert database_url(written, tmp_path) == f"sqlite:///{tmp_path}/notifications.sqlite"


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"notifications\.sqlite cannot be opened"):
        database_url(None, tmp_path / "file")


def test_the_database_is_nobody_elses_business(tmp_path: Path) -> None:
    database_url(None, tmp_path)
    assert (tmp_path / "notifications.sqlite").stat().st_mode & 0o077 == 0
