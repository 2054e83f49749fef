"""What the HTTP client writes: once, under its condition, and on the version that was read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from adapter.errors import SourceError
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.refusals import Refused

BASE = "http://fhir.test/fhir"
Json = dict[str, Any]
NEW: Json = {"resourceType": "Subscription", "status": "requested"}
READ: Json = NEW | {"id": "a b", "meta": {"versionId": "7"}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[FhirClient]:
    async with FhirClient(BASE, patience=Patience(attempts=3, first_wait=0)) as client:
        yield client


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "made"), [(201, True), (200, False)])
async def test_create_says_whether_it_made_one(
    client: FhirClient, respx_mock: respx.MockRouter, status: int, made: bool
) -> None:
    route = respx_mock.post(f"{BASE}/Subscription").mock(return_value=httpx.Response(status))
    assert await client.create(NEW, if_none_exist="url=x") is made
    assert route.calls.last.request.headers["If-None-Exist"] == "url=x"
    assert route.calls.last.request.headers["Content-Type"] == "application/fhir+json"


@pytest.mark.anyio
@pytest.mark.parametrize(("condition", "tries"), [(None, 1), ("url=x", 3)])
async def test_only_a_conditional_create_is_repeated(
    client: FhirClient, respx_mock: respx.MockRouter, condition: str | None, tries: int
) -> None:
    respx_mock.post(f"{BASE}/Subscription").mock(side_effect=httpx.ReadTimeout("late"))
    with pytest.raises(SourceError, match="a new Subscription"):
        await client.create(NEW, if_none_exist=condition)
    assert len(respx_mock.calls) == tries


@pytest.mark.anyio
async def test_update_names_the_version_that_was_read(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.put(f"{BASE}/Subscription/a%20b").mock(return_value=httpx.Response(200))
    await client.update(READ)
    assert route.calls.last.request.headers["If-Match"] == 'W/"7"'
    await client.update(NEW | {"id": "a b"})
    assert "If-Match" not in route.calls.last.request.headers


@pytest.mark.anyio
@pytest.mark.parametrize("status", [409, 412])
async def test_a_version_that_is_no_longer_current_is_refused(
    client: FhirClient, respx_mock: respx.MockRouter, status: int
) -> None:
    respx_mock.put(f"{BASE}/Subscription/a%20b").mock(return_value=httpx.Response(status))
    with pytest.raises(Refused) as caught:
        await client.update(READ)
    assert caught.value.status == status


@pytest.mark.anyio
@pytest.mark.parametrize("status", [200, 204, 404, 410])
async def test_what_is_deleted_is_gone_however_often(
    client: FhirClient, respx_mock: respx.MockRouter, status: int
) -> None:
    route = respx_mock.delete(f"{BASE}/Subscription/1").mock(return_value=httpx.Response(status))
    await client.delete("Subscription", "1")
    assert route.call_count == 1


@pytest.mark.anyio
async def test_a_removal_that_is_refused_says_so(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.delete(f"{BASE}/Subscription/1").mock(return_value=httpx.Response(409))
    with pytest.raises(Refused, match="answered 409 to the removal of a Subscription"):
        await client.delete("Subscription", "1")


@pytest.mark.anyio
async def test_an_operation_is_asked_and_read(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    answer = {"resourceType": "Bundle", "type": "searchset"}
    respx_mock.get(f"{BASE}/Subscription/1/$status").mock(return_value=httpx.Response(200, json=answer))
    assert await client.operation("Subscription", "1", "$status") == answer
