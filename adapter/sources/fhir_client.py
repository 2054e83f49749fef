"""What FHIR's REST API offers, asked of one server; https://hl7.org/fhir/R4/http.html.

Only the server it is made for is ever called: links and references that lead elsewhere are refused or passed over.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urljoin

import httpx
import orjson
from pydantic import SecretStr

from adapter.errors import SourceError, UsageError
from adapter.evidence.references import Json, objects, parse_reference
from adapter.fhir.paths import is_type_name
from adapter.limits import DEFAULT
from adapter.sources.wire import FHIR_JSON, Patience, Refused, Wire, shown

Parameters = Mapping[str, str | Sequence[str]]
T = TypeVar("T")
MOST_EMPTY_PAGES = 20
"""Pages in a row without a resource; beyond that the server goes round in circles."""

LONGEST_URL = 1500
"""Beyond it a search goes by POST; proxies cut URLs from 2 kB on."""
LONGEST_LAST_RESORT = 7000
"""For a server without ``_search``; web servers refuse request lines from 8 kB on."""
_NO_SUCH_METHOD = frozenset({404, 405, 501})
_GONE = frozenset({404, 410})


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
        self._page_size = page_size
        self._capabilities: Json | None = None
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=timeout,
            trust_env=False,
            follow_redirects=False,
            headers={"Accept": FHIR_JSON, **_authorization(token)},
        )
        self._wire = Wire(
            self._http,
            self.base,
            timeout=timeout,
            concurrency=concurrency,
            patience=patience or Patience(),
            most_bytes=max_response_bytes,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    @property
    def server_time(self) -> datetime | None:
        """The server's clock at its last answer that told it."""
        return self._wire.server_time

    async def capabilities(self) -> Json:
        """The CapabilityStatement, asked for once."""
        if self._capabilities is None:
            request = self._http.build_request("GET", f"{self.base}/metadata")
            body = await self._wire.ask(request, "the request for its CapabilityStatement")
            self._capabilities = self._expect(body, "CapabilityStatement")
        return self._capabilities

    async def read(self, kind: str, id: str) -> Json | None:
        """One resource; None when there is none, or no more."""
        request = self._http.build_request("GET", f"{self.base}/{kind}/{quote(id, safe='')}")
        try:
            body = await self._wire.ask(request, f"a read of {kind}")
        except Refused as refused:
            if refused.status in _GONE:
                return None
            raise
        return self._expect(body, kind)

    async def search(self, kind: str, params: Parameters) -> AsyncIterator[list[Json]]:
        """The resources found (and included), page by page; a first page that is refused raises ``Refused``."""
        async for page in self._pages(kind, params):
            yield list(self._resources(page))

    async def count(self, kind: str, params: Parameters) -> int | None:
        """How many resources a search would find; None when the server does not say."""
        try:
            page = await self._first_page(kind, str(httpx.QueryParams({"_summary": "count", **params})))
        except Refused:
            return None
        total = page.get("total")
        return total if isinstance(total, int) else None

    async def last_version(self, kind: str, id: str) -> Json | None:
        """What a resource said before it was deleted; None when it is not told."""
        try:
            page = await self._first_page(f"{kind}/{quote(id, safe='')}/_history", "_count=2")
        except Refused:
            return None
        return next((each for each in self._resources(page) if each["resourceType"] == kind), None)

    async def deletions(self, kind: str, since: str) -> list[str]:
        """``Type/id`` of what was deleted at or after an instant; https://hl7.org/fhir/R4/http.html#history."""
        names: list[str] = []
        async for page in self._pages(f"{kind}/_history", {"_since": since}):
            requests = objects([entry.get("request") for entry in self._listed(page, "entry")])
            gone = (
                parse_reference({"reference": each.get("url")}) for each in requests if each.get("method") == "DELETE"
            )
            names += [each.local for each in gone if each is not None and each.local and each.kind == kind]
        return names

    async def _pages(self, path: str, params: Parameters) -> AsyncIterator[Json]:
        page = await self._first_page(path, str(httpx.QueryParams({"_count": str(self._page_size), **params})))
        seen: set[str] = set()
        empty = 0
        while True:
            empty = 0 if self._listed(page, "entry") else empty + 1
            if empty > MOST_EMPTY_PAGES:
                raise SourceError(f"{self._wire.shown} sends page after page of {path} with nothing on them")
            yield page
            following = self._next_page(page)
            if following is None:
                return
            if following in seen:
                raise SourceError(f"{self._wire.shown} links a page of {path} back to an earlier one, without end")
            seen.add(following)
            page = await self._further_page(path, following)

    async def batch(self, entries: Sequence[Json]) -> list[Json]:
        """Send the entries as one batch; returns the ``response`` part of each, in their order."""
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}
        request = self._http.build_request(
            "POST", self.base, content=orjson.dumps(bundle), headers={"Content-Type": FHIR_JSON}
        )
        body = await self._wire.ask(request, "a batch", repeatable=all(map(_repeatable, entries)))
        answers = self._listed(self._expect(body, "Bundle"), "entry")
        if len(answers) != len(entries):
            raise SourceError(f"{self._wire.shown} answered {len(answers)} of {len(entries)} entries of a batch")
        replies = [answer.get("response") or {} for answer in answers]
        if not all(isinstance(each, dict) for each in replies):
            raise SourceError(f"{self._wire.shown} answered a batch with a response that is no object")
        return replies

    async def operation(self, kind: str, id: str, name: str, params: Mapping[str, str] | None = None) -> Json:
        """What an operation answers that changes nothing, such as ``$status`` of a Subscription."""
        request = self._http.build_request("GET", f"{self.base}/{kind}/{quote(id, safe='')}/{name}", params=params)
        return await self._wire.ask(request, f"{name} of a {kind}")

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> bool:
        """Create it; False when the condition (a query) found one instead. Without a condition it is sent once only."""
        kind = resource["resourceType"]
        headers = {"Content-Type": FHIR_JSON} | ({"If-None-Exist": if_none_exist} if if_none_exist else {})
        url = f"{self.base}/{kind}"
        request = self._http.build_request("POST", url, content=orjson.dumps(resource), headers=headers)
        answer = await self._wire.send(request, f"a new {kind}", repeatable=if_none_exist is not None)
        return answer.status_code == httpx.codes.CREATED

    async def update(self, resource: Json) -> None:
        """Replace the version that was read, by ``If-Match``; ``Refused`` 409 or 412 when somebody changed it since."""
        kind, version = resource["resourceType"], (resource.get("meta") or {}).get("versionId")
        headers = {"Content-Type": FHIR_JSON} | ({"If-Match": f'W/"{version}"'} if version else {})
        url = f"{self.base}/{kind}/{quote(resource['id'], safe='')}"
        request = self._http.build_request("PUT", url, content=orjson.dumps(resource), headers=headers)
        await self._wire.send(request, f"an update of a {kind}")

    async def delete(self, kind: str, id: str) -> None:
        """Delete it; that it is gone already is as good."""
        request = self._http.build_request("DELETE", f"{self.base}/{kind}/{quote(id, safe='')}")
        try:
            await self._wire.send(request, f"the removal of a {kind}")
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
        return self._expect(await self._wire.ask(request, what), "Bundle")

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
                raise SourceError(f"{self._wire.shown} sends a Bundle with an entry that holds no FHIR resource")
            if resource["resourceType"] != "OperationOutcome":
                yield resource

    def _listed(self, page: Json, name: str) -> list[Json]:
        """The objects of a list that a Bundle may have; anything else in its place must not pass for an empty one."""
        found = page.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise SourceError(f"{self._wire.shown} sends a Bundle whose {name} is no list of objects")
        return found

    def _next_page(self, page: Json) -> str | None:
        """The address of the next page; refused when it leads to another server, which would get our token."""
        following = [link.get("url") for link in self._listed(page, "link") if link.get("relation") == "next"]
        if not following:
            return None
        written = following[0]
        if not isinstance(written, str):
            raise SourceError(f"{self._wire.shown} links to a next page without an address")
        try:
            address = httpx.URL(urljoin(f"{self.base}/", written))
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceError(f"{self._wire.shown} links to a next page by a malformed address") from error
        if _origin(address) != _origin(httpx.URL(self.base)):
            raise SourceError(
                f"{self._wire.shown} links to a next page on another server, {shown(str(address), path=False)}",
                "use the address by which the server knows itself",
            )
        return str(address)

    def _expect(self, body: Json, kind: str) -> Json:
        if body["resourceType"] != kind:
            raise SourceError(f"{self._wire.shown} answered with another resource where a {kind} was due")
        return body


def search_value(text: str) -> str:
    """Escape one value of a search; https://hl7.org/fhir/R4/search.html#escaping."""
    return re.sub(r"([\\$,|])", r"\\\1", text)


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in portions that one request can bear."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _repeatable(entry: Json) -> bool:
    """Whether sending the entry twice ends as sending it once."""
    request = entry["request"]
    return request["method"] != "POST" or "ifNoneExist" in request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _checked_base(base_url: str) -> str:
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL as error:
        raise UsageError("the FHIR base URL is malformed") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError("the FHIR base URL must begin with http:// or https:// and name a server")
    if url.query or url.fragment:
        raise UsageError(f"the FHIR base URL {shown(base_url)} must not have a query or fragment")
    return str(url).rstrip("/")


def _authorization(token: SecretStr | None) -> dict[str, str]:
    if token is None:
        return {}
    secret = token.get_secret_value()
    if not re.fullmatch(r"[!-~]+", secret):
        raise UsageError("the token is empty or holds characters that no HTTP header can carry")
    return {"Authorization": f"Bearer {secret}"}
