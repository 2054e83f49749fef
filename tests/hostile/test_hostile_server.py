"""Servers that send what no server should: one readable error of the source, and none taken for an empty answer."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from adapter.errors import SourceError
from adapter.limits import Limits
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource

BASE = "http://fhir.test/fhir"
CLAIM = {"resourceType": "Claim", "id": "a"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client_of(answer: bytes | httpx.Response, **options: Any) -> FhirClient:
    """A client of a server that gives the same answer to everything."""

    def reply(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, content=answer, headers={"Content-Type": "application/fhir+json"})

    return FhirClient(BASE, transport=httpx.MockTransport(reply), patience=Patience(attempts=1), **options)


async def searched(client: FhirClient) -> list[Any]:
    async with client:
        return [resource async for page in client.search("Claim", {}) for resource in page]


def bundle(**parts: Any) -> bytes:
    return orjson.dumps({"resourceType": "Bundle", "type": "searchset"} | parts)


def next_link(url: Any) -> list[Any]:
    return [{"relation": "self", "url": BASE}, {"relation": "next", "url": url}]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(bundle(entry={}), "entry is no list of objects", id="entry is an object"),
        pytest.param(bundle(entry="x"), "entry is no list of objects", id="entry is a text"),
        pytest.param(bundle(entry=None), "entry is no list of objects", id="entry is null"),
        pytest.param(bundle(entry=[None]), "entry is no list of objects", id="an entry is null"),
        pytest.param(bundle(entry=[5]), "entry is no list of objects", id="an entry is a number"),
        pytest.param(bundle(entry=[{"resource": []}]), "holds no FHIR resource", id="a resource is a list"),
        pytest.param(bundle(entry=[{"resource": {"id": "a"}}]), "holds no FHIR resource", id="a resource without type"),
        pytest.param(
            bundle(entry=[{"resource": {"resourceType": 5}}]), "holds no FHIR resource", id="a type is a number"
        ),
        pytest.param(bundle(link={}), "link is no list of objects", id="link is an object"),
        pytest.param(bundle(link="next"), "link is no list of objects", id="link is a text"),
        pytest.param(bundle(link=[5]), "link is no list of objects", id="a link is a number"),
        pytest.param(bundle(link=next_link(5)), "without an address", id="the next page is a number"),
        pytest.param(bundle(link=[{"relation": "next"}]), "without an address", id="the next page is nowhere"),
        pytest.param(bundle(link=next_link(f"{BASE}?page=2")), "without end", id="the next page is the next page"),
        pytest.param(bundle(link=next_link("http://[::1")), "malformed", id="the next page is no address"),
        pytest.param(bundle(link=next_link("file:///etc/passwd")), "another server", id="the next page is a file"),
        pytest.param(bundle()[:-1], "damaged", id="truncated"),
        pytest.param(b'{"resourceType":"Bundle","total":NaN}', "damaged", id="NaN"),
        pytest.param(b'{"resourceType":"Bundle","entry":[],"entry":[]}', "stands twice", id="a key twice"),
        pytest.param(b'{"resourceType":"Bundle","x":' + b"[" * 300 + b"]" * 300 + b"}", "levels deep", id="nested"),
        pytest.param(b'{"resourceType":"../x"}', "not FHIR", id="a type that is a path"),
        pytest.param(b"[]", "not FHIR", id="a list"),
    ],
)
async def test_a_malformed_answer_is_an_error_of_the_source(anyio_backend: str, answer: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        await searched(client_of(answer))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.anyio
@pytest.mark.parametrize("parts", [{}, {"entry": []}, {"link": [], "entry": [{"search": {"mode": "match"}}]}])
async def test_a_page_with_nothing_on_it_is_none(anyio_backend: str, parts: dict[str, Any]) -> None:
    assert await searched(client_of(bundle(**parts))) == []


@pytest.mark.anyio
@pytest.mark.parametrize(("limit", "refused"), [(len(bundle(entry=[])), False), (len(bundle(entry=[])) - 1, True)])
async def test_an_answer_over_the_limit_is_refused(anyio_backend: str, limit: int, *, refused: bool) -> None:
    client = client_of(bundle(entry=[]), max_response_bytes=limit)
    if refused:
        with pytest.raises(SourceError, match="ADAPTER_MAX_RESPONSE_BYTES"):
            await searched(client)
    else:
        assert await searched(client) == []


def packed(content: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return httpx.Response(200, stream=httpx.ByteStream(gzip.compress(content)), headers=headers)


@pytest.mark.anyio
async def test_an_answer_is_measured_unpacked(anyio_backend: str) -> None:
    assert await searched(client_of(packed(bundle(entry=[])))) == []
    with pytest.raises(SourceError, match="over the limit of 1000 bytes"):
        await searched(client_of(packed(bundle() + b" " * 1_000_000), max_response_bytes=1000))


class Endless(httpx.AsyncByteStream):
    """A byte now and then, for ever: no single one of them late."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "


@pytest.mark.anyio
async def test_an_answer_that_trickles_for_ever_is_given_up(anyio_backend: str) -> None:
    answer = httpx.Response(200, stream=Endless(), headers={"Content-Type": "application/json"})
    with pytest.raises(SourceError, match=r"still sending its answer after 0\.2 s"):
        await searched(client_of(answer, timeout=0.02))


@pytest.mark.anyio
async def test_a_reply_to_a_batch_that_is_no_object_is_refused(anyio_backend: str) -> None:
    entry = {"request": {"method": "PUT", "url": "Claim/a"}}
    async with client_of(bundle(entry=[{"response": ["201"]}])) as client:
        with pytest.raises(SourceError, match="no object"):
            await client.batch([entry])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claim", "faults"),
    [
        pytest.param(CLAIM | {"meta": ["x"]}, 0, id="meta is a list"),
        pytest.param(CLAIM | {"item": [{"sequence": 1}] * 10}, 0, id="lines at the limit"),
        pytest.param(CLAIM | {"item": [{"sequence": 1}] * 11}, 1, id="one line over"),
    ],
)
async def test_one_odd_claim_does_not_hold_up_the_others(anyio_backend: str, claim: Any, faults: int) -> None:
    other = {"resourceType": "Claim", "id": "b"}
    limits = Limits(max_claim_lines=10)
    async with client_of(bundle(entry=[{"resource": claim}, {"resource": other}])) as client:
        source = ServerSource(client, plan=None, limits=limits)  # type: ignore[arg-type] # no evidence is gathered
        found = [each async for chunk in source.claims() for each in chunk]
    assert [(each.id, len(each.faults)) for each in found] == [("a", faults), ("b", 0)]
