"""What arrives together is stored together, and nobody hears of success before it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from adapter.notifications.model import Heard
from adapter.receiver.work.group_commit import GroupCommit, NotStored


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Store:
    """Notes each group; the first waits until it is let go, so that others gather behind it."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun, self.released = threading.Event(), threading.Event()
        self.fails = False

    def __call__(self, hints: list[str], _heard: list[Heard]) -> None:
        self.begun.set()
        self.released.wait(10)
        if self.fails:
            raise OSError("disk full: /secret/path")
        self.groups.append(hints)


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for happens on another thread
        await asyncio.sleep(0.005)


@pytest.mark.anyio
async def test_a_burst_costs_two_transactions_and_names_each_hint_once() -> None:
    store = Store()
    commits = GroupCommit(store)
    first = asyncio.create_task(commits.commit(["Claim/0"]))
    await until(store.begun.is_set)
    others = [asyncio.create_task(commits.commit([f"Claim/{number % 3}"])) for number in range(100)]
    await asyncio.sleep(0.05)
    assert not any(each.done() for each in [first, *others])
    store.released.set()
    await asyncio.gather(first, *others)
    assert store.groups == [["Claim/0"], ["Claim/0", "Claim/1", "Claim/2"]]


@pytest.mark.anyio
async def test_one_alone_is_stored_at_once() -> None:
    store = Store()
    store.released.set()
    commits = GroupCommit(store)
    await commits.commit(["Claim/1"])
    await commits.commit(["Claim/2"])
    assert store.groups == [["Claim/1"], ["Claim/2"]]


@pytest.mark.anyio
async def test_a_group_that_is_not_stored_fails_for_each_sender_and_the_next_one_heals() -> None:
    store = Store()
    store.released.set()
    store.fails = True
    commits = GroupCommit(store)
    outcomes = await asyncio.gather(*(commits.commit([f"Claim/{n}"]) for n in range(3)), return_exceptions=True)
    assert [str(each) for each in outcomes] == ["the database could not be written"] * 3
    assert not commits.healthy
    store.fails = False
    await commits.commit(["Claim/1"])
    assert commits.healthy


@pytest.mark.anyio
async def test_a_database_that_does_not_answer_is_not_waited_for_without_end() -> None:
    store = Store()
    commits = GroupCommit(store, seconds=0.05)
    with pytest.raises(NotStored, match=r"longer than 0\.05 s"):
        await commits.commit(["Claim/1"])
    assert not commits.healthy
    store.released.set()
    await until(lambda: commits.healthy)
    assert store.groups == [["Claim/1"]]


@pytest.mark.anyio
async def test_beyond_the_most_that_may_wait_a_sender_is_asked_to_come_again() -> None:
    store = Store()
    commits = GroupCommit(store, most=1)
    first = asyncio.create_task(commits.commit(["Claim/1"]))
    await until(store.begun.is_set)
    second = asyncio.create_task(commits.commit(["Claim/2"]))
    await asyncio.sleep(0)
    with pytest.raises(NotStored, match="too many"):
        await commits.commit(["Claim/3"])
    store.released.set()
    await asyncio.gather(first, second)
    assert store.groups == [["Claim/1"], ["Claim/2"]]
