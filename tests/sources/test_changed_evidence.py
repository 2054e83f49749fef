"""Evidence that changed is read as claims are: what shifts between two pages is missed by nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sources.paging_server import BASE, BEGIN, Json, PagingServer, claim
from sources.untrue_server import UntrueServer

from adapter.evidence.plan import EvidencePlan
from adapter.sources.dependents import Dependents
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.refusals import Unserved
from adapter.sources.server import ServerSource

SINCE = BEGIN.isoformat()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def visit(number: int, minutes: int) -> Json:
    changed = claim(number, BEGIN + timedelta(minutes=minutes))
    return {**changed, "resourceType": "Encounter", "id": f"e{number}"}


def source(client: FhirClient) -> ServerSource:
    return ServerSource(client, EvidencePlan(follow={"Encounter": ()}, search={}))


async def changed(server: PagingServer) -> tuple[list[str], dict[str, str]]:
    """What is found of the visits, and what is noted as unknown to the server."""
    patience = Patience(attempts=1)
    async with FhirClient(BASE, transport=server.transport(), patience=patience, page_size=2) as client:
        here = source(client)
        found = [each["id"] async for page in here.changed("Encounter", SINCE) for each in page]
        return found, here.unsupported


@pytest.mark.anyio
@pytest.mark.parametrize("saved", [1, 2], ids=["one is saved again", "a whole page is saved again"])
async def test_pages_that_shift_leave_nothing_out(saved: int) -> None:
    """Whoever is saved while the first page is read moves to the end, and all others move up."""

    def saves(server: PagingServer, request: httpx.Request, _offset: int) -> httpx.Response | None:
        if len(server.asked) == 2:
            for number in range(saved):
                later = visit(number, 60 + number)
                server.claims[number] = {**later, "meta": {**later["meta"], "versionId": "2"}}
        return None

    server = UntrueServer([visit(number, number) for number in range(7)], saves)
    found, _ = await changed(server)
    assert set(found) == {f"e{number}" for number in range(7)}


@pytest.mark.anyio
async def test_a_server_that_refuses_to_sort_is_read_by_its_links() -> None:
    server = UntrueServer(
        [visit(number, number) for number in range(7)],
        lambda _server, request, _offset: httpx.Response(400) if "_sort" in request.url.params else None,
    )
    assert await changed(server) == ([f"e{number}" for number in range(7)], {})


@pytest.mark.anyio
async def test_a_type_that_the_server_does_not_know_is_noted() -> None:
    found, unsupported = await changed(UntrueServer([], lambda *_: httpx.Response(404)))
    assert (found, list(unsupported)) == ([], ["Encounter?_lastUpdated"])


@pytest.mark.anyio
async def test_what_cannot_be_read_is_raised() -> None:
    """So that whoever looks for changes does not take them for seen."""

    def fails(server: PagingServer, request: httpx.Request, offset: int) -> Any:
        entries = server.page(request, offset).json()["entry"]
        return httpx.Response(504) if any(each["resource"]["id"] == "e3" for each in entries) else None

    server = UntrueServer([visit(number, number) for number in range(7)], fails)
    with pytest.raises(Unserved, match="resources of type Encounter changed from"):
        await changed(server)
    async with FhirClient(BASE, transport=server.transport(), patience=Patience(attempts=1), page_size=2) as client:
        with pytest.raises(Unserved):
            await Dependents(source(client)).changed_since(SINCE)
