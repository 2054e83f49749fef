"""The HTTP client: what it follows, what it retries, and that each fault is one readable line without secrets."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from pydantic import SecretStr

from adapter.auth.header import StaticAuth, bearer
from adapter.auth.secret_files import Given
from adapter.errors import SourceError, UsageError
from adapter.sources.faults import issue_codes
from adapter.sources.fhir_client import FhirClient, search_value
from adapter.sources.patience import Patience, retry_after
from adapter.sources.refusals import Refused

BASE = "http://fhir.test/fhir"
SECRETS = ("M-4711", "s3cret", "Jane", "?")
"""What no message may repeat: a member number, the token, a name, any query."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[FhirClient]:
    async with FhirClient(
        BASE, auth=StaticAuth(BASE, Given(SecretStr("s3cret")), bearer), patience=Patience(attempts=3, first_wait=0)
    ) as client:
        yield client


def fhir(body: dict[str, Any], status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={"Content-Type": "application/fhir+json", **headers})


def page(*resources: dict[str, Any], following: str | None = None) -> httpx.Response:
    link = [{"relation": "next", "url": following}] if following else []
    return fhir(
        {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": [{"resource": r} for r in resources]}
    )


def claim(id: str) -> dict[str, Any]:
    return {"resourceType": "Claim", "id": id}


async def ids(client: FhirClient, kind: str = "Claim", **params: str) -> list[list[str]]:
    return [[resource["id"] for resource in found] async for found in client.search(kind, params)]


async def fault(client: FhirClient) -> str:
    """The message of the search that fails: one line, and nothing in it that must not be."""
    with pytest.raises(SourceError) as caught:
        await ids(client, identifier="M-4711")
    message = str(caught.value)
    assert "\n" not in message
    assert not [secret for secret in SECRETS if secret in message.replace("URL?", "").replace("right?", "")]
    assert caught.value.exit_code == 4
    return message


@pytest.mark.anyio
async def test_a_search_is_never_answered_from_a_cache_and_carries_the_token(
    client: FhirClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.get(f"{BASE}/Claim").mock(return_value=page(claim("a")))
    assert await ids(client, identifier="urn:x|1") == [["a"]]
    request = route.calls.last.request
    assert dict(request.url.params) == {"_count": "200", "identifier": "urn:x|1"}
    assert request.headers["Accept"] == "application/fhir+json"
    assert request.headers["Cache-Control"] == "no-cache"
    assert request.headers["Authorization"] == "Bearer s3cret"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "link",
    [
        pytest.param(f"{BASE}?_getpages=1", id="paging at the base, as HAPI does"),
        pytest.param("http://fhir.test/paging/1", id="paging elsewhere on the server"),
        pytest.param("http://fhir.test:80/fhir/Claim?page=2", id="default port written out"),
        pytest.param("Claim?page=2", id="relative to the base"),
    ],
)
async def test_pages_are_followed_on_the_same_server(
    client: FhirClient, respx_mock: respx.MockRouter, link: str
) -> None:
    respx_mock.get(f"{BASE}/Claim", params={"_count": "200"}).mock(return_value=page(claim("a"), following=link))
    respx_mock.get(httpx.URL(f"{BASE}/").join(link)).mock(return_value=page(claim("b")))
    assert await ids(client) == [["a"], ["b"]]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "link",
    [
        pytest.param("http://evil.test/fhir?_getpages=M-4711", id="another host"),
        pytest.param("http://fhir.test:81/fhir", id="another port"),
        pytest.param("https://fhir.test/fhir", id="another scheme"),
        pytest.param("//evil.test/x", id="another host, scheme left out"),
    ],
)
async def test_a_next_page_on_another_server_is_refused(
    client: FhirClient, respx_mock: respx.MockRouter, link: str
) -> None:
    respx_mock.get(f"{BASE}/Claim").mock(return_value=page(claim("a"), following=link))
    assert "next page on another server" in await fault(client)
    assert len(respx_mock.calls) == 1


@pytest.mark.anyio
async def test_pages_that_lead_in_a_circle_end(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{BASE}/Claim").mock(return_value=page(following=f"{BASE}/next?page=2"))
    respx_mock.get(f"{BASE}/next").mock(return_value=page(following=f"{BASE}/next?page=2"))
    assert "without end" in await fault(client)
    assert len(respx_mock.calls) == 2


@pytest.mark.anyio
async def test_a_page_that_expired_is_no_unsupported_search(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{BASE}/Claim").mock(return_value=page(following=f"{BASE}/next"))
    respx_mock.get(f"{BASE}/next").mock(return_value=httpx.Response(410))
    with pytest.raises(SourceError, match="answered 410 to a further page of Claim") as caught:
        await ids(client)
    assert not isinstance(caught.value, Refused)


@pytest.mark.anyio
async def test_a_long_search_goes_by_post(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.post(f"{BASE}/Claim/_search").mock(return_value=page(claim("a")))
    many = ",".join(f"id-{number}" for number in range(300))
    assert await ids(client, _id=many) == [["a"]]
    assert parse_qs(route.calls.last.request.content.decode()) == {"_count": ["200"], "_id": [many]}
    assert route.calls.last.request.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.anyio
async def test_a_server_without_search_by_post_gets_the_long_url(
    client: FhirClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(f"{BASE}/Claim/_search").mock(return_value=httpx.Response(405))
    respx_mock.get(f"{BASE}/Claim").mock(return_value=page(claim("a")))
    assert await ids(client, _id="x" * 2000) == [["a"]]


CUT = httpx.Response(200, content=b'{"resourceType": "Bundle", "entry": [{"res', headers={"Content-Type": "text/json"})
HTML = httpx.Response(200, html="<h1>Jane</h1>")
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"code": "processing", "diagnostics": "Jane M-4711?"}]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            httpx.Response(401), "refused us: it answered 401 to a search of Claim. check the token", id="401"
        ),
        pytest.param(
            httpx.Response(403), "refused us: it answered 403 to a search of Claim. check the token", id="403"
        ),
        pytest.param(HTML, "answered text/html, not FHIR JSON, to a search of Claim. is this the FHIR base", id="HTML"),
        pytest.param(fhir({"a": 1}), "JSON that is not FHIR", id="other JSON"),
        pytest.param(fhir(claim("a")), "another resource where a Bundle was due", id="another resource"),
        pytest.param(CUT, "damaged or truncated JSON", id="truncated"),
        pytest.param(httpx.Response(404, html="no"), "answered 404 to a search of Claim. is this the FHIR", id="404"),
        pytest.param(fhir(OUTCOME, 400), "answered 400 (processing) to a search of Claim", id="400 with outcome"),
        pytest.param(httpx.Response(500), "answered 500 to a search of Claim", id="500"),
        pytest.param(httpx.Response(302, headers={"Location": "http://evil.test/?Jane"}), "a redirect", id="redirect"),
        pytest.param(httpx.Response(503), "answered 503 to a search of Claim, also when asked again", id="503"),
        pytest.param(httpx.ConnectError("refused"), "cannot connect to http://fhir.test/fhir", id="refused"),
        pytest.param(httpx.ConnectTimeout("late"), "cannot connect to http://fhir.test/fhir", id="no connection"),
        pytest.param(httpx.ReadTimeout("late"), "did not answer a search of Claim within 60 s", id="timeout"),
        pytest.param(httpx.RemoteProtocolError("cut"), "broke off a search of Claim", id="broken off"),
    ],
)
async def test_each_fault_is_one_readable_line(
    client: FhirClient, respx_mock: respx.MockRouter, answer: httpx.Response | Exception, message: str
) -> None:
    answers: dict[str, Any] = {"side_effect" if isinstance(answer, Exception) else "return_value": answer}
    respx_mock.get(f"{BASE}/Claim").mock(**answers)
    assert message in await fault(client)


@pytest.mark.anyio
async def test_a_certificate_nobody_trusts_is_said_at_once() -> None:
    tries = 0

    def distrusted(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ConnectError("failed") from ssl.SSLCertVerificationError("self-signed")

    async with FhirClient(BASE, transport=httpx.MockTransport(distrusted)) as client:
        assert "no trusted TLS connection" in await fault(client)
    assert tries == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "hiccup",
    [
        pytest.param(httpx.Response(503, headers={"Retry-After": "0"}), id="503 with Retry-After"),
        pytest.param(httpx.Response(429), id="429"),
        pytest.param(httpx.Response(502), id="502"),
        pytest.param(httpx.Response(504), id="504"),
        pytest.param(httpx.ConnectError("refused"), id="not up yet"),
        pytest.param(httpx.ReadTimeout("late"), id="timeout"),
    ],
)
async def test_a_passing_fault_is_waited_out(
    client: FhirClient, respx_mock: respx.MockRouter, hiccup: httpx.Response | Exception
) -> None:
    respx_mock.get(f"{BASE}/Claim").mock(side_effect=[hiccup, hiccup, page(claim("a"))])
    assert await ids(client) == [["a"]]


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 501])
async def test_a_lasting_fault_is_not_asked_again(
    client: FhirClient, respx_mock: respx.MockRouter, status: int
) -> None:
    respx_mock.get(f"{BASE}/Claim").mock(return_value=httpx.Response(status))
    await fault(client)
    assert len(respx_mock.calls) == 1


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        pytest.param("7", None, 7, id="seconds"),
        pytest.param("120", None, 120, id="the longest we wait"),
        pytest.param("121", None, 120, id="longer than we wait"),
        pytest.param(
            "Wed, 21 Oct 2026 07:28:09 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 9, id="a date, by its own clock"
        ),
        pytest.param("Wed, 21 Oct 2026 09:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 120, id="a date far off"),
        pytest.param("Wed, 21 Oct 2026 07:27:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 0, id="a date gone by"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", None, 0, id="a date, by our clock"),
        pytest.param("-1", None, None, id="nonsense"),
        pytest.param(None, None, None, id="absent"),
    ],
)
def test_retry_after(header: str | None, date: str | None, seconds: float | None) -> None:
    written = {"Retry-After": header, "Date": date}
    headers = {name: value for name, value in written.items() if value is not None}
    assert retry_after(httpx.Response(503, headers=headers)) == seconds


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(fhir(claim("a")), claim("a"), id="found"),
        pytest.param(httpx.Response(404), None, id="never was"),
        pytest.param(httpx.Response(410), None, id="deleted"),
    ],
)
async def test_read(
    client: FhirClient, respx_mock: respx.MockRouter, answer: httpx.Response, expected: dict[str, Any] | None
) -> None:
    respx_mock.get(f"{BASE}/Claim/a").mock(return_value=answer)
    assert await client.read("Claim", "a") == expected


@pytest.mark.anyio
async def test_an_id_cannot_lead_out_of_its_type(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(url__startswith=f"{BASE}/Claim/").mock(return_value=httpx.Response(404))
    assert await client.read("Claim", "../Patient?name=x") is None
    assert route.calls.last.request.url.raw_path == b"/fhir/Claim/..%2FPatient%3Fname%3Dx"


PUT = {"request": {"method": "PUT", "url": "Claim/a"}, "resource": claim("a")}
CONDITIONAL = {"request": {"method": "POST", "url": "Claim", "ifNoneExist": "x=1"}, "resource": claim("a")}
CREATE = {"request": {"method": "POST", "url": "Claim"}, "resource": claim("a")}


def answered(*statuses: str) -> httpx.Response:
    entry = [{"response": {"status": status}} for status in statuses]
    return fhir({"resourceType": "Bundle", "type": "batch-response", "entry": entry})


def declaring(**declared: Any) -> httpx.Response:
    types = [{"type": CONDITIONAL["request"]["url"], **declared}]
    return fhir({"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": types}]})


@pytest.mark.anyio
async def test_a_batch_is_answered_entry_by_entry(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{BASE}/metadata").mock(return_value=declaring())
    respx_mock.post(BASE).mock(return_value=answered("200 OK", "409 Conflict"))
    assert await client.batch([PUT, CONDITIONAL]) == [{"status": "200 OK"}, {"status": "409 Conflict"}]


@pytest.mark.anyio
async def test_a_batch_answered_in_part_is_a_fault(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(BASE).mock(return_value=answered("200 OK"))
    with pytest.raises(SourceError, match="answered 1 of 2 entries"):
        await client.batch([PUT, PUT])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("entries", "declared", "tries"),
    [
        pytest.param([PUT, CONDITIONAL], {"conditionalCreate": True}, 3, id="twice is as good as once"),
        pytest.param([PUT, CONDITIONAL], {"conditionalCreate": False}, 1, id="conditions are passed over"),
        pytest.param([PUT, CONDITIONAL], {}, 1, id="of conditions nothing is said"),
        pytest.param([PUT, CONDITIONAL], {"conditionalCreate": "true"}, 1, id="of conditions nothing clear is said"),
        pytest.param([PUT, CREATE], {"conditionalCreate": True}, 1, id="twice would create twice"),
    ],
)
@pytest.mark.respx(assert_all_called=False)
async def test_only_a_repeatable_batch_is_repeated(
    client: FhirClient,
    respx_mock: respx.MockRouter,
    entries: list[dict[str, Any]],
    declared: dict[str, Any],
    tries: int,
) -> None:
    respx_mock.get(f"{BASE}/metadata").mock(return_value=declaring(**declared))
    route = respx_mock.post(BASE).mock(side_effect=httpx.ReadTimeout("late"))
    with pytest.raises(SourceError):
        await client.batch(entries)
    assert route.call_count == tries


@pytest.mark.anyio
async def test_capabilities_are_asked_for_once(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
    route = respx_mock.get(f"{BASE}/metadata").mock(return_value=fhir(statement))
    assert [await client.capabilities(), await client.capabilities()] == [statement, statement]
    assert route.call_count == 1


@pytest.mark.anyio
async def test_the_servers_clock(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    told = fhir(claim("a"), Date="Wed, 04 Mar 2026 10:00:00 GMT")
    respx_mock.get(f"{BASE}/Claim/a").mock(side_effect=[told, fhir(claim("a")), fhir(claim("a"), Date="soon")])
    for _ in range(3):
        await client.read("Claim", "a")
        assert client.server_time == datetime(2026, 3, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "url",
    ["ftp://x/fhir", "fhir", "http://", "http://x/fhir?tenant=1", "http://x:port/fhir"],
)
def test_a_base_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(UsageError):
        FhirClient(url)


def test_a_token_no_header_can_carry_stops_the_start() -> None:
    with pytest.raises(UsageError) as caught:
        StaticAuth(BASE, Given(SecretStr("s3cret\n")), bearer)
    assert "s3cret" not in str(caught.value)


def test_no_library_logs_urls() -> None:
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)


def test_values_are_escaped() -> None:
    assert search_value("a,b|c$d\\e") == r"a\,b\|c\$d\\e"


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [
        ({"issue": [{"code": "invalid"}, {"code": "not-found"}, {"code": "invalid"}]}, "invalid, not-found"),
        ({"issue": [{"code": "Jane Doe"}, {"code": 7}, "x"]}, ""),
        ({"issue": "x"}, ""),
        (None, ""),
    ],
)
def test_issue_codes(outcome: object, codes: str) -> None:
    assert issue_codes(outcome) == codes


@pytest.mark.anyio
async def test_pages_with_nothing_on_them_come_to_an_end(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    calls = iter(range(10_000))
    route = respx_mock.get(url__startswith=f"{BASE}/Claim")
    route.side_effect = lambda _request: page(following=f"{BASE}/Claim?page={next(calls)}")
    with pytest.raises(SourceError, match="page after page of Claim with nothing on them"):
        await ids(client)
    assert route.call_count < 50


@pytest.mark.anyio
async def test_a_retry_prints_nothing(
    client: FhirClient, respx_mock: respx.MockRouter, capsys: pytest.CaptureFixture[str]
) -> None:
    respx_mock.get(url__startswith=f"{BASE}/Claim").mock(side_effect=httpx.ConnectError("no"))
    with pytest.raises(SourceError):
        await ids(client, patient="M-4711")
    assert capsys.readouterr() == ("", "")
