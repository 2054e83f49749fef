"""One request over HTTP and its whole answer, whatever happens on the way; https://hl7.org/fhir/R4/http.html.

Every fault of the wire becomes a ``SourceError`` of one line. No line holds a query, a token or a server's free text:
queries carry member numbers, and diagnostics like to quote the record.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import httpx
import stamina

from adapter.errors import AccessRefused, InputError, SourceError, Step
from adapter.evidence.references import Json
from adapter.fhir.paths import is_type_name
from adapter.sources.clock import ServerClock, http_date, server_time
from adapter.sources.faults import bearer_error, codes_of, refuses_certificate, tls_fault
from adapter.sources.json_text import parse_json
from adapter.sources.origin import allowed_from
from adapter.sources.pace import Pace
from adapter.sources.sending import sent
from adapter.sources.witness import RequestWitness

# Both log requests with their whole URL, and a search URL holds identifiers.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

stamina.instrumentation.set_on_retry_hooks([])  # its own hook prints the call, and a search holds identifiers

FHIR_JSON = "application/fhir+json"
LONGEST_RETRY_AFTER = 120.0
"""Seconds that a server may have us wait; who asks for more is asked again after this, a few times, and then left."""
LONGEST_ANSWER = 10
"""Times the timeout, which counts from one piece of an answer to the next, that the whole of it may take."""
_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are no longer true of an answer that is unpacked."""
BUSY = frozenset({429, 502, 503, 504})
_KNOWN_MEDIA = frozenset({"text/html", "text/plain", "text/xml", "application/xml", "application/fhir+xml"})
"""What a message names; a server may write anything there."""
_TOO_MUCH = frozenset({429, 503})
"""Statuses by which a server says that it is asked too much, by anybody."""
_PASSING = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
_OUR_CERTIFICATE = "if it wants a client certificate, see that the right one is in ADAPTER_CLIENT_CERTIFICATE_FILE"
Receive = Callable[[httpx.Response], Awaitable[None]]
"""Takes the body of a successful answer, piece by piece; called anew for each attempt."""


class CutShort(httpx.RemoteProtocolError):
    """A body that ends before it is whole, as ``Receive`` found; it is asked for again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a passing fault is waited out, in seconds."""

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 10.0


@dataclass
class Refused(SourceError):
    """The server answered, and said no; what that means for the run, the caller knows. Never a 401 or 403."""

    status: int = 0
    codes: str = ""
    """Issue codes of its OperationOutcome, for a message."""


@dataclass(eq=False)
class Unserved(SourceError):
    """The server is there, but did not serve this request: too busy for it, too slow, or with a damaged answer."""


class Busy(Exception):
    """A status that says: later. The message is the status alone, because stamina logs it."""

    def __init__(self, status: int, wait: float | None) -> None:
        self.status, self.wait = status, wait
        super().__init__(str(status))


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
        self._home = allowed_from(base)
        self.shown = shown(base)
        """The server's address for a message."""
        self.server_time: datetime | None = None
        """The clock by which it stamps what it changes, at its last answer that told of one."""
        self.clock = ServerClock()
        self.witness = RequestWitness()
        self._http = http
        self._timeout = timeout
        self._pace = Pace(concurrency)
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
            raise self.refusal(response, what)
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
            raise self.refusal(response, what)

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
            response = await self._persist(request, once, self._patience.attempts if repeatable else 1, later)
        except Busy as busy:
            problem = f"{self.shown} answered {busy.status} to {what}, also when asked again"
            raise Unserved(problem, "try again later") from busy
        except httpx.RequestError as error:
            raise self._unreachable(error, what, request) from error
        self.clock.heard(response)
        self.server_time = self.clock.time or self.server_time
        return response

    async def _persist(
        self,
        request: httpx.Request,
        ask: Callable[[], Awaitable[httpx.Response]],
        attempts: int,
        later: frozenset[int],
    ) -> httpx.Response:
        number = count(1)
        retrying = stamina.AsyncRetryingCaller(
            attempts=attempts,
            timeout=None,
            wait_initial=self._patience.first_wait,
            wait_jitter=self._patience.first_wait,
            wait_max=self._patience.longest_wait,
        )

        # A closure, because stamina's hooks log the arguments of what they retry, and this one's hold a query.
        async def once() -> httpx.Response:
            async with self._pace.slot() as began:
                with self.witness.attempt(request, next(number)) as answered:
                    response = await ask()
                    answered(response.status_code)
            if response.status_code in later:
                wait = retry_after(response)
                if response.status_code in _TOO_MUCH:
                    self._pace.pushed_back(began, wait)
                raise Busy(response.status_code, wait)
            if response.status_code not in BUSY:
                self._pace.went_well()
            return response

        return await retrying(another_try, once)

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
            raise Unserved(f"{self._named(request)} was still sending its refusal after {self._timeout:g} s") from error
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

    def _named(self, request: httpx.Request) -> str:
        """Whom a request went to: the server, or the keeper of its files."""
        return self.shown if self._home.is_home(request.url) else shown(str(request.url), path=False)

    def _unreachable(self, error: httpx.RequestError, what: str, request: httpx.Request) -> SourceError:
        server = self._named(request)
        if (fault := tls_fault(error)) is not None and refuses_certificate(fault):
            return AccessRefused(f"{server} refused us by TLS at {what}", _OUR_CERTIFICATE, step=_step(request))
        if fault is not None:
            return SourceError(
                f"no trusted TLS connection to {server}", f"check its certificate and the port; {_OUR_CERTIFICATE}"
            )
        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            return SourceError(f"cannot connect to {server}", "is the server running, and the address right?")
        if isinstance(error, httpx.TimeoutException):
            return Unserved(f"{server} did not answer {what} within {self._timeout:g} s")
        hint = _OUR_CERTIFICATE if server.startswith("https:") else ""  # many servers say no by hanging up
        return Unserved(f"{server} broke off {what} ({type(error).__name__})", hint)

    def refusal(self, response: httpx.Response, what: str) -> SourceError:
        """What an answer that is no success means, as an error to raise."""
        status, server = response.status_code, self._named(response.request)
        if status in (401, 403):
            hint = "check the token or password" if status == 401 else "check the token's scopes, or our rights there"
            if server != self.shown:
                hint = f"our credentials go to {self.shown} only, so have that keep its files itself"
            problem = f"{server} refused us: it answered {status}{bearer_error(response)} to {what}"
            return AccessRefused(problem, hint, step=_step(response.request))
        if response.is_redirect:
            hint = "use the address it leads to as the FHIR base URL"
            return SourceError(f"{server} answered {status}, a redirect{_leading(response)}, to {what}", hint)
        codes = codes_of(response)
        hint = "is this the FHIR base URL?" if status == 404 else ""
        problem = f"{server} answered {status}{f' ({codes})' if codes else ''} to {what}"
        return Refused(problem, hint, status=status, codes=codes)

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


def _step(request: httpx.Request) -> Step:
    """A search may go by POST too, and reads."""
    reads = request.method == "GET" or request.url.path.endswith("/_search")
    return Step.READ if reads else Step.WRITE


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a server asks us to wait, within reason; a date there is read by its own clock.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    written = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", written):
        return min(float(written), LONGEST_RETRY_AFTER)
    then, now = http_date(written), server_time(response) or datetime.now(UTC)
    return None if then is None else min(max((then - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def another_try(error: Exception) -> bool | float:
    if isinstance(error, Busy):
        return True if error.wait is None else error.wait
    return isinstance(error, _PASSING) and tls_fault(error) is None


def _unpacked(response: httpx.Response, body: bytes) -> httpx.Response:
    """The answer with its body at hand, and without the headers that told how it travelled."""
    # As bytes: httpx reads headers that are not ASCII, and will not write them.
    headers = [each for each in response.headers.raw if each[0].decode().lower() not in _OF_THE_WIRE]
    return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)


def _leading(response: httpx.Response) -> str:
    """Where a redirect leads when that is another server, for a message."""
    try:
        target = response.request.url.join(response.headers.get("Location", ""))
        elsewhere = target not in allowed_from(str(response.request.url))
    except (httpx.InvalidURL, ValueError):
        return ""
    return f" to another server, {shown(str(target), path=False)}" if elsewhere else ""


def shown(url: str, *, path: bool = True) -> str:
    """The address for a message: without user, query and fragment."""
    parts = httpx.URL(url)
    host = parts.netloc.decode("ascii")  # xn--..., for letters of other scripts look like ours
    return f"{parts.scheme}://{host}{parts.path.rstrip('/') if path else ''}"
