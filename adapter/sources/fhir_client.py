"""What FHIR's REST API offers, asked of one server; https://hl7.org/fhir/R4/http.html.

Only the server it is made for is ever called: links and references that lead elsewhere are refused or passed over.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx
import orjson

from adapter.errors import SourceError
from adapter.evidence.references import Json
from adapter.fhir.capabilities import created_once, does_as_a_whole
from adapter.limits import DEFAULT
from adapter.sources.addresses import checked_base, own_address
from adapter.sources.bundle_pages import BundlePages, Deletion, page_in
from adapter.sources.gate import NOWHERE_ELSE, Elsewhere, Verify, http_client
from adapter.sources.origin import allowed_from
from adapter.sources.paging import Paging, Parameters, expected
from adapter.sources.patience import Patience
from adapter.sources.refusals import Refused, Unserved
from adapter.sources.wire import FHIR_JSON, Wire

T = TypeVar("T")
_FINDS_NOTHING = {"_count": "1", "_lastUpdated": "lt2000-01-01T00:00:00+00:00"}
"""A search that finds nothing, and so costs little: there was no FHIR server yet."""
_GONE = frozenset({404, 410})


class FhirClient:
    """Reads, searches, writes and batches against one FHIR base URL; close it, or use it as a context manager."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: httpx.Auth | None = None,
        verify: Verify = True,
        elsewhere: Elsewhere = NOWHERE_ELSE,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 60.0,
        page_size: int = 200,
        concurrency: int = 8,
        patience: Patience | None = None,
        max_response_bytes: int = DEFAULT.max_response_bytes,
    ) -> None:
        self.base = checked_base(base_url)
        self._read = BundlePages(self.base)
        self._page_size = page_size
        self._capabilities: Json | None = None
        self._allowed = allowed_from(self.base, elsewhere.origins)
        self._http = http_client(
            self._allowed,
            verify=verify,
            elsewhere=elsewhere.verify,
            timeout=timeout,
            transport=transport,
            auth=auth,
            headers={"Accept": FHIR_JSON},
        )
        self.patience = patience or Patience()
        self._wire = Wire(
            self._http,
            self.base,
            timeout=timeout,
            concurrency=concurrency,
            patience=self.patience,
            most_bytes=max_response_bytes,
        )
        self._paging = Paging(self._http, self._wire, self.base, self._read, page_size)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    @property
    def wire(self) -> Wire:
        """For what is not one request and one FHIR resource; it is sent only what ``request`` made."""
        return self._wire

    @property
    def page_size(self) -> int:
        """Resources asked for in one page."""
        return self._page_size

    @property
    def server_time(self) -> datetime | None:
        """The clock by which it stamps what it changes, as near as it told so far; ``ask_time`` asks."""
        return self._wire.server_time

    async def ask_time(self) -> datetime | None:
        """As ``server_time``, after a page that may tell; None where no answer has a ``Date``."""
        if not self._wire.clock.is_stamped:
            with suppress(Refused, Unserved):  # then its Date and our own clock have to do
                await self._paging.first("Claim", str(httpx.QueryParams(_FINDS_NOTHING)))
        return self.server_time

    async def capabilities(self) -> Json:
        """The CapabilityStatement, asked for once."""
        if self._capabilities is None:
            request = self._http.build_request("GET", f"{self.base}/metadata")
            body = await self._wire.ask(request, "the request for its CapabilityStatement")
            self._capabilities = expected(body, "CapabilityStatement", self._wire.shown)
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
        return expected(body, kind, self._wire.shown)

    def pages(self, kind: str, params: Parameters) -> AsyncGenerator[Json]:
        """As ``search``, the Bundles themselves, for whoever has to know how they go on."""
        return self._paging.all(kind, params)

    async def search(self, kind: str, params: Parameters) -> AsyncIterator[list[Json]]:
        """The resources found (and included), page by page; a first page that is refused raises ``Refused``."""
        async for page in self._paging.all(kind, params):
            yield list(self._read.resources(page, kind))

    async def count(self, kind: str, params: Parameters) -> int | None:
        """How many resources a search would find; None when the server does not say."""
        page = await self._paging.first(kind, str(httpx.QueryParams({"_summary": "count", **params})))
        total = page.get("total")
        return total if type(total) is int and total >= 0 else None

    async def quiet_since(self, since: str) -> bool:
        """Whether nothing of any type changed at or after an instant; False also where the server does not tell."""
        if not does_as_a_whole(await self.capabilities(), "history-system"):
            return False
        try:
            page = await self._paging.first("_history", str(httpx.QueryParams({"_since": since, "_count": "1"})))
        except (Refused, Unserved):
            return False
        return page.get("type") == "history" and not self._read.listed(page, "entry") and not page.get("total")

    async def last_version(self, kind: str, id: str) -> Json | None:
        """What a resource said before it was deleted; None when it is not told."""
        try:
            page = await self._paging.first(f"{kind}/{quote(id, safe='')}/_history", "_count=2")
        except Refused:
            return None
        return next((each for each in self._read.resources(page) if each["resourceType"] == kind), None)

    async def deletions(self, kind: str, since: str) -> list[str]:
        """``Type/id`` of what was deleted at or after an instant; https://hl7.org/fhir/R4/http.html#history."""
        return [each.name for each in await self.deletions_told(kind, since)]

    async def deletions_told(self, kind: str, since: str) -> list[Deletion]:
        """As ``deletions``, each with what is told of it."""
        gone: list[Deletion] = []
        async for page in self._paging.all(f"{kind}/_history", {"_since": since}):
            gone += self._read.deleted(page, kind)
        return gone

    async def first_pages(self, searches: Sequence[tuple[str, Parameters]]) -> list[Json | None]:
        """The first page of each search (``Type`` or ``Type/_history``), asked for in one batch.

        None stands for one that was not answered by a page; then only the search by itself tells why.
        """
        urls = [f"{path}?{self._paging.query(params)}" for path, params in searches]
        entries = [{"request": {"method": "GET", "url": url}} for url in urls]
        answers = await self._batch(entries, "a batch of searches")
        return [page_in(answer) for answer in answers]

    def resources_of(self, page: Json) -> list[Json]:
        """The resources on a page of ``first_pages`` or ``following``."""
        return list(self._read.resources(page))

    def goes_on(self, page: Json) -> bool:
        """Whether there is a page after this one."""
        return self._read.following(page) is not None

    def following(self, path: str, page: Json) -> AsyncIterator[Json]:
        """A page and those after it."""
        return self._paging.following(path, page)

    async def batch(self, entries: Sequence[Json]) -> list[Json]:
        """Send the entries as one batch; returns the ``response`` part of each, in their order."""
        answers = await self._batch(entries, "a batch")
        replies = [answer.get("response") or {} for answer in answers]
        if not all(isinstance(each, dict) for each in replies):
            raise SourceError(f"{self._wire.shown} answered a batch with a response that is no object")
        return replies

    async def can_repeat(self, entries: Sequence[Json]) -> bool:
        """Whether sending the entries twice ends as sending them once; a condition counts where it is heeded."""
        asked = [each["request"] for each in entries if each["request"]["method"] == "POST"]
        if not all("ifNoneExist" in each for each in asked):
            return False
        return not asked or {each["url"] for each in asked} <= created_once(await self.capabilities())

    async def _batch(self, entries: Sequence[Json], what: str) -> list[Json]:
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}
        headers = {"Content-Type": FHIR_JSON, "Cache-Control": "no-cache"}
        request = self._http.build_request("POST", self.base, content=orjson.dumps(bundle), headers=headers)
        body = await self._wire.ask(request, what, repeatable=await self.can_repeat(entries))
        answers = self._read.listed(expected(body, "Bundle", self._wire.shown), "entry")
        if len(answers) != len(entries):
            raise SourceError(f"{self._wire.shown} answered {len(answers)} of {len(entries)} entries of a batch")
        return answers

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

    def own_address(self, written: object, told: str) -> str:
        """An address that the server told; refused when it leads to another server, which would get our token."""
        return own_address(self.base, written, told)

    def file_address(self, written: object, told: str) -> tuple[str, bool]:
        """The address of a file that the server told, and whether it keeps that itself; else without credentials."""
        address = own_address(self.base, written, told, self._allowed.further)
        return address, self._allowed.is_home(httpx.URL(address))

    def request(
        self, method: str, url: str, params: Parameters | None = None, content: bytes | None = None, **headers: str
    ) -> httpx.Request:
        """A request to an address of the server, for ``wire``; ``Cache_Control`` in ``headers`` has its hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.build_request(method, url, params=params, content=content, headers=named)


def search_value(text: str) -> str:
    """Escape one value of a search; https://hl7.org/fhir/R4/search.html#escaping."""
    return re.sub(r"([\\$,|])", r"\\\1", text)


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in portions that one request can bear."""
    return (values[start : start + size] for start in range(0, len(values), size))
