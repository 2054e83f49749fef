"""A run over claims that are mostly not ours, and is ended, goes on from about where it was."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest
from answers.story_stages import NOW, shipped
from sources.paging_server import BASE, BEGIN, PagingServer, claim

from adapter.errors import SourceError
from adapter.sources.fhir_client import FhirClient
from adapter.sources.server import ServerSource
from adapter.sync.chunks import MOST_READ
from adapter.sync.reconciler import Reconciler
from adapter.sync.server import sync_server

PAGE = 501
"""Each page begins with the claim that the one before ended with."""
TIMES = [BEGIN + timedelta(seconds=number) for number in range(3 * MOST_READ + PAGE)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def ends_after_three(_server: PagingServer, request: httpx.Request, _offset: int) -> httpx.Response | None:
    """It does not count, and refuses us after three times the claims at which a run says how far it has come."""
    if "_summary" in request.url.params:
        return httpx.Response(400)
    begin = request.url.params.get("_lastUpdated", "ge" + str(BEGIN))[2:]
    return httpx.Response(401) if datetime.fromisoformat(begin) >= TIMES[3 * MOST_READ] else None


@pytest.mark.anyio
async def test_how_far_it_came_is_told_though_no_claim_is_in_scope() -> None:
    server = PagingServer([claim(number, at) for number, at in enumerate(TIMES)], ends_after_three)
    adjudicator, reached = shipped().only("r4"), list[str]()

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # as a network does: others get their turn
        return server.answer(request)

    async with FhirClient(BASE, transport=httpx.MockTransport(answer), page_size=PAGE) as client:
        source = ServerSource(client, adjudicator.mappings.plan, codes=sorted(adjudicator.mappings.scope))
        reconciler = Reconciler(source, None, adjudicator, datetime.fromisoformat(NOW))
        with pytest.raises(SourceError, match="refused us"):
            await sync_server(reconciler, since=None, ids=(), tell=lambda *_: None, reached=reached.append)
    told = [datetime.fromisoformat(each) for each in reached]
    assert told == [TIMES[MOST_READ], TIMES[2 * MOST_READ]]
