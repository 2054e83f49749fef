"""The one place that speaks HTTP to a FHIR server; https://hl7.org/fhir/R4/http.html.

Every fault of the wire becomes a ``SourceError`` of one line. No line holds a query, a token or a server's free text:
queries carry member numbers, and diagnostics like to quote the record.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urljoin

import httpx
import orjson
import stamina
from pydantic import SecretStr

from adapter.errors import InputError, SourceError, UsageError
from adapter.evidence.references import Json
from adapter.fhir.paths import is_type_name
from adapter.limits import DEFAULT
from adapter.sources.json_text import parse_json

# Both log requests with their whole URL, and a search URL holds identifiers.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

stamina.instrumentation.set_on_retry_hooks([])  # its own hook prints the call, and a search holds identifiers

Parameters = Mapping[str, str | Sequence[str]]
T = TypeVar("T")
MOST_EMPTY_PAGES = 20
"""Pages in a row without a resource; beyond that the server goes round in circles."""

FHIR_JSON = "application/fhir+json"
LONGEST_URL = 1500
"""Beyond it a search goes by POST; proxies cut URLs from 2 kB on."""
LONGEST_LAST_RESORT = 7000
"""For a server without ``_search``; web servers refuse request lines from 8 kB on."""
LONGEST_RETRY_AFTER = 30.0
LONGEST_ANSWER = 10
"""Times the timeout, which counts from one piece of an answer to the next, that the whole of it may take."""
_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are no longer true of an answer that is unpacked."""
_BUSY = frozenset({429, 502, 503, 504})
_NO_SUCH_METHOD = frozenset({404, 405, 501})
_GONE = frozenset({404, 410})
_PASSING = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
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


class _Busy(Exception):
    """A status that says: later. The message is the status alone, because stamina logs it."""

    def __init__(self, status: int, wait: float | None) -> None:
        self.status, self.wait = status, wait
        super().__init__(str(status))


class FhirClient:
    """Reads, searches, writes and batches against one FHIR base URL; close it, or use it as a context manager."""

    def __init__(
        self,
        base_url: str,
        *,
        token: SecretStr | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 60.0,
        page_size: int = 200,
        concurrency: int = 8,
        patience: Patience | None = None,
        max_response_bytes: int = DEFAULT.max_response_bytes,
    ) -> None:
        self.base = _checked_base(base_url)
        self.server_time: datetime | None = None
        """The server's clock at its last answer that told it."""
        self._shown = _shown(self.base)
        self._page_size = page_size
        self._timeout = timeout
        self._patience = patience or Patience()
        self._most_bytes = max_response_bytes
        self._slots = asyncio.Semaphore(concurrency)
        self._capabilities: Json | None = None
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=timeout,
            trust_env=False,
            follow_redirects=False,
            headers={"Accept": FHIR_JSON, **_authorization(token)},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def capabilities(self) -> Json:
        """The CapabilityStatement, asked for once."""
        if self._capabilities is None:
            request = self._http.build_request("GET", f"{self.base}/metadata")
            body = await self._ask(request, "the request for its CapabilityStatement")
            self._capabilities = self._expect(body, "CapabilityStatement")
        return self._capabilities

    async def read(self, kind: str, id: str) -> Json | None:
        """One resource; None when there is none, or no more."""
        request = self._http.build_request("GET", f"{self.base}/{kind}/{quote(id, safe='')}")
        try:
            body = await self._ask(request, f"a read of {kind}")
        except Refused as refused:
            if refused.status in _GONE:
                return None
            raise
        return self._expect(body, kind)

    async def search(self, kind: str, params: Parameters) -> AsyncIterator[list[Json]]:
        """The resources found (and included), page by page; a first page that is refused raises ``Refused``."""
        page = await self._first_page(kind, str(httpx.QueryParams({"_count": str(self._page_size), **params})))
        seen: set[str] = set()
        empty = 0
        while True:
            found = list(self._resources(page))
            empty = 0 if found else empty + 1
            if empty > MOST_EMPTY_PAGES:
                raise SourceError(f"{self._shown} sends page after page of {kind} with nothing on them")
            yield found
            following = self._next_page(page)
            if following is None:
                return
            if following in seen:
                raise SourceError(f"{self._shown} links a page of {kind} back to an earlier one, without end")
            seen.add(following)
            page = await self._further_page(kind, following)

    async def batch(self, entries: Sequence[Json]) -> list[Json]:
        """Send the entries as one batch; returns the ``response`` part of each, in their order."""
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}
        request = self._http.build_request(
            "POST", self.base, content=orjson.dumps(bundle), headers={"Content-Type": FHIR_JSON}
        )
        body = await self._ask(request, "a batch", repeatable=all(map(_repeatable, entries)))
        answers = self._listed(self._expect(body, "Bundle"), "entry")
        if len(answers) != len(entries):
            raise SourceError(f"{self._shown} answered {len(answers)} of {len(entries)} entries of a batch")
        replies = [answer.get("response") or {} for answer in answers]
        if not all(isinstance(each, dict) for each in replies):
            raise SourceError(f"{self._shown} answered a batch with a response that is no object")
        return replies

    async def operation(self, kind: str, id: str, name: str, params: Mapping[str, str] | None = None) -> Json:
        """What an operation answers that changes nothing, such as ``$status`` of a Subscription."""
        request = self._http.build_request("GET", f"{self.base}/{kind}/{quote(id, safe='')}/{name}", params=params)
        return await self._ask(request, f"{name} of a {kind}")

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> bool:
        """Create it; False when the condition (a query) found one instead. Without a condition it is sent once only."""
        kind = resource["resourceType"]
        headers = {"Content-Type": FHIR_JSON} | ({"If-None-Exist": if_none_exist} if if_none_exist else {})
        url = f"{self.base}/{kind}"
        request = self._http.build_request("POST", url, content=orjson.dumps(resource), headers=headers)
        answer = await self._sent(request, f"a new {kind}", repeatable=if_none_exist is not None)
        return answer.status_code == httpx.codes.CREATED

    async def update(self, resource: Json) -> None:
        """Replace the version that was read, by ``If-Match``; ``Refused`` 409 or 412 when somebody changed it since."""
        kind, version = resource["resourceType"], (resource.get("meta") or {}).get("versionId")
        headers = {"Content-Type": FHIR_JSON} | ({"If-Match": f'W/"{version}"'} if version else {})
        url = f"{self.base}/{kind}/{quote(resource['id'], safe='')}"
        request = self._http.build_request("PUT", url, content=orjson.dumps(resource), headers=headers)
        await self._sent(request, f"an update of a {kind}")

    async def delete(self, kind: str, id: str) -> None:
        """Delete it; that it is gone already is as good."""
        request = self._http.build_request("DELETE", f"{self.base}/{kind}/{quote(id, safe='')}")
        try:
            await self._sent(request, f"the removal of a {kind}")
        except Refused as refused:
            if refused.status not in _GONE:
                raise

    async def _first_page(self, kind: str, query: str) -> Json:
        url, what = f"{self.base}/{kind}", f"a search of {kind}"
        if len(url) + len(query) > LONGEST_URL:
            try:
                return await self._page(self._search_by_post(url, query), what)
            except Refused as refused:
                # Some servers know no _search; most then bear a longer URL.
                if refused.status not in _NO_SUCH_METHOD or len(query) > LONGEST_LAST_RESORT:
                    raise
        return await self._page(self._search_by_get(f"{url}?{query}"), what)

    async def _further_page(self, kind: str, url: str) -> Json:
        try:
            return await self._page(self._search_by_get(url), f"a further page of {kind}")
        except Refused as refused:
            # The first page was answered, so the search is supported: what follows must not pass for "unsupported".
            raise SourceError(refused.problem, "run it again") from refused

    async def _page(self, request: httpx.Request, what: str) -> Json:
        return self._expect(await self._ask(request, what), "Bundle")

    def _search_by_get(self, url: str) -> httpx.Request:
        return self._http.build_request("GET", url, headers={"Cache-Control": "no-cache"})

    def _search_by_post(self, url: str, query: str) -> httpx.Request:
        headers = {"Cache-Control": "no-cache", "Content-Type": "application/x-www-form-urlencoded"}
        return self._http.build_request("POST", f"{url}/_search", content=query.encode(), headers=headers)

    def _resources(self, page: Json) -> Iterator[Json]:
        for entry in self._listed(page, "entry"):
            resource = entry.get("resource")
            if resource is None:
                continue
            if not isinstance(resource, dict) or not is_type_name(resource.get("resourceType")):
                raise SourceError(f"{self._shown} sends a Bundle with an entry that holds no FHIR resource")
            if resource["resourceType"] != "OperationOutcome":
                yield resource

    def _listed(self, page: Json, name: str) -> list[Json]:
        """The objects of a list that a Bundle may have; anything else in its place must not pass for an empty one."""
        found = page.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise SourceError(f"{self._shown} sends a Bundle whose {name} is no list of objects")
        return found

    def _next_page(self, page: Json) -> str | None:
        """The address of the next page; refused when it leads to another server, which would get our token."""
        following = [link.get("url") for link in self._listed(page, "link") if link.get("relation") == "next"]
        if not following:
            return None
        written = following[0]
        if not isinstance(written, str):
            raise SourceError(f"{self._shown} links to a next page without an address")
        try:
            address = httpx.URL(urljoin(f"{self.base}/", written))
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceError(f"{self._shown} links to a next page by a malformed address") from error
        if _origin(address) != _origin(httpx.URL(self.base)):
            raise SourceError(
                f"{self._shown} links to a next page on another server, {_shown(str(address), path=False)}",
                "use the address by which the server knows itself",
            )
        return str(address)

    async def _ask(self, request: httpx.Request, what: str, *, repeatable: bool = True) -> Json:
        """Send and decode; any fault becomes a SourceError that names ``what`` was asked."""
        return self._decoded(await self._sent(request, what, repeatable=repeatable), what)

    async def _sent(self, request: httpx.Request, what: str, *, repeatable: bool = True) -> httpx.Response:
        """The answer of a request that was carried out."""
        try:
            response = await self._persist(request, self._patience.attempts if repeatable else 1)
        except _Busy as busy:
            problem = f"{self._shown} answered {busy.status} to {what}, also when asked again"
            raise SourceError(problem, "try again later") from busy
        except httpx.RequestError as error:
            raise self._unreachable(error, what) from error
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
            async with self._slots:
                response = await self._received(request)
            if response.status_code in _BUSY:
                raise _Busy(response.status_code, retry_after(response))
            return response

        return await retrying(_another_try, once)

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
            problem = f"{self._shown} was still sending its answer after {self._timeout * LONGEST_ANSWER:g} s"
            raise SourceError(problem, "ask for smaller pages with ADAPTER_PAGE_SIZE") from error
        headers = [each for each in response.headers.multi_items() if each[0] not in _OF_THE_WIRE]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._most_bytes:
                problem = f"{self._shown} sends an answer over the limit of {self._most_bytes} bytes"
                raise SourceError(problem, "raise ADAPTER_MAX_RESPONSE_BYTES, or ask for less by ADAPTER_PAGE_SIZE")
        return bytes(body)

    def _unreachable(self, error: httpx.RequestError, what: str) -> SourceError:
        if _is_tls(error):
            return SourceError(f"no trusted TLS connection to {self._shown}", "check its certificate and the port")
        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            return SourceError(f"cannot connect to {self._shown}", "is the server running, and the address right?")
        if isinstance(error, httpx.TimeoutException):
            return SourceError(f"{self._shown} did not answer {what} within {self._timeout:g} s")
        return SourceError(f"{self._shown} broke off {what} ({type(error).__name__})")

    def _refusal(self, response: httpx.Response, what: str) -> SourceError:
        status = response.status_code
        if status in (401, 403):
            hint = "check the token and its scopes"
            return SourceError(f"{self._shown} refused us: it answered {status} to {what}", hint)
        if response.is_redirect:
            hint = "use the address it leads to as the FHIR base URL"
            return SourceError(f"{self._shown} answered {status}, a redirect, to {what}", hint)
        codes = issue_codes(_lenient_json(response))
        hint = "is this the FHIR base URL?" if status == 404 else ""
        problem = f"{self._shown} answered {status}{f' ({codes})' if codes else ''} to {what}"
        return Refused(problem, hint, status=status, codes=codes)

    def _decoded(self, response: httpx.Response, what: str) -> Json:
        media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media and not media.endswith("json"):
            problem = f"{self._shown} answered {media}, not FHIR JSON, to {what}"
            raise SourceError(problem, "is this the FHIR base URL?")
        try:
            body, repeats = parse_json(response.content)
        except InputError as error:
            raise SourceError(f"{self._shown} answered {what} with damaged or truncated JSON ({error})") from error
        if repeats:
            raise SourceError(f"{self._shown} answered {what} with JSON in which a key stands twice")
        if not isinstance(body, dict) or not is_type_name(body.get("resourceType")):
            raise SourceError(f"{self._shown} answered {what} with JSON that is not FHIR", "is this the FHIR base URL?")
        return body

    def _expect(self, body: Json, kind: str) -> Json:
        if body["resourceType"] != kind:
            raise SourceError(f"{self._shown} answered with another resource where a {kind} was due")
        return body


def search_value(text: str) -> str:
    """Escape one value of a search; https://hl7.org/fhir/R4/search.html#escaping."""
    return re.sub(r"([\\$,|])", r"\\\1", text)


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in portions that one request can bear."""
    return (values[start : start + size] for start in range(0, len(values), size))


def issue_codes(outcome: object) -> str:
    """The issue codes of an OperationOutcome; never its diagnostics, which quote what was sent."""
    codes = (issue.get("code") for issue in objects(outcome.get("issue") if isinstance(outcome, dict) else None))
    fitting = (code for code in codes if isinstance(code, str) and _ISSUE_CODE.fullmatch(code))
    return ", ".join(dict.fromkeys(fitting))


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a server asks us to wait, within reason; a date there is passed over."""
    written = response.headers.get("Retry-After", "").strip()
    return min(float(written), LONGEST_RETRY_AFTER) if re.fullmatch(r"[0-9]{1,9}", written) else None


def _another_try(error: Exception) -> bool | float:
    if isinstance(error, _Busy):
        return True if error.wait is None else error.wait
    return isinstance(error, _PASSING) and not _is_tls(error)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _repeatable(entry: Json) -> bool:
    """Whether sending the entry twice ends as sending it once."""
    request = entry["request"]
    return request["method"] != "POST" or "ifNoneExist" in request


def objects(value: object) -> Iterator[Json]:
    """The objects of a list, whatever else stands in it or in its place."""
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _lenient_json(response: httpx.Response) -> object:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def _server_time(response: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _shown(url: str, *, path: bool = True) -> str:
    """The address for a message: without user, query and fragment."""
    parts = httpx.URL(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.host}{port}{parts.path.rstrip('/') if path else ''}"


def _checked_base(base_url: str) -> str:
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL as error:
        raise UsageError("the FHIR base URL is malformed") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError("the FHIR base URL must begin with http:// or https:// and name a server")
    if url.query or url.fragment:
        raise UsageError(f"the FHIR base URL {_shown(base_url)} must not have a query or fragment")
    return str(url).rstrip("/")


def _authorization(token: SecretStr | None) -> dict[str, str]:
    if token is None:
        return {}
    secret = token.get_secret_value()
    if not re.fullmatch(r"[!-~]+", secret):
        raise UsageError("the token is empty or holds characters that no HTTP header can carry")
    return {"Authorization": f"Bearer {secret}"}
