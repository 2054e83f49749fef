"""Of single writes only what can be repeated is repeated; what concerns the server, not one answer, ends a run."""

from __future__ import annotations

import httpx
import pytest
from sinks.answering_server import BASE, Json, Server, answer, to

from adapter.errors import AccessRefused, SourceError, Step
from adapter.sinks.entries import AT_ONCE, Entries
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience

pytestmark = [pytest.mark.anyio, pytest.mark.respx(assert_all_called=False)]


@pytest.mark.parametrize(
    ("conditional", "attempts"), [pytest.param(True, 3, id="conditional"), pytest.param(False, 1, id="plain")]
)
async def test_only_what_can_be_repeated_is_repeated(alone: Server, conditional: bool, attempts: int) -> None:
    alone.fault = lambda _request: httpx.Response(503)
    request: Json = {"method": "POST", "url": "Provenance"} | ({"ifNoneExist": "target=x"} if conditional else {})
    patience = Patience(attempts=3, first_wait=0.001, longest_wait=0.001)
    async with FhirClient(BASE, patience=patience) as client:
        (reply,) = await Entries(client).send([{"request": request, "resource": {"resourceType": "Provenance"}}])
    assert "answered 503" in reply.fault
    assert len(alone.singles) == attempts


@pytest.mark.parametrize(
    ("response", "error", "said"),
    [
        pytest.param(httpx.Response(401), AccessRefused, "answered 401 to a new ClaimResponse", id="401"),
        pytest.param(httpx.ConnectError(""), SourceError, "cannot connect to", id="gone"),
        pytest.param(httpx.Response(302, headers={"Location": "/login"}), SourceError, "a redirect", id="redirect"),
        pytest.param(httpx.Response(200, html="<p>log in</p>"), SourceError, "answered text/html", id="a page"),
        pytest.param(
            httpx.Response(200, json={"resourceType": "Bundle"}), SourceError, "another resource", id="a Bundle"
        ),
    ],
)
async def test_what_concerns_the_server_ends_it_though_others_went_well(
    sink: ServerSink, alone: Server, response: httpx.Response | Exception, error: type[SourceError], said: str
) -> None:
    alone.fault = to("ClaimResponse", response, "c2")
    with pytest.raises(error, match=said):
        await sink.write([answer("c1"), answer("c2")])


async def test_where_nothing_is_served_no_more_is_asked(sink: ServerSink, alone: Server) -> None:
    alone.fault = lambda _request: httpx.Response(503)
    with pytest.raises(SourceError, match="answered 503 to a new ClaimResponse"):
        await sink.write([answer(f"c{number}") for number in range(AT_ONCE + 1)])
    assert len(alone.singles) == AT_ONCE


async def test_who_lets_us_write_nothing_is_told_so(sink: ServerSink, alone: Server) -> None:
    alone.fault = lambda _request: httpx.Response(403)
    with pytest.raises(AccessRefused, match="refused every ClaimResponse") as refused:
        await sink.write([answer("c1"), answer("c2")])
    assert refused.value.step is Step.WRITE
