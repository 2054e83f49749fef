"""On HAPI, asked search by search: what it includes saves requests, and changes no answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from answers.story_stages import shipped
from test_sync_hapi import CLINIC, Server, resources

from adapter.answers.answer import Answer
from adapter.sources.fhir_client import FhirClient
from adapter.sources.server import ServerSource
from adapter.sync.reconciler import Reconciler
from adapter.sync.server import sync_server

Json = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def answered(url: str, *, includes: bool, batches: bool = False) -> tuple[dict[str | None, Json | None], int]:
    """The answer to each claim, and how many requests the answers took."""
    asked: list[httpx.Request] = []
    kept: list[Answer] = []

    class Counting(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return await super().handle_async_request(request)

    async with FhirClient(url, transport=Counting()) as client:
        adjudicator = shipped().only("r4")
        plan, codes = adjudicator.mappings.plan, sorted(adjudicator.mappings.scope)
        source = ServerSource(client, plan, codes=codes, batches=batches, includes=includes)
        reconciler = Reconciler(source, None, adjudicator, datetime(2026, 3, 1, tzinfo=UTC), keep=kept.extend)
        report = await sync_server(reconciler, since=None, ids=(), tell=lambda *_: None)
    assert report.complete
    assert not report.warnings
    return {each.claim: each.response or each.outcome for each in kept}, len(asked)


@pytest.mark.anyio
async def test_answers_with_includes_are_those_without(hapi_url: str) -> None:
    server = Server(hapi_url)
    server.load(list(resources(CLINIC)))
    server.close()
    plain, one_by_one = await answered(hapi_url, includes=False)
    along, with_includes = await answered(hapi_url, includes=True)
    assert along == plain
    assert with_includes < one_by_one
