"""A proxy before a FHIR server that does damage by a script: which requests, from which one on, how many of them, how.

Nothing in it is left to chance: it counts the requests that a rule fits, and does to each what the first rule that is
due says. What it saw stays in ``seen``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import unquote

import httpx

Json = dict[str, Any]
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"})


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def said(self) -> str:
        """All that it says, as it is meant."""
        return f"{self.method} {unquote(self.target)} {unquote(self.body.decode())}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/fhir+json"),)

    @property
    def raw(self) -> bytes:
        named = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return f"HTTP/1.1 {self.status} x\r\n{named}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


@dataclass
class Exchange:
    """One request under way."""

    request: Request
    forward: Callable[[], Awaitable[Answer]]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    proxy: FaultProxy

    async def reply(self, answer: Answer) -> None:
        self.writer.write(answer.raw)
        await self.writer.drain()


Act = Callable[[Exchange], Awaitable[None]]
Fits = Callable[[Request], bool]


@dataclass
class Rule:
    """Does ``act`` to requests that fit: after the first ``after`` of them, to so many; of None, to all."""

    fits: Fits
    act: Act
    times: int | None = 1
    after: int = 0
    count: int = 0

    def takes(self, request: Request) -> bool:
        if not self.fits(request):
            return False
        self.count += 1
        return self.after < self.count and (self.times is None or self.count <= self.after + self.times)


# --- which requests


def says_all(*words: str) -> Fits:
    """A request that says all of this, anywhere."""
    return lambda request: all(each in request.said for each in words)


def writes_of(kind: str) -> Fits:
    """A batch that writes resources of a type."""
    return lambda request: request.method == "POST" and f'"resourceType":"{kind}"' in request.said


# --- what is done to them


def answers(status: int, body: bytes = b"", **headers: str) -> Act:
    """In the server's place; it does not hear of the request."""
    named = {"Content-Type": "application/fhir+json"} | {name.replace("_", "-"): each for name, each in headers.items()}

    async def act(exchange: Exchange) -> None:
        await exchange.reply(Answer(status, body, tuple(named.items())))

    return act


def edits(change: Callable[[Json], Json]) -> Act:
    """The server's answer, changed."""

    async def act(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await exchange.reply(replace(answer, body=json.dumps(change(json.loads(answer.body))).encode()))

    return act


def cuts_off() -> Act:
    """The first half of the server's answer, for all of it."""

    async def act(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await exchange.reply(replace(answer, body=answer.body[: len(answer.body) // 2]))

    return act


def resets() -> Act:
    """The server does what it is asked; of its answer half arrives, then the connection is reset."""

    async def act(exchange: Exchange) -> None:
        answer = await exchange.forward()
        exchange.writer.write(answer.raw[: -len(answer.body) // 2 or None])
        await exchange.writer.drain()
        _reset(exchange.writer)

    return act


def loses() -> Act:
    """The server does what it is asked; of its answer nothing arrives."""

    async def act(exchange: Exchange) -> None:
        await exchange.forward()
        _reset(exchange.writer)

    return act


def stalls() -> Act:
    """The server does what it is asked; of its answer half arrives, and then nothing more until the client hangs up."""

    async def act(exchange: Exchange) -> None:
        answer = await exchange.forward()
        exchange.writer.write(answer.raw[: -len(answer.body) // 2 or None])
        await exchange.writer.drain()
        await exchange.reader.read()

    return act


def signals(number: int) -> Act:
    """This process is sent a signal, and then the server's answer."""

    async def act(exchange: Exchange) -> None:
        os.kill(os.getpid(), number)
        await exchange.reply(await exchange.forward())

    return act


def goes_away() -> Act:
    """Nobody listens any more, and who is connected is no more."""

    async def act(exchange: Exchange) -> None:
        exchange.proxy.go_away()

    return act


def _reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# --- the proxy


@dataclass
class FaultProxy:
    """Before the server at ``upstream``, a base URL; to be run by ``proxied``."""

    upstream: str
    rules: list[Rule] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    port: int = 0
    _listening: asyncio.Server | None = None
    _connected: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{httpx.URL(self.upstream).path}"

    def scripted(self, *rules: Rule) -> None:
        """From now on do this, and be there."""
        self.rules, self.seen = list(rules), []
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def go_away(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for each in list(self._connected):
            _reset(each)

    async def _listen(self) -> None:
        if self._listening is None:
            self._listening = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._listening.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connected.add(writer)
        try:
            while (request := await _request(reader)) is not None:
                self.seen.append(request)
                exchange = Exchange(request, partial(self.forward, request), reader, writer, self)
                taken = next((each for each in self.rules if each.takes(request)), None)
                if taken is None:
                    await exchange.reply(await exchange.forward())
                else:
                    await taken.act(exchange)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connected.discard(writer)
            writer.close()

    async def forward(self, request: Request) -> Answer:
        # The host stays ours, so that the server's links lead here.
        headers = [each for each in request.headers if each[0].lower() not in _HOP]
        address = str(httpx.URL(self.upstream).join("/")).rstrip("/") + request.target
        done = await self._http.request(request.method, address, headers=headers, content=request.body)
        kept = tuple(each for each in done.headers.multi_items() if each[0].lower() not in _HOP)
        return Answer(done.status_code, done.content, kept)

    def run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._http = httpx.AsyncClient(trust_env=False, timeout=120)
        self._loop.run_until_complete(self._listen())
        self._loop.call_soon(started.set)
        self._loop.run_forever()
        self.go_away()
        self._loop.run_until_complete(self._http.aclose())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


async def _request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (each.partition(":") for each in lines if each))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Request(method, target, headers, await reader.readexactly(length))


@contextmanager
def proxied(upstream: str) -> Iterator[FaultProxy]:
    """A proxy on a free loopback port, on a thread of its own."""
    proxy, started = FaultProxy(upstream), threading.Event()
    thread = threading.Thread(target=proxy.run, args=[started])
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        proxy.end()
        thread.join()
