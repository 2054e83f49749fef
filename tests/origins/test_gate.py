"""The last line: a request that somebody forgot to check, and an answer that unpacks to more than it should."""

from __future__ import annotations

import ast
import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from auth.clients import QUICK

import adapter
from adapter.auth.asking import MOST_BYTES, Asking
from adapter.errors import AccessRefused, SourceError, Step
from adapter.sources.fhir_client import FhirClient
from adapter.sources.gate import PIECE, Elsewhere, http_client, public_authorities
from adapter.sources.origin import allowed_from, written_origins

pytestmark = pytest.mark.anyio
HOME, FILES, EVIL = "https://fhir.test", "https://files.test", "https://evil.test"
CLAIM = json.dumps({"resourceType": "Claim", "id": "a"}).encode()


class Wire(httpx.AsyncBaseTransport):
    """Notes what goes out, and answers with what it is given."""

    def __init__(self, content: bytes = b"", **headers: str) -> None:
        self.sent: list[httpx.Request] = []
        self._content, self._headers = content, headers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        headers = {name.replace("_", "-"): value for name, value in self._headers.items()}
        return httpx.Response(200, headers=headers, stream=Large(self._content))


class Large(httpx.AsyncByteStream):
    """A body in one piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def client(wire: Wire, **more: Any) -> httpx.AsyncClient:
    allowed = allowed_from(HOME, written_origins(FILES))
    return http_client(allowed, verify=True, timeout=1, transport=wire, **more)


@pytest.mark.parametrize(
    ("url", "headers", "said"),
    [
        pytest.param(f"{HOME}/x", {}, "", id="the server"),
        pytest.param(f"{HOME}/x", {"Authorization": "Bearer t"}, "", id="the server, with a token"),
        pytest.param(f"{FILES}/x", {}, "", id="an allowed one"),
        pytest.param(f"{FILES}/x", {"Authorization": "Bearer t"}, "holds credentials", id="an allowed one, a token"),
        pytest.param(f"{EVIL}/x", {}, "https://evil.test was stopped", id="any other"),
        pytest.param("http://fhir.test/x", {}, "http://fhir.test was stopped", id="http"),
        pytest.param(f"{HOME}:8443/x", {}, "https://fhir.test:8443 was stopped", id="another port"),
    ],
)
async def test_what_leaves(url: str, headers: dict[str, str], said: str) -> None:
    wire = Wire()
    async with client(wire) as http:
        if not said:
            await http.get(url, headers=headers)
        else:
            with pytest.raises(SourceError, match=said):
                await http.get(url, headers=headers)
    assert [str(each.url) for each in wire.sent] == ([] if said else [url])


async def test_a_user_in_an_address_becomes_no_credentials() -> None:
    wire = Wire()
    async with client(wire) as http:
        with pytest.raises(SourceError, match="its address names a user"):
            await http.get("https://jane:pw@fhir.test/x")
    assert wire.sent == []


async def test_an_allowed_origin_sets_no_cookie_for_the_server() -> None:
    wire = Wire(Set_Cookie="s=1; Domain=.test; Path=/")
    async with client(wire) as http:
        await http.get(f"{FILES}/x")
        await http.get(f"{HOME}/x")
    assert "Cookie" not in wire.sent[1].headers


async def test_every_client_of_a_server_has_the_gate() -> None:
    wire = Wire(CLAIM)
    async with FhirClient(HOME, transport=wire, elsewhere=Elsewhere(), patience=QUICK) as fhir:
        with pytest.raises(SourceError, match="was stopped"):
            await fhir.wire.ask(fhir.request("GET", f"{EVIL}/Claim/a"), "a read of Claim")
        assert await fhir.read("Claim", "a")
    assert len(wire.sent) == 1


async def test_whoever_asks_for_tokens_has_the_gate() -> None:
    asking = Asking(True, 1, QUICK, allowed_from(HOME))
    with pytest.raises(SourceError, match="was stopped"):
        await asking.ask(Step.TOKEN, "it", f"{EVIL}/t", lambda http: http.build_request("POST", f"{EVIL}/t"))


# --- answers


@pytest.mark.parametrize(
    ("encoding", "pack", "fine"),
    [
        pytest.param("identity", bytes, True, id="as it is"),
        pytest.param("gzip", gzip.compress, True, id="gzip"),
        pytest.param("GZip", gzip.compress, True, id="in capitals"),
        pytest.param("deflate", zlib.compress, True, id="deflate"),
        pytest.param("br", bytes, False, id="not asked for"),
        pytest.param("gzip, gzip", lambda plain: gzip.compress(gzip.compress(plain)), False, id="packed twice"),
    ],
)
async def test_what_may_be_packed(encoding: str, pack: Any, *, fine: bool) -> None:
    wire = Wire(pack(CLAIM), Content_Encoding=encoding)
    async with FhirClient(HOME, transport=wire, patience=QUICK) as fhir:
        if fine:
            assert await fhir.read("Claim", "a") == json.loads(CLAIM)
        else:
            with pytest.raises(SourceError, match="in an encoding that was not asked for"):
                await fhir.read("Claim", "a")
    assert wire.sent[0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(("size", "fine"), [(50_000, True), (50_001, False)])
async def test_an_answer_is_counted_unpacked(size: int, *, fine: bool) -> None:
    plain = CLAIM.ljust(size)
    wire = Wire(gzip.compress(plain), Content_Encoding="gzip")
    async with FhirClient(HOME, transport=wire, patience=QUICK, max_response_bytes=50_000) as fhir:
        if fine:
            assert await fhir.read("Claim", "a")
        else:
            with pytest.raises(SourceError, match="over the limit of 50000 bytes"):
                await fhir.read("Claim", "a")


async def test_a_bomb_is_put_down_before_it_went_off() -> None:
    """64 MB of nothing in 64 kB; each piece that is unpacked holds at most a thousand times its size."""
    wire = Wire(gzip.compress(bytes(64_000_000)), Content_Encoding="gzip")
    async with client(wire) as http, http.stream("GET", f"{HOME}/x") as response:
        async for piece in response.aiter_bytes():
            assert len(piece) <= PIECE * 1032 + PIECE
            break


@pytest.mark.parametrize(("size", "fine"), [(MOST_BYTES, True), (MOST_BYTES + 1, False)])
async def test_an_answer_with_a_token_is_counted_unpacked(
    monkeypatch: pytest.MonkeyPatch, size: int, *, fine: bool
) -> None:
    wire = Wire(gzip.compress(b'{"a": "b"}'.ljust(size)), Content_Encoding="gzip")
    asking = Asking(True, 5, QUICK, allowed_from(HOME))
    monkeypatch.setattr(asking, "_client", lambda: client(wire))
    asked = asking.ask(Step.TOKEN, "it", HOME, lambda http: http.build_request("POST", HOME))
    if fine:
        assert (await asked).body == {"a": "b"}
    else:
        with pytest.raises(AccessRefused, match="more than 1000000 bytes"):
            await asked


class Trickling(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """Refuses, and never comes to an end with it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, stream=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.001)
            yield b" "


async def test_a_refusal_that_trickles_is_given_up() -> None:
    async def receive(_response: httpx.Response) -> None: ...

    async with FhirClient(HOME, transport=Trickling(), timeout=0.05, patience=QUICK) as fhir:
        with pytest.raises(SourceError, match="was still sending its refusal"):
            await fhir.wire.download(fhir.request("GET", f"{HOME}/file"), "a file", receive)


# --- nothing goes another way

MAKES_REQUESTS = {"aiohttp", "ftplib", "http.client", "pycurl", "requests", "urllib.request", "urllib3"}
OF_HTTPX = {"AsyncClient", "AsyncHTTPTransport", "Client", "HTTPTransport", "delete", "get", "head", "options"}
OF_HTTPX |= {"patch", "post", "put", "request", "stream"}
BY_OTHERS = {"metrics/spans.py": {"requests"}}
"""Whoever brings a way of its own, which is to ``ADAPTER_TRACES_URL``, with nothing of the environment."""
SOURCES = sorted(Path(adapter.__file__).parent.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(Path(adapter.__file__).parent).as_posix()


@pytest.mark.parametrize("path", [path for path in SOURCES if name_of(path) != "sources/gate.py"], ids=name_of)
def test_nobody_else_makes_a_client(path: Path) -> None:
    tree = ast.parse(path.read_text())
    nodes = list(ast.walk(tree))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert imported & MAKES_REQUESTS <= BY_OTHERS.get(name_of(path), set())
    made = {
        node.func.attr
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "httpx"
    }
    assert not made & OF_HTTPX
    assert "httpx" not in {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


def test_nothing_switches_verification_off() -> None:
    words = ("CERT_NONE", "CERT_OPTIONAL", "check_hostname", "verify=False", "_create_unverified", "SSLContext(")
    for path in SOURCES:
        found = [word for word in words if word in path.read_text()]
        assert not found, f"{name_of(path)}: {found}"


def test_the_public_authorities_are_believed_and_names_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "authorities.pem").write_text("")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, str(tmp_path / "authorities.pem"))
    context = public_authorities()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) > 50
    assert context.keylog_filename is None
