"""The receiver, pushed at in two ways: as an ASGI application, where anything can be sent, and over a real socket."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from random import Random
from typing import Any

import httpx
import uvicorn
from answers.story_stages import NOW, shipped
from fuzz.inputs import MARKER, header_text, headers, message, pieces, spoilt_bytes
from fuzz.sound import nothing_reported, run
from pydantic import SecretStr
from receiver.fhir_server import FhirServer

from adapter.limits import Limits
from adapter.notifications.model import Heard
from adapter.receiver.app import Receiver
from adapter.receiver.guard import Guard
from adapter.receiver.known import KnownSubscriptions
from adapter.receiver.protocol import DroppingProtocol
from adapter.receiver.rate_limit import PacedDoor
from adapter.receiver.submit.operation import NAME, PATH, Submit
from adapter.receiver.submit.submitting import Submitting
from adapter.receiver.work.group_commit import GroupCommit
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource
from adapter.sync.reconciler import Reconciler

BASE = "http://fhir.test"
INSTANT = datetime.fromisoformat(NOW)
SECRET = "0123456789abcdef"
MOST_BYTES = 50_000
ALLOWED_5XX = {503}
"""The server behind us may be away; nothing else of the 500s is an answer to a sender."""
METHODS = ("POST", "POST", "POST", "PUT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "post", "X")
PATHS = (
    "/subscriptions/claims", "/subscriptions/claims/", "/subscriptions/claims/Claim/42", "/subscriptions/claims/x/../y",
    "/subscriptions/claims/Claim/42/_history/1", "/subscriptions/claims/Clam/1", "/subscriptions/other", PATH,
    "/metadata", "/health/live", "/health/ready", "/", "", "//", "/subscriptions/", "/subscriptions/claims/\x1b[31m",
    "/subscriptions/claims/Claim/\u0661", "/subscriptions/claims/../../etc/passwd", "*", "http://elsewhere.test/",
)  # fmt: skip


class Idle:
    """A receiver whose work goes nowhere; of notifications it keeps the last."""

    def __init__(self) -> None:
        self.hints: list[str] = []
        door = PacedDoor({"claims": SecretStr(SECRET)}, 10**9, 10**9)
        transport = httpx.ASGITransport(FhirServer().app())
        self.client = FhirClient(BASE, transport=transport, patience=Patience(attempts=1))
        submitting = Submitting(self._reconciler, BASE, Limits(max_claim_lines=50), 10)
        submit = Submit(PacedDoor({NAME: SecretStr(SECRET)}, 10**9, 10**9), submitting.answer, most_bytes=MOST_BYTES)
        self.receiver = Receiver(
            door, GroupCommit(self._store), KnownSubscriptions(_read, None), _totals,
            frozenset({"Claim", "Encounter"}), most_bytes=MOST_BYTES, submit=submit,
        )  # fmt: skip
        self.app = Guard(self.receiver.app())

    async def _reconciler(self) -> Reconciler:
        adjudicator = shipped().only("r4")
        plan, codes = adjudicator.mappings.plan, sorted(adjudicator.mappings.scope)
        return Reconciler(ServerSource(self.client, plan, codes=codes), None, adjudicator, INSTANT, dry_run=True)

    def _store(self, hints: list[str], heard: list[Heard]) -> None:
        self.hints = hints
        json.dumps([hints, [each.name for each in heard]]).encode()


async def _read(id: str) -> dict[str, Any] | None:
    return {"resourceType": "Subscription", "id": id, "channel": {"endpoint": "https://a.test/subscriptions/claims"}}


async def _totals() -> dict[str, int]:
    return {}


@cache
def idle() -> Idle:
    return Idle()


def door(random: Random) -> None:
    """Any method, path, headers and body, in pieces, now and then broken off."""
    body = message(random) if random.random() < 0.9 else b" " * random.choice((0, 1, MOST_BYTES, MOST_BYTES + 1))
    path = random.choice(PATHS) if random.random() < 0.4 else random.choice(PATHS[:3])
    usual = {"Host": "a.test", "Content-Type": "application/fhir+json"} | _proof(body, random)
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": random.choice(METHODS), "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers(random, usual), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    with nothing_reported():
        status, content = run(_called(idle().app, scope, pieces(body, random), broken=random.random() < 0.05))
    check(status, content, repeats=path == PATH)


def submitting(random: Random) -> None:
    """The operation, always let in: what is sent is decided."""
    body = message(random)
    usual = {"Content-Type": "application/fhir+json", "Authorization": f"Bearer {SECRET}"}
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"",
        "headers": [(name.lower().encode(), text.encode()) for name, text in usual.items()],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    with nothing_reported():
        status, content = run(_called(idle().app, scope, pieces(body, random), broken=False))
    check(status, content, repeats=True)


def _proof(body: bytes, random: Random) -> dict[str, str]:
    """Mostly the right proof of who sends; else none, or a wrong one."""
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    proofs: list[dict[str, str]] = [
        {"Authorization": f"Bearer {SECRET}"}, {"Authorization": f"Bearer {SECRET}"}, {"X-Signature": signature},
        {}, {"Authorization": header_text(random)}, {"X-Signature": header_text(random)},
    ]  # fmt: skip
    return random.choice(proofs)


async def _called(app: Any, scope: dict[str, Any], body: list[bytes], *, broken: bool) -> tuple[int, bytes]:
    waiting: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": each, "more_body": True} for each in body
    ]
    waiting.append({"type": "http.disconnect"} if broken else {"type": "http.request", "body": b"", "more_body": False})
    statuses: list[int] = []
    answer = bytearray()

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(told: MutableMapping[str, Any]) -> None:
        if told["type"] == "http.response.start":
            statuses.append(told["status"])
        answer.extend(told.get("body", b""))

    await app(scope, receive, send)
    (status,) = statuses
    return status, bytes(answer)


def check(status: int, content: bytes, *, repeats: bool = False) -> None:
    """An answer is no fault of ours, FHIR or nothing, and repeats nothing of a notification."""
    assert status < 500 or status in ALLOWED_5XX, (status, content)
    assert status >= 200, status
    if content and not content.startswith((b"Invalid HTTP", b"Unsupported")):
        json.loads(content)
    assert repeats or MARKER.encode() not in content, content


# --- over a socket


@cache
def listening() -> int:
    """The port of the receiver behind uvicorn as ``serve`` sets it up, on a thread that ends with the process."""
    config = uvicorn.Config(Idle().app, "127.0.0.1", 0, http=DroppingProtocol, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return int(server.servers[0].sockets[0].getsockname()[1])


def over_the_wire(random: Random) -> None:
    """Any bytes on a connection, in pieces, slow, chunked rightly or wrongly; whatever is answered is no 500."""
    with nothing_reported(), socket.create_connection(("127.0.0.1", listening()), timeout=5) as line:
        answer = _exchanged(line, random)
    for status in re.findall(rb"(?:^|\n)HTTP/1\.1 (\d{3})", answer):
        assert int(status) < 500 or int(status) in ALLOWED_5XX, answer[:300]
    assert MARKER.encode() not in answer or PATH.encode() in answer, answer[:300]


def _exchanged(line: socket.socket, random: Random) -> bytes:
    """What is answered; it may hang up on what it will not read."""
    with suppress(OSError):
        for piece in pieces(_request(random), random):
            line.sendall(piece)
            if random.random() < 0.05:
                time.sleep(0.02)
        line.shutdown(socket.SHUT_WR)
    answer = bytearray()
    with suppress(ConnectionError):
        while some := line.recv(65536):
            answer += some
    return bytes(answer)


def _request(random: Random) -> bytes:
    body = message(random)[:20_000] if random.random() < 0.6 else b""
    usual = {"Host": "a.test", "Content-Type": "application/fhir+json"} | _proof(body, random)
    chunked = random.random() < 0.3
    usual |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    lines = [b": ".join(each) for each in headers(random, usual)]
    path = random.choice(PATHS).encode().replace(b"\x1b", b"%1b")
    head = b"\r\n".join([b" ".join((random.choice(METHODS).encode(), path, b"HTTP/1.1")), *lines, b"", b""])
    whole = head + (b"".join(_chunk(each) for each in [*pieces(body, random), b""]) if chunked else body)
    return spoilt_bytes(whole, random) if random.random() < 0.5 else whole


def _chunk(piece: bytes) -> bytes:
    return f"{len(piece):x}".encode() + b"\r\n" + piece + b"\r\n"
