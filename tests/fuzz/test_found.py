"""What the fuzzers of the network found, each by itself."""

from __future__ import annotations

import logging
import socket

import httpx
import pytest
from fuzz.asking import Mocked, client
from fuzz.inputs import MARKER
from fuzz.receiving import SECRET, listening
from fuzz.sound import run, said_well

from adapter.auth.backend_services import BackendServices
from adapter.auth.scopes import Need
from adapter.errors import AccessRefused, SourceError
from adapter.notifications.bundles import read_bundle
from adapter.sources.bulk.pace import asked_wait
from adapter.sources.clock import http_date
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience, retry_after

BASE = "http://fhir.test/fhir"
LINE = b"PUT /subscriptions/claims/Claim/1 HTTP/1.1\r\nHost: a\r\n"
KNOWN = b"Authorization: Bearer " + SECRET.encode() + b"\r\n"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("Wed, 21 Oct 2026 07:28:00 +9999999999999999999", id="a zone of twenty digits"),
        pytest.param("Wed, 21 Oct 2026 7:9:9999999999999999999 GMT", id="a second of twenty digits"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 -2359", id="an instant beyond the calendar"),
        pytest.param("Wed, 21 Oct 99999 07:28:00 GMT", id="a year of five digits"),
    ],
)
def test_a_date_that_no_calendar_has_is_none(written: str) -> None:
    response = httpx.Response(503, headers={"Retry-After": written, "Date": written})
    assert (http_date(written), retry_after(response), asked_wait(response)) == (None, None, None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(httpx.Response(404, headers={b"x-said": b"\xff\x80"}), "answered 404", id="a header is no ASCII"),
        pytest.param(httpx.Response(301, headers={"Location": "//xn--a-ecp.test/"}), "broke off", id="led to no name"),
        pytest.param(httpx.Response(200, headers={"Content-Type": "text/jane"}, content=b"x"), "not FHIR", id="media"),
    ],
)  # fmt: skip
def test_headers_of_any_bytes_make_an_answer(answer: httpx.Response, said: str) -> None:
    async def asked() -> None:
        transport = httpx.MockTransport(lambda _: answer)
        async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
            await client.capabilities()

    with pytest.raises(SourceError, match=said) as caught:
        run(asked())
    assert "jane" not in str(caught.value)


@pytest.mark.parametrize("host", ["xn--a-ecp.test", "xn--\u2488.test", "[::1"])
def test_a_host_that_is_no_name_is_a_malformed_address(host: str) -> None:
    client = FhirClient(BASE)
    with pytest.raises(SourceError, match=r"malformed|another server"):
        client.own_address(f"http://{host}/x", "links to a page")


def test_a_parameter_with_the_name_of_an_element_of_r5_is_none() -> None:
    parameters = [
        {"name": "subscription", "valueReference": {"reference": "Subscription/1"}},
        {"name": "type", "valueCode": "event-notification"},
        {"name": "notificationEvent", "valueString": "x"},
        {"name": "notification-event", "part": [{"name": "focus", "valueReference": {"reference": "Claim/1"}}]},
    ]
    status = {"resourceType": "Parameters", "parameter": parameters}
    assert read_bundle({"resourceType": "Bundle", "entry": [{"resource": status}]}).hints == ("Claim/1",)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([LINE + b"Transfer-Encoding: chunked\r\n" + KNOWN + b"\r\n", b"zz\r\n"], id="a chunk of no size"),
        pytest.param([LINE + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n"], id="refused before its body breaks"),
        pytest.param([b"HEAD /metadata HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx", b"\x00\r\n\r\n"], id="HEAD"),
        pytest.param([LINE + b"Content-Length: 5\r\n" + KNOWN + b"\r\nab"], id="hung up in the middle"),
        pytest.param([b"\x16\x03\x01\x02\x00\x01\x00"], id="TLS to a plain port"),
    ],
)
def test_what_stops_being_http_is_dropped_and_not_logged(sent: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), socket.create_connection(("127.0.0.1", listening()), timeout=5) as line:
        for piece in sent:
            line.sendall(piece)
        line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert not answer or int(answer.split()[1]) < 500
    assert [each.getMessage() for each in caplog.records] == []


def test_a_token_endpoint_whose_host_is_no_name_is_none() -> None:
    answer = httpx.Response(200, json={"token_endpoint": "http://xn--a-ecp.test/token"})
    asking = Mocked(httpx.MockTransport(lambda _: answer))
    services = BackendServices("https://fhir.test/fhir", client(), Need.READ, asking)
    with pytest.raises(AccessRefused, match="names no token endpoint"):
        run(services.header())


def test_the_address_of_a_token_endpoint_is_not_quoted() -> None:
    """Its path and host are words of the server's discovery document."""

    def answer(request: httpx.Request) -> httpx.Response:
        endpoint = {"token_endpoint": f"https://{MARKER}.test/{MARKER}"}
        return httpx.Response(200, json=endpoint if "smart" in request.url.path else {})

    services = BackendServices("https://fhir.test/fhir", client(), Need.READ, Mocked(httpx.MockTransport(answer)))
    with pytest.raises(AccessRefused, match=r"the token endpoint that https://fhir\.test/fhir names") as said:
        run(services.header())
    said_well(said.value)
