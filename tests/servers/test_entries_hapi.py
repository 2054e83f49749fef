"""What is written entry by entry ends on a real HAPI as what is written by a batch, and is answered alike."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from adapter.sinks.entries import Entries, Reply
from adapter.sources.fhir_client import FhirClient

Json = dict[str, Any]


class Refusing(httpx.AsyncHTTPTransport):
    """Passes on everything but batches."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/fhir"):
            return httpx.Response(405)
        return await super().handle_async_request(request)


def basic(mark: str, text: str, **more: Any) -> Json:
    identifier = [{"system": "urn:test:entries", "value": mark}]
    return {"resourceType": "Basic", "identifier": identifier, "code": {"text": text}, **more}


def create(mark: str) -> Json:
    condition = f"identifier=urn%3Atest%3Aentries%7C{mark}"
    request = {"method": "POST", "url": "Basic", "ifNoneExist": condition}
    return {"resource": basic(mark, "first"), "request": request}


def update(mark: str, text: str, version: int, **more: Any) -> Json:
    request = {"method": "PUT", "url": f"Basic/{mark}", "ifMatch": f'W/"{version}"'}
    return {"resource": basic(mark, text, id=mark, **more), "request": request}


async def replies(url: str, mark: str, transport: httpx.AsyncBaseTransport | None) -> list[Reply]:
    """To one entry after the other, each of which meets what those before it left."""
    put = {"resource": basic(mark, "first", id=mark), "request": {"method": "PUT", "url": f"Basic/{mark}"}}
    steps = [
        create(f"{mark}-new"),
        create(f"{mark}-new"),
        put,
        update(mark, "second", 1),
        update(mark, "third", 1),
        update(mark, "fourth", 2, created="no day"),
    ]
    async with FhirClient(url, transport=transport) as client:
        entries = Entries(client)
        return [reply for step in steps for reply in await entries.send([step])]


def said(reply: Reply, mark: str) -> tuple[int, bool, str | None]:
    """Its status, whether it says where, and the version: of that in the address where there is no other."""
    place, _, version = reply.location.partition("/_history/")
    return reply.status, "/Basic/" in f"/{place}", version or reply.version


@pytest.mark.parametrize("batches", [True, False], ids=["by batch", "one by one"])
def test_hapi_answers_alike(hapi_url: str, batches: bool) -> None:
    mark = f"e{uuid.uuid4().hex}"
    found = asyncio.run(replies(hapi_url, mark, None if batches else Refusing()))
    assert [(each.status, each.fault) for each in found] == [(code, "") for code in (201, 200, 201, 200, 409, 400)]
    created, existing, put, changed = (said(each, mark) for each in found[:4])
    assert (created, existing) == ((201, True, "1"), (200, True, "1"))
    assert (put[0], put[2], changed[0], changed[2]) == (201, "1", 200, "2")
    kept = httpx.get(f"{hapi_url}/Basic/{mark}", headers={"Cache-Control": "no-cache"}).json()
    assert (kept["code"]["text"], kept["meta"]["versionId"]) == ("second", "2")
    there = httpx.get(f"{hapi_url}/Basic", params={"identifier": f"urn:test:entries|{mark}-new"}).json()
    assert len(there["entry"]) == 1
