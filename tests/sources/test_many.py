"""Many searches in one request where the server takes that; what a batch leaves open is asked by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from adapter.errors import SourceError
from adapter.evidence.plan import EvidencePlan
from adapter.evidence.store import Located
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource

BASE = "http://fhir.test/fhir"
PLAN = EvidencePlan({"Claim": ("patient", "provider")}, {"Encounter": "patient", "Procedure": "patient"})
Json = dict[str, Any]
Entry = Callable[[str], Json]


class Batching:
    """Answers a search by one resource named after it; notes what is asked, and in which request."""

    def __init__(self, *interactions: str, entry: Entry | None = None, batch: int = 200) -> None:
        self._interactions = interactions
        self._entry = entry or self._answered
        self._batch = batch
        self.batches: list[int] = []
        self.alone: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/fhir").strip("/")
        if path == "metadata":
            rest = {"mode": "server", "interaction": [{"code": each} for each in self._interactions]}
            return httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": [rest]})
        if path:
            self.alone.append(path)
            return httpx.Response(200, json=page(path.partition("/")[0]))
        urls = [each["request"]["url"] for each in json.loads(request.content)["entry"]]
        self.batches.append(len(urls))
        body = {"resourceType": "Bundle", "type": "batch-response", "entry": [self._entry(each) for each in urls]}
        return httpx.Response(self._batch, json=body)

    @staticmethod
    def _answered(url: str) -> Json:
        return {"response": {"status": "200 OK"}, "resource": page(url.partition("?")[0].partition("/")[0])}


def page(kind: str, following: str | None = None) -> Json:
    link = [{"relation": "next", "url": following}] if following else []
    entry = [{"resource": {"resourceType": kind, "id": "x", "subject": {"reference": "Patient/p"}}}]
    return {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def claims(count: int = 1) -> Sequence[Located]:
    references = {"patient": {"reference": "Patient/p"}, "provider": {"reference": "Organization/x"}}
    return [Located({"resourceType": "Claim", "id": f"c{number}", **references}) for number in range(count)]


async def gathered(server: Batching) -> set[str]:
    transport = httpx.MockTransport(server)
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        store = await ServerSource(client, PLAN, batches=True).gather(claims())
        return {each.kind for each in store.everything()}


EVERYTHING = {"Claim", "Encounter", "Procedure", "Organization", "Patient"}
FIRST_ROUND = ["Encounter", "Organization", "Patient", "Procedure"]


def entry_with(**of_encounter: Any) -> Entry:
    def entry(url: str) -> Json:
        return of_encounter if url.startswith("Encounter") else Batching._answered(url)

    return entry


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("server", "batches", "alone"),
    [
        pytest.param(Batching("batch"), [4], [], id="declares batch"),
        pytest.param(Batching("transaction"), [4], [], id="declares transaction, as HAPI does"),
        pytest.param(Batching("history-system"), [], FIRST_ROUND, id="declares neither"),
        pytest.param(Batching("batch", batch=405), [4], FIRST_ROUND, id="refuses it all the same"),
        pytest.param(Batching("batch", batch=504), [4], FIRST_ROUND, id="is too slow for it"),
        pytest.param(
            Batching("batch", entry=entry_with(response={"status": "500"})), [4], ["Encounter"], id="one entry fails"
        ),
        pytest.param(
            Batching("batch", entry=entry_with(response={"status": "200"})), [4], ["Encounter"], id="one has no page"
        ),
    ],
)
async def test_what_is_asked_together_and_what_alone(server: Batching, batches: list[int], alone: list[str]) -> None:
    assert await gathered(server) == EVERYTHING
    assert (server.batches, sorted(server.alone)) == (batches, alone)


@pytest.mark.anyio
async def test_an_entry_that_goes_on_is_read_to_its_end() -> None:
    entry = entry_with(response={"status": "200"}, resource=page("Encounter", f"{BASE}/Encounter?page=2"))
    server = Batching("batch", entry=entry)
    assert await gathered(server) == EVERYTHING
    assert server.alone == ["Encounter"]


@pytest.mark.anyio
async def test_a_refusal_of_a_batch_for_want_of_rights_is_one() -> None:
    with pytest.raises(SourceError, match="refused us"):
        await gathered(Batching("batch", batch=403))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("forget", "times"), [pytest.param(False, 1, id="kept"), pytest.param(True, 2, id="told to forget")]
)
async def test_what_claims_share_is_asked_once_a_run(forget: bool, times: int) -> None:
    server = Batching()

    def dated(request: httpx.Request) -> httpx.Response:
        response = server(request)
        response.headers["Date"] = "Sun, 01 Mar 2026 12:00:00 GMT"
        return response

    async with FhirClient(BASE, transport=httpx.MockTransport(dated), patience=Patience(attempts=1)) as client:
        await client.capabilities()
        source = ServerSource(client, PLAN)
        for _ in range(2):
            await source.gather(claims())
            if forget:
                source.shared.forget()
    assert (server.alone.count("Organization"), server.alone.count("Patient")) == (times, 2)


HISTORIES = ["Encounter/e/_history", "Goal/g/_history"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("server", "batches", "alone"),
    [
        pytest.param(Batching("batch"), [2], [], id="in one request"),
        pytest.param(Batching("history-system"), [], HISTORIES, id="no batches"),
        pytest.param(Batching("batch", batch=405), [2], HISTORIES, id="refuses them all the same"),
        pytest.param(
            Batching("batch", entry=entry_with(response={"status": "500"})), [2], HISTORIES[:1], id="one entry fails"
        ),
    ],
)
async def test_last_versions_of_what_was_deleted(server: Batching, batches: list[int], alone: list[str]) -> None:
    async with FhirClient(BASE, transport=httpx.MockTransport(server), patience=Patience(attempts=1)) as client:
        found = await ServerSource(client, PLAN, batches=True).last_versions([("Encounter", "e"), ("Goal", "g")])
    assert [each["resourceType"] for each in found] == ["Encounter", "Goal"]
    assert (server.batches, sorted(server.alone)) == (batches, alone)
