"""Runs of one process over a server without batches: what they have done with is not decided again in the overlap."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import pytest
from receiver.fhir_server import FhirServer
from sync.test_since_last import APPROVED, Dated, Json, a_run, decided, story

from adapter.sync import settled
from adapter.sync.settled import Settled, version_of


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> FhirServer:
    server = FhirServer()
    server.put(*story(APPROVED))
    return server


class Watching:
    """``--watch``, with an overlap that no run of the test leaves behind."""

    def __init__(self, server: FhirServer, ledger: Path) -> None:
        self.server, self.ledger, self.memory = server, ledger, Settled()

    async def look(self) -> set[str | None]:
        """The claims that one more run decides."""
        async with a_run(Dated(self.server), self.ledger) as run:
            run.settled = self.memory
            return decided(await run.changed())

    async def until_quiet(self) -> int:
        """Runs that decided something."""
        for number in range(10):
            if not await self.look():
                return number
        raise AssertionError("it decides the same again and again")


@pytest.fixture
def watch(server: FhirServer, tmp_path: Path) -> Watching:
    return Watching(server, tmp_path / "ledger.sqlite")


@pytest.mark.anyio
async def test_two_more_runs_decide_what_the_first_did_and_then_none(watch: Watching) -> None:
    assert [await watch.look() for _ in range(4)] == [{APPROVED}] * 3 + [set()]
    watch.memory = Settled()  # another process
    assert await watch.look() == {APPROVED}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["Claim", "Coverage"])
async def test_a_new_version_is_another_change(watch: Watching, kind: str) -> None:
    await watch.until_quiet()
    for each in story(APPROVED):
        if each["resourceType"] == kind:
            watch.server.put(each)
    assert await watch.look() == {APPROVED}
    assert await watch.until_quiet() == 1


@pytest.mark.anyio
async def test_a_deletion_leads_to_its_claim_until_it_is_done_with(watch: Watching) -> None:
    await watch.until_quiet()
    visit = next(each for each in story(APPROVED) if each["resourceType"] == "Encounter")
    watch.server.remove(f"Encounter/{visit['id']}")
    assert [await watch.look() for _ in range(3)] == [{APPROVED}] * 3  # nothing tells it from another deletion
    watch.server.told_of_deletions = {"lastModified": "2026-03-01T12:00:00Z"}
    assert [await watch.look() for _ in range(3)] == [{APPROVED}] * 2 + [set()]
    watch.server.told_of_deletions = {"lastModified": "2026-03-01T12:00:01Z"}
    assert await watch.look() == {APPROVED}


@pytest.mark.anyio
async def test_a_run_that_left_a_claim_unanswered_has_done_with_nothing(
    watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watch.look()
    (claim,) = (each for each in story(APPROVED) if each["resourceType"] == "Claim")
    watch.server.put(claim | {"status": "cancelled"})
    with monkeypatch.context() as patch:
        patch.setattr(FhirServer, "_entry", lambda _server, _entry: {"response": {"status": "422"}})
        for _ in range(3):
            await watch.look()
    assert watch.server.answers()[APPROVED][0]["status"] == "active"
    await watch.look()
    assert watch.server.answers()[APPROVED][0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("runs", "done"),
    [
        ([], False),
        (["a"], False),
        (["a", "a"], True),
        (["a", "a", "b"], True),
        (["a", "b", "a"], True),
        (["ab", "b"], False),
        (["a", "(a)"], False),
        ([None, None, None], False),
    ],
)
def test_what_two_complete_runs_have_seen_is_done(runs: Sequence[str | None], done: bool) -> None:
    """Each run sees the changes of its letters; one in brackets was not complete."""
    memory = Settled()
    for each in runs:
        memory.begin()
        for change in [None] if each is None else each.strip("()"):
            memory.is_done(change)
        if each is None or "(" not in each:
            memory.finish()
    memory.begin()
    assert memory.is_done(None if runs and runs[0] is None else "a") is done


def test_of_too_many_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "MOST_SETTLED", 2)
    memory = Settled()
    for _ in range(2):
        for change in "abc":
            memory.is_done(change)
        memory.finish()
    assert [memory.is_done(each) for each in "abc"] == [False, True, True]


@pytest.mark.parametrize(
    ("meta", "named"),
    [
        ({"versionId": "1"}, True),
        ({"lastUpdated": "2026-03-01T12:00:00Z"}, True),
        ({"profile": []}, False),
        (None, False),
        ("none", False),
    ],
)
def test_only_a_version_that_the_server_tells_has_a_name(meta: Any, named: bool) -> None:
    claim: Json = {"resourceType": "Claim", "id": "a", "meta": meta}
    name: Hashable | None = version_of(claim)
    assert (name is not None) is named
