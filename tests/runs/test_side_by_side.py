"""Claims of one patient that two workers decide at the same time: whoever is first, all ends as if one had done it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers.story_stages import FIXTURES, NOW, shipped
from receiver.fhir_server import FhirServer

from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.server import ServerSource
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Report
from adapter.sync.server import sync_server

Json = dict[str, Any]
STORY = "0592t-approved"
RELATION = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"


class Uneven(httpx.ASGITransport):
    """Each request takes another while, so that the requests of two workers fall between each other in many ways."""

    def __init__(self, server: FhirServer, chance: random.Random) -> None:
        super().__init__(app=server.app())
        self._chance = chance

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(self._chance.randrange(12)):
            await asyncio.sleep(0)
        return await super().handle_async_request(request)


def world() -> FhirServer:
    """A claim, one that replaces it, and one for the same day, all of one patient."""
    server = FhirServer()
    bundle = json.loads((FIXTURES / "stories" / STORY / "0_bundle.json").read_text())
    resources: list[Json] = [entry["resource"] for entry in bundle["entry"]]
    (claim,) = (each for each in resources if each["resourceType"] == "Claim")
    relationship = {"coding": [{"system": RELATION, "code": "prior"}]}
    prior = {"claim": {"reference": f"Claim/{claim['id']}"}, "relationship": relationship}
    successor = {**claim, "id": "successor", "identifier": [{"system": "urn:x", "value": "s"}], "related": [prior]}
    twin = {**claim, "id": "twin", "identifier": [{"system": "urn:x", "value": "t"}]}
    server.put(*resources, successor, twin)
    return server


@asynccontextmanager
async def worker(server: FhirServer, folder: Path, chance: random.Random) -> AsyncIterator[Reconciler]:
    adjudicator = shipped().only("r4")
    transport = Uneven(server, chance)
    async with FhirClient("http://fhir.test", transport=transport) as client:
        with Ledger(folder / f"{chance.random()}.sqlite") as ledger:
            source = ServerSource(client, adjudicator.mappings.plan, codes=sorted(adjudicator.mappings.scope))
            instant = datetime.fromisoformat(NOW)
            sink = ServerSink(client, adjudicator.identifier_system, ledger, instant)
            yield Reconciler(source, sink, adjudicator, instant)


async def look(server: FhirServer, folder: Path, chance: random.Random, claim: str) -> Report:
    async with worker(server, folder, chance) as reconciler:
        return await sync_server(reconciler, since=None, ids=[claim], tell=lambda *_: None)


def ended(server: FhirServer) -> dict[str, Json]:
    answers = server.answers()
    assert {claim: len(several) for claim, several in answers.items()} == dict.fromkeys(answers, 1)
    return {
        claim: {name: value for name, value in each.items() if name not in ("id", "meta")}
        for claim, (each,) in answers.items()
    }


@pytest.mark.parametrize("seed", range(12))
def test_all_ends_as_if_one_had_done_it(tmp_path: Path, seed: int) -> None:
    claims = [STORY, "successor", "twin"]

    async def one_after_the_other(server: FhirServer) -> None:
        for claim in [*claims, "successor"]:
            await look(server, tmp_path, random.Random(0), claim)

    async def side_by_side(server: FhirServer) -> list[Report]:
        chance = [random.Random(f"{seed} {number}") for number in range(4)]
        reports = await asyncio.gather(
            *(look(server, tmp_path, each, claim) for each, claim in zip(chance[:3], claims, strict=True))
        )
        return [*reports, await look(server, tmp_path, chance[-1], "successor")]

    alone, together = world(), world()
    asyncio.run(one_after_the_other(alone))
    reports = asyncio.run(side_by_side(together))
    assert ended(together) == ended(alone)
    assert [each.unanswered for each in reports] == [[]] * 4
    assert ended(together)[STORY]["status"] == "cancelled"


@pytest.mark.parametrize("seed", range(6))
def test_one_claim_that_two_decide_has_one_answer_written_once(tmp_path: Path, seed: int) -> None:
    """As when a worker that was taken for dead comes back."""
    server = world()

    async def both() -> None:
        chance = [random.Random(f"{seed} {number}") for number in range(2)]
        await asyncio.gather(*(look(server, tmp_path, each, "twin") for each in chance))

    asyncio.run(both())
    (answer,) = server.answers()["twin"]
    assert server.writes[f"ClaimResponse/{answer['id']}"] == 1
    assert server.repeated == []
