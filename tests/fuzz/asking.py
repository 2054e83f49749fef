"""What a server answers to us, spoilt: over raw HTTP, as a token, as a bulk export, and to a whole sync."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import httpcore
import httpx
from answers.story_stages import NOW, shipped
from fuzz.inputs import STORIES, header_text, headers, message, nasty, pieces, spoilt_bytes, spoilt_json
from fuzz.sound import nothing_reported, refused_well, said_well
from receiver.fhir_server import FhirServer

from adapter.auth.asking import Asking
from adapter.auth.backend_services import BackendServices
from adapter.auth.client import Client
from adapter.auth.keys import Algorithm, load_signing_keys, new_private_jwk
from adapter.auth.scopes import Need
from adapter.cli.commands import of_server
from adapter.errors import AdapterError
from adapter.limits import Limits
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.addresses import own_address
from adapter.sources.bulk.export import Export, deleted, problems
from adapter.sources.bulk.folder import Folder
from adapter.sources.bulk.kickoff import Wanted
from adapter.sources.bulk.pace import Pace as BulkPace
from adapter.sources.bulk.pace import asked_wait, progress_of
from adapter.sources.clock import http_date, server_time
from adapter.sources.faults import bearer_error, codes_of
from adapter.sources.fhir_client import FhirClient
from adapter.sources.pace import Pace
from adapter.sources.patience import LONGEST_RETRY_AFTER, Patience, retry_after
from adapter.sources.server import ServerSource
from adapter.subscriptions.found import Found
from adapter.sync.reconciler import Reconciler
from adapter.sync.server import sync_server

BASE = "http://fhir.test/fhir"
AT_ONCE = Patience(attempts=2, first_wait=0, longest_wait=0)
MOST_BYTES = 300_000
STATUSES = (200, 200, 200, 200, 200, 201, 202, 204, 206, 301, 304, 400, 401, 403, 404, 409, 410, 412, 422, 500, 501)
"""429, 502, 503 and 504 are waited out; ``tests/faults`` has them."""


class Jumping:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def hasty(transport: httpx.AsyncBaseTransport) -> FhirClient:
    """A client that waits for nothing."""
    client = FhirClient(BASE, transport=transport, patience=AT_ONCE, timeout=5, max_response_bytes=MOST_BYTES)
    clock = Jumping()
    client.wire._pace = Pace(8, clock=clock, sleep=clock.sleep)
    return client


# --- any bytes of one answer


class Recorded(httpcore.AsyncMockBackend):
    """Every connection is answered by the same bytes."""


def raw(random: Random) -> None:
    """Whatever comes over the wire in answer to any request is an answer, or one readable error."""
    transport = httpx.AsyncHTTPTransport(verify=False)
    backend = httpcore.AsyncMockBackend(pieces(_wired(random), random))
    transport._pool = httpcore.AsyncConnectionPool(network_backend=backend)
    ask = random.choice(REQUESTS)
    with nothing_reported():
        refused_well(_asked(hasty(transport), ask))


async def _asked(client: FhirClient, ask: Callable[[FhirClient], Awaitable[Any]]) -> None:
    async with client:
        await ask(client)


async def _pages(client: FhirClient) -> list[Any]:
    return [each async for page in client.search("Claim", {"status": "active"}) for each in page]


async def _export(client: FhirClient) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pace = BulkPace(0, sleep=Jumping().sleep)
        await Export(client, Folder(Path(folder) / "x"), pace, SMALL, lambda *_: None).fetch(Wanted(("Claim",)))


SMALL = Limits(max_json_bytes=100_000, max_claim_lines=50)
REQUESTS: tuple[Callable[[FhirClient], Awaitable[Any]], ...] = (
    FhirClient.capabilities, _pages, _pages, _export,
    lambda client: client.read("Subscription", "1"),
    lambda client: client.count("Claim", {}),
    lambda client: client.last_version("Claim", "1"),
    lambda client: client.deletions("Claim", "2026-01-01T00:00:00Z"),
    lambda client: client.first_pages([("Claim", {})]),
    lambda client: client.batch([{"request": {"method": "GET", "url": "Claim/1"}}]),
    lambda client: client.operation("Subscription", "1", "$status"),
    lambda client: client.update({"resourceType": "ClaimResponse", "id": "1", "meta": {"versionId": "1"}}),
    lambda client: client.create({"resourceType": "ClaimResponse"}),
)  # fmt: skip


def _wired(random: Random) -> bytes:
    body = _body(random)
    chunked = random.random() < 0.3
    usual = {"Content-Type": "application/fhir+json", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    usual |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    lines = [b": ".join(each) for each in headers(random, usual)]
    head = b"\r\n".join([f"HTTP/1.1 {random.choice(STATUSES)} said".encode(), *lines, b"", b""])
    parts = [f"{len(each):x}".encode() + b"\r\n" + each + b"\r\n" for each in [*pieces(body, random), b""]]
    whole = head + (b"".join(parts) if chunked else body)
    return spoilt_bytes(whole, random) if random.random() < 0.3 else whole


def _body(random: Random) -> bytes:
    """A page, a batch's answer, an OperationOutcome, or any message; half of them spoilt once more."""
    resource = {"resourceType": "Claim", "id": "1", "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"}}
    known: list[dict[str, Any]] = [
        {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [{"resource": resource}],
         "link": [{"relation": "next", "url": random.choice((f"{BASE}?page=2", header_text(random)))}]},
        {"resourceType": "Bundle", "type": "batch-response",
         "entry": [{"resource": {"resourceType": "Bundle", "entry": []}, "response": {"status": "200"}}]},
        {"resourceType": "Bundle", "type": "history",
         "entry": [{"request": {"method": "DELETE", "url": "Claim/1"}, "response": {"lastModified": "2026"}}]},
        {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
         "rest": [{"mode": "server", "interaction": [{"code": "batch"}], "resource": [{"type": "Claim"}]}]},
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]},
        {"resourceType": "Subscription", "id": "1", "status": "active", "channel": {"type": "rest-hook"}},
        {"transactionTime": "2026-01-01T00:00:00Z", "request": BASE, "requiresAccessToken": True, "error": [],
         "output": [{"type": "Claim", "url": f"{BASE}/f", "count": 1}]},
    ]  # fmt: skip
    content = json.dumps(random.choice(known)).encode() if random.random() < 0.8 else message(random)
    return spoilt_json(content, random) if random.random() < 0.6 else content


# --- headers and addresses


def header_values(random: Random) -> None:
    """What we read out of headers and links is a value in its range, or nothing."""
    usual = {name: header_text(random) for name in ("Retry-After", "Date", "WWW-Authenticate", "X-Progress")}
    chosen = [each for each in headers(random, usual) if each[0] != b"content-encoding"]
    response = httpx.Response(503, headers=chosen, content=_body(random))
    wait, asked = retry_after(response), asked_wait(response)
    assert wait is None or 0 <= wait <= LONGEST_RETRY_AFTER
    assert asked is None or asked >= 0
    assert all(each is None or each.tzinfo for each in (server_time(response), http_date(header_text(random))))
    assert progress_of(response).isprintable()
    assert len(bearer_error(response)) < 40
    assert codes_of(response).isascii()
    try:
        address = own_address(BASE, random.choice((header_text(random), nasty(random))), "links to a page")
    except AdapterError as error:
        said_well(error)
    else:
        assert httpx.URL(address).host == "fhir.test"


# --- tokens and keys


@cache
def _signing_key() -> Any:
    jwk, _ = new_private_jwk(Algorithm.ES384)
    return jwk


@cache
def client() -> Client:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key.json"
        path.write_text(json.dumps(_signing_key()))
        return Client("us", load_signing_keys(path, "the key")[0])


def token(random: Random) -> None:
    """Whatever discovery and the token endpoint say ends in a header that can be sent, or an error of access."""

    def answer(request: httpx.Request) -> httpx.Response:
        known: dict[str, Any] = {
            "access_token": "abc",
            "token_type": "bearer",
            "expires_in": 300,
            "scope": "system/*.read",
        }
        if request.url.path.endswith("smart-configuration"):
            address = header_text(random) if random.random() < 0.2 else "https://fhir.test/token"
            known = {"token_endpoint": address, "capabilities": ["permission-v2"], "scopes_supported": []}
        return _spoilt(httpx.Response(200, json=known), random)

    asking = Mocked(httpx.MockTransport(answer))
    services = BackendServices("https://fhir.test/fhir", client(), Need.READ, asking)

    async def sent() -> None:
        httpx.Headers({"Authorization": await services.header()})

    with nothing_reported():
        refused_well(sent())


class _Anywhere:
    """Whatever origin is asked about."""

    def __contains__(self, _url: object) -> bool:
        return True


class Mocked(Asking):
    """Asks nobody; which origins it may ask, ``tests/origins`` holds."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._timeout, self._patience, self._transport = 5, AT_ONCE, transport
        self.allowed: Any = _Anywhere()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport)


def keys(random: Random) -> None:
    """Any file in the place of our key: keys, or an error that quotes nothing of it."""
    content = json.dumps({"keys": [_signing_key()]}).encode()
    content = spoilt_json(content, random) if random.random() < 0.8 else spoilt_bytes(content, random)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key.json"
        path.write_bytes(content)
        try:
            load_signing_keys(path, "the key")
        except AdapterError as error:
            said_well(error)


def _spoilt(response: httpx.Response, random: Random) -> httpx.Response:
    """An answer as it is, or with another status, other headers or a spoilt body."""
    if random.random() < 0.5:
        return response
    content = spoilt_json(response.content, random)
    if random.random() < 0.2:
        content = spoilt_bytes(content, random)
    status = response.status_code if random.random() < 0.8 else random.choice(STATUSES)
    usual = {"Content-Type": response.headers.get("Content-Type", "")}
    return httpx.Response(status, headers=headers(random, usual), content=content)


# --- a bulk export


def bulk(random: Random) -> None:
    """An export whose every answer may be spoilt ends whole, or in one readable error; no file leaves its folder."""
    lines = b"".join(json.dumps({"resourceType": "Claim", "id": str(each)}).encode() + b"\n" for each in range(3))
    output = [{"type": "Claim", "url": f"{BASE}/f1"}, {"type": "Patient", "url": f"{BASE}/f2"}]
    more = {
        "deleted": [{"type": "Bundle", "url": f"{BASE}/d"}],
        "error": [{"type": "OperationOutcome", "url": f"{BASE}/e"}],
    }
    manifest = {
        "transactionTime": "2026-01-01T00:00:00Z",
        "request": BASE,
        "requiresAccessToken": True,
        "output": output,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/$export"):
            return _spoilt(httpx.Response(202, headers={"Content-Location": f"{BASE}/status"}), random)
        if request.url.path.endswith("/status"):
            return _spoilt(httpx.Response(200, json={**manifest, **(more if random.random() < 0.5 else {})}), random)
        content = spoilt_bytes(lines, random) if random.random() < 0.4 else lines
        return httpx.Response(200, content=content, headers={"Content-Type": "application/fhir+ndjson"})

    with tempfile.TemporaryDirectory() as outer:
        folder = Folder(Path(outer) / "export")
        with nothing_reported():
            refused_well(_exported(hasty(httpx.MockTransport(answer)), folder))
        assert [each.name for each in Path(outer).iterdir()] in ([], ["export"])
        shutil.rmtree(folder.path, ignore_errors=True)


async def _exported(client: FhirClient, folder: Folder) -> None:
    async with client:
        pace = BulkPace(0, sleep=Jumping().sleep)
        job = await Export(client, folder, pace, SMALL, lambda *_: None).fetch(Wanted(("Claim", "Patient")))
        problems(folder, job)
        deleted(folder, job)


# --- a whole sync


@cache
def _ledger() -> Ledger:
    return Ledger(Path(tempfile.mkdtemp()) / "ledger.sqlite")


@cache
def _story(name: str) -> list[Any]:
    return [each["resource"] for each in json.loads((STORIES / name / "0_bundle.json").read_text())["entry"]]


class Lying(httpx.AsyncBaseTransport):
    """A server that now and then answers something else than it means."""

    def __init__(self, server: FhirServer, random: Random) -> None:
        self._inner = httpx.ASGITransport(server.app())
        self._random = random

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return _spoilt(response, self._random) if self._random.random() < 0.25 else response


def syncing(random: Random) -> None:
    """A sync of a server that lies ends with every claim answered, or named as unanswered, or one readable error."""
    server = FhirServer()
    for name in random.sample([each.name for each in sorted(STORIES.iterdir()) if each.is_dir()], 2):
        server.put(*deepcopy(_story(name)))
    with nothing_reported():
        refused_well(_synced(hasty(Lying(server, random))))


async def _synced(client: FhirClient) -> None:
    async with client:
        adjudicator = await of_server(client, "auto", shipped())
        source = ServerSource(client, adjudicator.mappings.plan, 10, sorted(adjudicator.mappings.scope), batches=True)
        instant = datetime.fromisoformat(NOW)
        sink = ServerSink(client, adjudicator.identifier_system, _ledger(), instant)
        report = await sync_server(
            Reconciler(source, sink, adjudicator, instant), since=None, ids=(), tell=lambda *_: None
        )
    ours = [each.problem for each in report.unanswered if "internal error" in each.problem]
    assert not ours, ours


def subscription(random: Random) -> None:
    """A Subscription as a server may have it: what is read of it is of the right type."""
    content = random.choice(messages_of_subscriptions())
    found = Found(json.loads(spoilt_json(content, random)))
    assert isinstance(found.endpoint, str)
    assert found.heartbeat is None or found.heartbeat >= 0


@cache
def messages_of_subscriptions() -> tuple[bytes, ...]:
    r4 = {"resourceType": "Subscription", "id": "1", "status": "active", "criteria": "Claim?",
          "channel": {"type": "rest-hook", "endpoint": "https://a.test/x", "header": ["Authorization: x"]}}  # fmt: skip
    r5 = {"resourceType": "Subscription", "id": "1", "status": "active", "topic": "http://x", "heartbeatPeriod": 60,
          "endpoint": "https://a.test/x", "parameter": [{"name": "Authorization", "value": "x"}]}  # fmt: skip
    return tuple(json.dumps(each).encode() for each in (r4, r5))
