"""The only way out: every HTTP client is made here, and what leaves it is looked at once more.

Whoever reads an address that a server told checks it there, and says what led to it (``addresses.py``, and
``auth/discovery.py``). This is the last line behind them, for the address that somebody forgets to check.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Literal

import httpx

from adapter.errors import SourceError
from adapter.sources.origin import Allowed, Origin
from adapter.sources.refusals import Unserved, shown

# Both log requests with their whole URL, and a search URL holds identifiers.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Verify = ssl.SSLContext | Literal[True]
"""How certificates of servers are checked; True: by the public authorities. There is no way not to."""
PIECE = 16_384
"""Bytes of a packed body that are unpacked at once: at most about 16 MB, before anybody counts them."""
_UNPACKED, _PACKED = frozenset({"", "identity"}), frozenset({"gzip", "x-gzip", "deflate"})
"""What Content-Encoding may say. Of two on top of each other, each could multiply the size by a thousand."""
_CREDENTIALS = "Authorization"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Origins beside the server's own, and how TLS is spoken with them: without our certificate."""

    origins: frozenset[Origin] = frozenset()
    verify: Verify = True


NOWHERE_ELSE = Elsewhere()


class Gate(httpx.AsyncBaseTransport):
    """Lets requests to the allowed origins through, and credentials to the first of them only.

    Raises:
        SourceError: a request to anywhere else.
        Unserved: an answer that is packed in a way that was not asked for.
    """

    def __init__(
        self, allowed: Allowed, home: httpx.AsyncBaseTransport, further: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._allowed, self._home, self._further = allowed, home, further or home

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._check(request)
        if self._allowed.is_home(request.url):
            return await _checked(await self._home.handle_async_request(request), request)
        request.headers.pop("Cookie", None)  # the jar of httpx does not tell ports apart
        response = await _checked(await self._further.handle_async_request(request), request)
        response.headers.pop("Set-Cookie", None)
        return response

    def _check(self, request: httpx.Request) -> None:
        where = shown(str(request.url), path=False)
        if request.url not in self._allowed:
            problem = f"a request to {where} was stopped: that is not the configured server"
            raise SourceError(problem, "name it in ADAPTER_ALLOWED_ORIGINS if it belongs to it")
        if request.url.userinfo:
            raise SourceError(f"a request to {where} was stopped: its address names a user")
        if _CREDENTIALS in request.headers and not self._allowed.is_home(request.url):
            raise SourceError(f"a request to {where} was stopped: it holds credentials of the configured server")

    async def aclose(self) -> None:
        await self._home.aclose()
        await self._further.aclose()


def http_client(
    allowed: Allowed,
    *,
    verify: Verify,
    timeout: float,
    elsewhere: Verify | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.AsyncClient:
    """A client that follows no redirect and takes nothing from the environment: no proxy, no .netrc, no authorities.

    Args:
        verify: for TLS with the server, and with the further origins where ``elsewhere`` says nothing else.
        timeout: seconds to connect, to wait for a free connection, and from one piece sent or read to the next.
        transport: the wire, for tests; real connections without.
    """
    home = transport or _connections(verify)
    further = None if transport or elsewhere is None or not allowed.further else _connections(elsewhere)
    return httpx.AsyncClient(
        transport=Gate(allowed, home, further),
        timeout=timeout,
        trust_env=False,
        follow_redirects=False,
        auth=auth,
        headers={"Accept-Encoding": "gzip, deflate"} | dict(headers or {}),
    )


def public_authorities() -> ssl.SSLContext:
    """Believes the public authorities, whatever the environment says."""
    return keeping_keys(httpx.create_ssl_context(trust_env=False))


def keeping_keys(context: ssl.SSLContext) -> ssl.SSLContext:
    """Python writes the keys of every connection to the file that SSLKEYLOGFILE names; not ours."""
    context.keylog_filename = None  # type: ignore[assignment] # typeshed does not know that None ends it
    return context


def _connections(verify: Verify) -> httpx.AsyncBaseTransport:
    context = public_authorities() if verify is True else verify
    return httpx.AsyncHTTPTransport(verify=context, trust_env=False)


async def _checked(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in _UNPACKED:
        return response
    if encoding not in _PACKED:
        await response.aclose()
        raise Unserved(f"{shown(str(request.url), path=False)} answers in an encoding that was not asked for")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _InPieces(response.stream)
    return response


class _InPieces(httpx.AsyncByteStream):
    """A body in pieces that are small enough to be unpacked each in one go."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for read in self._stream:
            for start in range(0, len(read), PIECE):
                yield read[start : start + PIECE]

    async def aclose(self) -> None:
        await self._stream.aclose()
