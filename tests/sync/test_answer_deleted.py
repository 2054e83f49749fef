"""An answer of ours that somebody deletes on the server is noticed by ``--since auto``, and given again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from receiver.fhir_server import FhirServer
from sync.test_since_last import APPROVED, SHORT, Dated, a_run, changed, decided, story

from adapter.sources.refusals import Unserved
from adapter.sources.server import ServerSource
from adapter.sync.answers_there import AnswersThere
from adapter.sync.changes import ANSWER, Changes
from adapter.sync.reconciler import Reconciler


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> FhirServer:
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT))
    server.with_history = server.with_history | {ANSWER}
    return server


async def settled(server: FhirServer, ledger: Path) -> None:
    for _ in range(2):  # the clock of a head counts seconds
        await changed(server, ledger, overlap=0)
        await asyncio.sleep(1.1)


@pytest.mark.anyio
async def test_its_claim_is_answered_again(server: FhirServer, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    await settled(server, ledger)
    (gone,) = server.answers()[APPROVED]
    server.remove(f"{ANSWER}/{gone['id']}")
    assert decided(await changed(server, ledger, overlap=0)) == {APPROVED}
    assert {claim: len(found) for claim, found in server.answers().items()} == {APPROVED: 1, SHORT: 1}


@pytest.mark.anyio
@pytest.mark.parametrize("told", [{}, {"lastModified": "2999-01-01T00:00:00Z"}], ids=["no time told", "later"])
async def test_many_deletions_of_one_patient_are_looked_into_once(
    server: FhirServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    ledger = tmp_path / "ledger.sqlite"
    patient = {"patient": {"reference": "Patient/of-both"}}
    claims = [{**each, **patient} for name in (APPROVED, SHORT) for each in story(name) if each["id"] == name]
    server.put(*claims)
    await settled(server, ledger)
    server.told_of_deletions = told
    for (gone,) in server.answers().values():
        server.remove(f"{ANSWER}/{gone['id']}")
    monkeypatch.setattr("adapter.sync.changes.MOST_GONE", 1)  # so that each leads to both claims by itself
    report = await changed(server, ledger, overlap=0)
    assert (decided(report), report.tally.claims) == ({APPROVED, SHORT}, 2)


@pytest.mark.anyio
async def test_the_claim_of_a_patient_who_is_nowhere_is_answered_again(server: FhirServer, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    claim = next(each for each in story(SHORT) if each["resourceType"] == "Claim")
    server.put({**claim, "patient": {"identifier": {"system": "urn:members", "value": "nobody"}}})
    await settled(server, ledger)
    (gone,) = server.answers()[SHORT]
    server.remove(f"{ANSWER}/{gone['id']}")
    assert SHORT in decided(await changed(server, ledger, overlap=0))
    assert len(server.answers()[SHORT]) == 1


@pytest.mark.anyio
async def test_a_server_that_forgets_what_an_answer_said_has_its_provenance(
    server: FhirServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgotten(_source: ServerSource, _names: Sequence[tuple[str, str]]) -> list[Any]:
        return []

    ledger = tmp_path / "ledger.sqlite"
    await settled(server, ledger)
    (gone,) = server.answers()[APPROVED]
    server.remove(f"{ANSWER}/{gone['id']}")
    monkeypatch.setattr(ServerSource, "last_versions", forgotten)
    assert decided(await changed(server, ledger, overlap=0)) == {APPROVED}


class NoHistoryOfAnswers(Dated):
    """Breaks when asked which answers were deleted."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == f"/{ANSWER}/_history":
            return httpx.Response(500)
        return await super().handle_async_request(request)


@pytest.mark.anyio
async def test_a_server_that_cannot_list_them_is_told_of_and_stops_no_decision(
    server: FhirServer, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.sqlite"
    await settled(server, ledger)
    server.put(next(each for each in story(SHORT) if each["resourceType"] == "Claim"))
    async with a_run(NoHistoryOfAnswers(server), ledger, overlap=0) as run:
        report = await run.changed()
    assert (report.complete, decided(report)) == (True, {SHORT})
    assert any(f"{ANSWER}/_history" in each for each in report.warnings)


class Counting:
    """A server that counts our answers so, one count after another, and then tells what was deleted."""

    def __init__(self, counts: Sequence[int | None], deleted: Sequence[str] | None, asked: list[str]) -> None:
        self._counts, self._deleted, self._asked = list(counts), deleted, asked

    async def count(self, _kind: str, _query: Any) -> int | None:
        self._asked.append("count")
        return self._counts.pop(0)

    async def deletions_told(self, _kind: str, _since: str) -> Sequence[str]:
        self._asked.append("deletions")
        if self._deleted is None:
            raise Unserved("no history today")
        return self._deleted


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("counts", "created", "deleted", "taken"),
    [
        pytest.param((5, 7), 2, [], True, id="as many more as were created"),
        pytest.param((5, 5), 0, [], True, id="none created, none gone"),
        pytest.param((5, 6), 2, [], False, id="one was deleted meanwhile"),
        pytest.param((5, 8), 2, [], False, id="somebody else created one"),
        pytest.param((5, 7), 2, ["ClaimResponse/1"], False, id="one was deleted, and somebody else created one"),
        pytest.param((5, 7), 2, None, False, id="nobody tells what was deleted"),
        pytest.param((None, 7), 2, [], False, id="not counted before"),
        pytest.param((5, None), 2, [], False, id="not counted after"),
    ],
)
async def test_the_end_of_a_run_is_only_known_where_nothing_was_deleted_in_it(
    monkeypatch: pytest.MonkeyPatch,
    counts: Sequence[int | None],
    created: int,
    deleted: Sequence[str] | None,
    taken: bool,
) -> None:
    asked: list[str] = []

    async def yes(_changes: object, _kind: str) -> bool:
        return True

    async def mark(_changes: object, since: str) -> dict[str, str]:
        asked.append("mark")
        return {ANSWER: f"at the end, since {since}"}

    monkeypatch.setattr(Changes, "tells_deletions", yes)
    monkeypatch.setattr(Changes, "mark_of_answers", mark)
    plan = SimpleNamespace(watched=frozenset[str]())
    client = Counting(counts, deleted, asked)
    sink = SimpleNamespace(client=client, created=created, identifier_system="urn:x")
    there = AnswersThere(cast(Reconciler, SimpleNamespace(source=SimpleNamespace(plan=plan), sink=sink, dry_run=False)))
    await there.begin()
    marks = await there.marks({"Claim": "a", ANSWER: "when it began"}, "2026")
    assert marks == {"Claim": "a"} | ({ANSWER: "at the end, since 2026"} if taken else {})
    if taken:
        assert asked == ["count", "mark", "count", "deletions"], "what is deleted after the mark is news by it"
