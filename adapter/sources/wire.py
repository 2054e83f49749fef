"""One request over HTTP and its whole answer, whatever happens on the way; https://hl7.org/fhir/R4/http.html.

Passing faults are waited out with ``patience``; every other becomes a ``SourceError`` of one line, as ``refusals``
words it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count

import httpx

from adapter.errors import InputError, SourceError
from adapter.evidence.references import Json
from adapter.fhir.paths import is_type_name
from adapter.sources.clock import ServerClock
from adapter.sources.json_text import parse_json
from adapter.sources.overload import LONGEST, Overload
from adapter.sources.pace import Pace
from adapter.sources.patience import BUSY, Busy, Patience, retry_after
from adapter.sources.refusals import Overloaded, Refusals, Unserved
from adapter.sources.sending import sent
from adapter.sources.witness import RequestWitness

FHIR_JSON = "application/fhir+json"
LONGEST_ANSWER = 10
"""Times the timeout, which counts from one piece of an answer to the next, that the whole of it may take."""
_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are no longer true of an answer that is unpacked."""
_KNOWN_MEDIA = frozenset({"text/html", "text/plain", "text/xml", "application/xml", "application/fhir+xml"})
"""What a message names; a server may write anything there."""
_TOO_MUCH = frozenset({429, 503})
"""Statuses by which a server says that it is asked too much, by anybody."""
Receive = Callable[[httpx.Response], Awaitable[None]]
"""Takes the body of a successful answer, piece by piece; called anew for each attempt."""


class CutShort(httpx.RemoteProtocolError):
    """A body that ends before it is whole, as ``Receive`` found; it is asked for again."""


class Wire:
    """Sends requests to one server, patiently, a few at a time, and reads no more of an answer than is allowed."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base: str,
        *,
        timeout: float,
        concurrency: int,
        patience: Patience,
        most_bytes: int,
    ) -> None:
        self.refusals = Refusals(base, timeout)
        self.shown = self.refusals.shown
        """The server's address for a message."""
        self.server_time: datetime | None = None
        """The clock by which it stamps what it changes, at its last answer that told of one."""
        self.clock = ServerClock()
        self.witness = RequestWitness()
        self._http = http
        self._timeout = timeout
        self._pace = Pace(concurrency)
        self._overload = Overload()
        self._patience = patience
        self._most_bytes = most_bytes

    async def ask(self, request: httpx.Request, what: str, *, repeatable: bool = True) -> Json:
        """Send and decode; any fault becomes a SourceError that names ``what`` was asked."""
        body = self.decoded(await self.send(request, what, repeatable=repeatable), what)
        self.clock.made(body)
        self.server_time = self.clock.time or self.server_time
        return body

    async def send(self, request: httpx.Request, what: str, *, repeatable: bool = True) -> httpx.Response:
        """The answer of a request that was carried out."""
        response = await self._answer(request, lambda: self._received(request), what, repeatable=repeatable)
        if not response.is_success:
            raise self.refusals.of(response, what)
        return response

    async def look(
        self, request: httpx.Request, what: str, *, repeatable: bool = True, later: frozenset[int] = frozenset()
    ) -> httpx.Response:
        """Whatever is answered, for who knows what each status means; ``later`` are those that are waited out."""
        return await self._answer(request, lambda: self._received(request), what, repeatable=repeatable, later=later)

    async def download(self, request: httpx.Request, what: str, receive: Receive, *, anonymous: bool = False) -> None:
        """Hand the body to ``receive`` as it comes, of any size; ``anonymous`` keeps our credentials out of it."""
        response = await self._answer(request, lambda: self._streamed(request, receive, anonymous=anonymous), what)
        if not response.is_success:
            raise self.refusals.of(response, what)

    async def _answer(
        self,
        request: httpx.Request,
        once: Callable[[], Awaitable[httpx.Response]],
        what: str,
        *,
        repeatable: bool = True,
        later: frozenset[int] = BUSY,
    ) -> httpx.Response:
        try:
            response = await self._persist(request, once, later, what, repeatable=repeatable)
        except Busy as busy:
            problem = f"{self.shown} answered {busy.status} to {what}, also when asked again"
            raise Unserved(problem, "try again later") from busy
        except httpx.RequestError as error:
            raise self.refusals.no_answer(error, what, request) from error
        self.clock.heard(response)
        self.server_time = self.clock.time or self.server_time
        return response

    async def _persist(
        self,
        request: httpx.Request,
        ask: Callable[[], Awaitable[httpx.Response]],
        later: frozenset[int],
        what: str,
        *,
        repeatable: bool,
    ) -> httpx.Response:
        number = count(1)

        async def once() -> httpx.Response:
            async with self._pace.slot() as began:
                self._leave_overloaded(what)
                with self.witness.attempt(request, next(number)) as answered:
                    response = await ask()
                    answered(response.status_code)
            if response.status_code in later:
                wait = retry_after(response)
                if response.status_code in _TOO_MUCH:
                    self._pace.pushed_back(began, wait)
                    self._overload.refused(what)
                raise Busy(response.status_code, wait)
            if response.status_code not in BUSY:
                self._pace.went_well()
                self._overload.served(what)
            return response

        return await self._patience.persist(once, repeatable=repeatable)

    def _leave_overloaded(self, what: str) -> None:
        if self._overload.lasts(what):
            problem = f"{self.shown} answered nothing but 429 or 503 to {what} for {LONGEST / 60:g} minutes"
            raise Overloaded(problem, "try again later")

    async def _received(self, request: httpx.Request) -> httpx.Response:
        """The whole answer, unless it is larger, or trickles longer, than any honest one."""
        try:
            async with asyncio.timeout(self._timeout * LONGEST_ANSWER):
                response = await sent(self._http, request)
                try:
                    body = await self._body(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            problem = f"{self.shown} was still sending its answer after {self._timeout * LONGEST_ANSWER:g} s"
            raise Unserved(problem, "ask for smaller pages with ADAPTER_PAGE_SIZE") from error
        return _unpacked(response, body)

    async def _streamed(self, request: httpx.Request, receive: Receive, *, anonymous: bool) -> httpx.Response:
        """Status and headers of an answer whose body was handed on; of a refusal the body too."""
        if anonymous:
            request.headers.pop("Authorization", None)
        # An Auth that does nothing; with None, httpx would take user and password from the address.
        auth = httpx.Auth() if anonymous else httpx.USE_CLIENT_DEFAULT
        response = await sent(self._http, request, auth=auth)
        try:
            if not response.is_success:
                async with asyncio.timeout(self._timeout):
                    return _unpacked(response, await self._body(response))
            await receive(response)
            return _unpacked(response, b"")
        except TimeoutError as error:
            raise Unserved(
                f"{self.refusals.named(request)} was still sending its refusal after {self._timeout:g} s"
            ) from error
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._most_bytes:
                problem = f"{self.shown} sends an answer over the limit of {self._most_bytes} bytes"
                raise Unserved(problem, "raise ADAPTER_MAX_RESPONSE_BYTES, or ask for less by ADAPTER_PAGE_SIZE")
        return bytes(body)

    def decoded(self, response: httpx.Response, what: str) -> Json:
        """The FHIR resource that an answer holds; anything else is a SourceError."""
        media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media and not media.endswith("json"):
            told = media if media in _KNOWN_MEDIA else "something"
            problem = f"{self.shown} answered {told}, not FHIR JSON, to {what}"
            raise SourceError(problem, "is this the FHIR base URL?")
        try:
            body, repeats = parse_json(response.content)
        except InputError as error:
            raise Unserved(f"{self.shown} answered {what} with damaged or truncated JSON ({error})") from error
        if repeats:
            raise Unserved(f"{self.shown} answered {what} with JSON in which a key stands twice")
        if not isinstance(body, dict) or not is_type_name(body.get("resourceType")):
            raise SourceError(f"{self.shown} answered {what} with JSON that is not FHIR", "is this the FHIR base URL?")
        return body


def _unpacked(response: httpx.Response, body: bytes) -> httpx.Response:
    """The answer with its body at hand, and without the headers that told how it travelled."""
    # As bytes: httpx reads headers that are not ASCII, and will not write them.
    headers = [each for each in response.headers.raw if each[0].decode().lower() not in _OF_THE_WIRE]
    return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
