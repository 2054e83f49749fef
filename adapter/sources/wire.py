"""One request over HTTP and its whole answer, whatever happens on the way; https://hl7.org/fhir/R4/http.html.

Every fault of the wire becomes a ``SourceError`` of one line. No line holds a query, a token or a server's free text:
queries carry member numbers, and diagnostics like to quote the record.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import orjson
import stamina

from adapter.errors import AccessRefused, InputError, SourceError, Step
from adapter.evidence.references import Json, objects
from adapter.fhir.paths import is_type_name
from adapter.sources.json_text import parse_json
from adapter.sources.pace import Pace

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
_TOO_MUCH = frozenset({429, 503})
"""Statuses by which a server says that it is asked too much, by anybody."""
_PASSING = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
_OUR_CERTIFICATE = "if it wants a client certificate, see that the right one is in ADAPTER_CLIENT_CERTIFICATE_FILE"
_BEARER_ERROR = re.compile(r'\berror="(invalid_request|invalid_token|insufficient_scope)"')
_ISSUE_CODE = re.compile(r"[a-z-]{1,40}")


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
        self.shown = shown(base)
        """The server's address for a message."""
        self.server_time: datetime | None = None
        """The server's clock at its last answer that told it."""
        self._http = http
        self._timeout = timeout
        self._pace = Pace(concurrency)
        self._patience = patience
        self._most_bytes = most_bytes

    async def ask(self, request: httpx.Request, what: str, *, repeatable: bool = True) -> Json:
        """Send and decode; any fault becomes a SourceError that names ``what`` was asked."""
        return self._decoded(await self.send(request, what, repeatable=repeatable), what)

    async def send(self, request: httpx.Request, what: str, *, repeatable: bool = True) -> httpx.Response:
        """The answer of a request that was carried out."""
        try:
            response = await self._persist(request, self._patience.attempts if repeatable else 1)
        except Busy as busy:
            problem = f"{self.shown} answered {busy.status} to {what}, also when asked again"
            raise Unserved(problem, "try again later") from busy
        except httpx.RequestError as error:
            raise self._unreachable(error, what, _step(request)) from error
        self.server_time = _server_time(response) or self.server_time
        if not response.is_success:
            raise self._refusal(response, what)
        return response

    async def _persist(self, request: httpx.Request, attempts: int) -> httpx.Response:
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
                response = await self._received(request)
            if response.status_code in BUSY:
                wait = retry_after(response)
                if response.status_code in _TOO_MUCH:
                    self._pace.pushed_back(began, wait)
                raise Busy(response.status_code, wait)
            self._pace.went_well()
            return response

        return await retrying(another_try, once)

    async def _received(self, request: httpx.Request) -> httpx.Response:
        """The whole answer, unless it is larger, or trickles longer, than any honest one."""
        try:
            async with asyncio.timeout(self._timeout * LONGEST_ANSWER):
                response = await self._http.send(request, stream=True)
                try:
                    body = await self._body(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            problem = f"{self.shown} was still sending its answer after {self._timeout * LONGEST_ANSWER:g} s"
            raise Unserved(problem, "ask for smaller pages with ADAPTER_PAGE_SIZE") from error
        headers = [each for each in response.headers.multi_items() if each[0] not in _OF_THE_WIRE]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._most_bytes:
                problem = f"{self.shown} sends an answer over the limit of {self._most_bytes} bytes"
                raise Unserved(problem, "raise ADAPTER_MAX_RESPONSE_BYTES, or ask for less by ADAPTER_PAGE_SIZE")
        return bytes(body)

    def _unreachable(self, error: httpx.RequestError, what: str, step: Step) -> SourceError:
        if (fault := tls_fault(error)) is not None and refuses_certificate(fault):
            return AccessRefused(f"{self.shown} refused us by TLS at {what}", _OUR_CERTIFICATE, step=step)
        if fault is not None:
            return SourceError(
                f"no trusted TLS connection to {self.shown}", f"check its certificate and the port; {_OUR_CERTIFICATE}"
            )
        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            return SourceError(f"cannot connect to {self.shown}", "is the server running, and the address right?")
        if isinstance(error, httpx.TimeoutException):
            return Unserved(f"{self.shown} did not answer {what} within {self._timeout:g} s")
        hint = _OUR_CERTIFICATE if self.shown.startswith("https:") else ""  # many servers say no by hanging up
        return Unserved(f"{self.shown} broke off {what} ({type(error).__name__})", hint)

    def _refusal(self, response: httpx.Response, what: str) -> SourceError:
        status = response.status_code
        if status in (401, 403):
            hint = "check the token or password" if status == 401 else "check the token's scopes, or our rights there"
            problem = f"{self.shown} refused us: it answered {status}{_bearer_error(response)} to {what}"
            return AccessRefused(problem, hint, step=_step(response.request))
        if response.is_redirect:
            hint = "use the address it leads to as the FHIR base URL"
            return SourceError(f"{self.shown} answered {status}, a redirect, to {what}", hint)
        codes = issue_codes(_lenient_json(response))
        hint = "is this the FHIR base URL?" if status == 404 else ""
        problem = f"{self.shown} answered {status}{f' ({codes})' if codes else ''} to {what}"
        return Refused(problem, hint, status=status, codes=codes)

    def _decoded(self, response: httpx.Response, what: str) -> Json:
        media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media and not media.endswith("json"):
            problem = f"{self.shown} answered {media}, not FHIR JSON, to {what}"
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


def _bearer_error(response: httpx.Response) -> str:
    """One of the three codes of https://www.rfc-editor.org/rfc/rfc6750#section-3.1, for a message."""
    found = _BEARER_ERROR.search(response.headers.get("WWW-Authenticate", ""))
    return f" ({found[1]})" if found else ""


def issue_codes(outcome: object) -> str:
    """The issue codes of an OperationOutcome; never its diagnostics, which quote what was sent."""
    codes = (issue.get("code") for issue in objects(outcome.get("issue") if isinstance(outcome, dict) else None))
    fitting = (code for code in codes if isinstance(code, str) and _ISSUE_CODE.fullmatch(code))
    return ", ".join(dict.fromkeys(fitting))


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a server asks us to wait, within reason; a date there is read by its own clock.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    written = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", written):
        return min(float(written), LONGEST_RETRY_AFTER)
    then, now = _http_date(written), _server_time(response) or datetime.now(UTC)
    return None if then is None else min(max((then - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def another_try(error: Exception) -> bool | float:
    if isinstance(error, Busy):
        return True if error.wait is None else error.wait
    return isinstance(error, _PASSING) and tls_fault(error) is None


def tls_fault(error: BaseException | None) -> ssl.SSLError | None:
    """The fault of TLS that an error comes from."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def refuses_certificate(fault: ssl.SSLError) -> bool:
    """Whether the server raised the alarm, and not we: it wants a certificate of us, or another one."""
    return "ALERT" in str(getattr(fault, "reason", ""))  # it is set by OpenSSL alone


def _lenient_json(response: httpx.Response) -> object:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def _server_time(response: httpx.Response) -> datetime | None:
    return _http_date(response.headers.get("Date", ""))


def _http_date(written: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(written)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # -0000 is UTC from nowhere in particular


def shown(url: str, *, path: bool = True) -> str:
    """The address for a message: without user, query and fragment."""
    parts = httpx.URL(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.host}{port}{parts.path.rstrip('/') if path else ''}"
