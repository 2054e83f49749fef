"""From hints to answers on the server, by the very path of ``sync``; one bad record holds up no other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers.story_stages import FIXTURES, shipped
from receiver.fhir_server import FhirServer

from adapter.errors import SourceError
from adapter.evidence.store import EvidenceStore, Located
from adapter.receiver.work.answering import CHECKPOINT, Answering
from adapter.receiver.work.worker import ServerAway
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.refusals import Overloaded
from adapter.sources.server import ServerSource
from adapter.sync.reconciler import Reconciler

BASE = "http://fhir.test"
APPROVED, SHORT = "0592t-approved", "0592t-29-minutes"
Json = dict[str, Any]


def story(name: str) -> list[Json]:
    bundle = json.loads((FIXTURES / "stories" / name / "0_bundle.json").read_text())
    return [entry["resource"] for entry in bundle["entry"]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class World:
    """A server with two claims, and what answers them."""

    def __init__(self, client: FhirClient, server: FhirServer, ledger: Ledger) -> None:
        self.client, self.server, self.ledger = client, server, ledger
        self.answering = Answering(client, ledger, self._reconciler, 100)

    async def _reconciler(self) -> Reconciler:
        await self.client.capabilities()
        adjudicator = shipped().only("r4")
        source = ServerSource(self.client, adjudicator.mappings.plan, codes=sorted(adjudicator.mappings.scope))
        now = datetime.now(UTC)
        sink = ServerSink(self.client, adjudicator.identifier_system, self.ledger, now)
        return Reconciler(source, sink, adjudicator, now)

    def outcomes(self) -> dict[str, str]:
        return {claim: each["outcome"] for claim, (each,) in self.server.answers().items()}

    def written(self) -> dict[str, int]:
        return {claim: self.server.writes[f"ClaimResponse/{each['id']}"] for claim, (each,) in self._answers()}

    def _answers(self) -> list[tuple[str, list[Json]]]:
        return sorted(self.server.answers().items())


@pytest.fixture
async def world(anyio_backend: str, tmp_path: Path) -> AsyncIterator[World]:
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT))
    transport = httpx.ASGITransport(server.app())
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            yield World(client, server, ledger)


def claim_of(name: str) -> str:
    return next(f"Claim/{each['id']}" for each in story(name) if each["resourceType"] == "Claim")


@pytest.mark.anyio
async def test_a_claim_is_answered_and_the_same_hint_again_writes_nothing(world: World) -> None:
    for _ in range(3):
        assert await world.answering.reconcile([claim_of(APPROVED)]) == {}
    assert world.outcomes() == {APPROVED: "complete"}
    assert world.written() == {APPROVED: 1}


@pytest.mark.anyio
async def test_that_nothing_of_a_kind_is_served_any_more_is_no_failure_of_a_claim(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overloaded(*_anything: object) -> None:
        raise Overloaded("nothing but 503")

    monkeypatch.setattr(Reconciler, "reconcile", overloaded)
    for _ in range(3):
        with pytest.raises(ServerAway, match="nothing but 503"):
            await world.answering.reconcile([claim_of(APPROVED)])


@pytest.mark.anyio
async def test_a_claim_that_was_pended_resolves_itself_when_its_visit_arrives(world: World) -> None:
    late = [each for each in story(APPROVED) if each["resourceType"] in ("Encounter", "Procedure")]
    for each in late:
        del world.server.resources[f"{each['resourceType']}/{each['id']}"]
    await world.answering.reconcile([claim_of(APPROVED)])
    assert world.outcomes() == {APPROVED: "partial"}
    world.server.put(*late)
    await world.answering.reconcile([f"{each['resourceType']}/{each['id']}" for each in late])
    assert world.outcomes() == {APPROVED: "complete"}


@pytest.mark.anyio
async def test_what_another_adapter_decided_meanwhile_on_newer_evidence_is_not_written_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We read the claim and its visit; then the claim changes, another adapter answers it, and only now we decide."""
    claim, gather = world.server.resources[claim_of(APPROVED)], ServerSource.gather
    world.server.put(claim | {"item": [{**claim["item"][0], "quantity": {"value": 2}}]})

    async def slowly(source: ServerSource, claims: Sequence[Located]) -> EvidenceStore:
        monkeypatch.setattr(ServerSource, "gather", gather)
        store = await gather(source, claims)
        world.server.put(claim)
        await world.answering.reconcile([claim_of(APPROVED)])
        return store

    monkeypatch.setattr(ServerSource, "gather", slowly)
    assert await world.answering.reconcile([claim_of(APPROVED)]) == {}
    assert (world.outcomes(), world.written()) == ({APPROVED: "complete"}, {APPROVED: 1})


@pytest.mark.anyio
async def test_a_claim_that_can_no_longer_be_processed_takes_its_earlier_answer_back_until_it_can(world: World) -> None:
    hint = claim_of(APPROVED)
    claim = world.server.resources[hint]
    await world.answering.reconcile([hint])
    world.server.put({**claim, "status": "not-a-status"})
    for _ in range(2):
        assert await world.answering.reconcile([hint]) == {}
        (response,) = world.server.answers()[APPROVED]
        assert (response["status"], response["disposition"].partition(":")[0]) == ("cancelled", "Withdrawn")
        assert len(world.ledger.outcomes(BASE)) == 1
    assert len(world.server.of("Provenance")) == 2, "one for each write"
    world.server.put(claim)
    await world.answering.reconcile([hint])
    (response,) = world.server.answers()[APPROVED]
    assert (response["status"], response["outcome"]) == ("active", "complete")
    assert world.ledger.outcomes(BASE) == []


@pytest.mark.anyio
async def test_a_sender_that_says_only_that_something_changed_gets_all_that_is_new(world: World) -> None:
    assert await world.answering.reconcile(["*"]) == {}
    assert world.outcomes() == {APPROVED: "complete", SHORT: "complete"}


@pytest.mark.anyio
async def test_a_sweep_finds_what_was_deleted(world: World) -> None:
    await world.answering.reconcile(["*"])
    world.server.remove(
        next(f"Coverage/{each['id']}" for each in story(APPROVED) if each["resourceType"] == "Coverage")
    )
    for each in world.server.resources.values():  # long unchanged, so that only the deletion can lead to the claim
        each["meta"]["lastUpdated"] = "2020-01-01T00:00:00+00:00"
    assert await world.answering.reconcile(["*"]) == {}
    assert world.outcomes()[APPROVED] == "partial"


@pytest.mark.anyio
async def test_the_checkpoint_moves_on_only_when_what_was_left_undone_is_kept(world: World) -> None:
    first = world.ledger.checkpoint(BASE, CHECKPOINT)
    world.client._wire.server_time = datetime(2030, 1, 1, tzinfo=UTC)  # the test server tells none
    await world.answering.reconcile(["*"])
    assert world.ledger.checkpoint(BASE, CHECKPOINT) == first
    await world.answering.reconcile([])
    assert world.ledger.checkpoint(BASE, CHECKPOINT) == "2029-12-31T23:59:30+00:00"


@pytest.mark.anyio
async def test_a_sweep_whose_claims_were_not_decided_is_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes away between what changed being read and the claims being decided."""
    first = world.ledger.checkpoint(BASE, CHECKPOINT)
    world.client._wire.server_time = datetime(2030, 1, 1, tzinfo=UTC)

    async def gone(*_: object) -> None:
        world.server.away = True
        raise SourceError("it is away")

    with monkeypatch.context() as broken:
        broken.setattr(Reconciler, "reconcile", gone)
        with pytest.raises(ServerAway):
            await world.answering.reconcile(["*"])
    world.server.away = False
    assert await world.answering.reconcile(["*"]) == {}
    assert world.ledger.checkpoint(BASE, CHECKPOINT) == first
    assert world.outcomes() == {APPROVED: "complete", SHORT: "complete"}


@pytest.mark.anyio
async def test_what_a_sweep_brought_to_an_end_the_next_one_does_not_decide_again(world: World) -> None:
    """Sweeps overlap; a version that was there before is passed over, a new one is not."""
    world.client._wire.server_time = datetime(2020, 1, 1, tzinfo=UTC)  # so that the checkpoint stays behind everything
    await world.answering.reconcile(["*"])
    world.server.searches.clear()
    await world.answering.reconcile(["*"])
    assert world.server.searches["ClaimResponse"] == 0
    hint = claim_of(APPROVED)
    world.server.put({**world.server.resources[hint], "status": "cancelled"})
    await world.answering.reconcile(["*"])
    ((response,),) = [each for claim, each in world.server.answers().items() if claim == APPROVED]
    assert response["status"] == "cancelled"


@pytest.mark.anyio
async def test_a_server_that_cannot_tell_what_changed_has_every_claim_looked_at(world: World) -> None:
    world.server.unknown = {"_lastUpdated"}
    assert await world.answering.reconcile(["*"]) == {}
    assert world.outcomes() == {APPROVED: "complete", SHORT: "complete"}


@pytest.mark.anyio
async def test_a_server_that_is_away_is_nobodys_fault(world: World) -> None:
    await world.answering.reconcile([])
    world.server.away = True
    with pytest.raises(ServerAway):
        await world.answering.reconcile([claim_of(APPROVED)])
    world.server.away = False
    assert await world.answering.reconcile([claim_of(APPROVED)]) == {}


@pytest.mark.anyio
async def test_a_record_that_the_server_chokes_on_is_named_and_told_why(world: World) -> None:
    world.server.refused = {claim_of(SHORT).partition("/")[2]}
    hints = [f"Claim/none-{number}" for number in range(20)]
    undone = await world.answering.reconcile([*hints, claim_of(APPROVED), claim_of(SHORT), *hints])
    assert undone == {claim_of(SHORT): "http://fhir.test answered 500 to a search of Claim"}
    assert world.outcomes() == {APPROVED: "complete"}


@pytest.mark.anyio
async def test_a_wire_that_broke_is_first_put_down_to_the_server_and_then_to_the_claim(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server came back between the fault and our asking; only what breaks the wire each time is to blame."""
    await world.answering.reconcile([])
    gather = ServerSource.gather

    async def broken(source: ServerSource, claims: Sequence[Located]) -> EvidenceStore:
        if SHORT in {each.id for each in claims}:
            raise SourceError("cannot connect to http://fhir.test")
        return await gather(source, claims)

    monkeypatch.setattr(ServerSource, "gather", broken)
    with pytest.raises(ServerAway, match="cannot connect"):
        await world.answering.reconcile([claim_of(APPROVED), claim_of(SHORT)])
    undone = await world.answering.reconcile([claim_of(APPROVED), claim_of(SHORT)])
    assert undone == {claim_of(SHORT): "cannot connect to http://fhir.test"}
    assert world.outcomes() == {APPROVED: "complete"}
    with pytest.raises(ServerAway, match="cannot connect"):
        await world.answering.reconcile([claim_of(SHORT)])


@pytest.mark.anyio
async def test_evidence_that_the_server_chokes_on_leaves_the_claims_undone(world: World) -> None:
    hint = claim_of(APPROVED)
    world.server.refused = {next(each["id"] for each in story(APPROVED) if each["resourceType"] == "Coverage")}
    assert set(await world.answering.reconcile([hint])) == {hint}


@pytest.mark.anyio
async def test_an_error_of_ours_is_told_without_its_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("Jane Doe")

    monkeypatch.setattr("adapter.sync.reconciler.decide", broken)
    undone = await world.answering.reconcile([claim_of(APPROVED)])
    assert "KeyError at test_answering.py" in undone[claim_of(APPROVED)]
    assert "Jane" not in str(undone)
