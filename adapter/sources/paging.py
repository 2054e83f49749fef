"""A search or a history, page by page; https://hl7.org/fhir/R4/http.html#paging.

By GET while an address is short enough for what stands between, else by POST. A server that goes round in circles is
told of and not followed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence

import httpx

from adapter.errors import SourceError
from adapter.evidence.references import Json
from adapter.sources.bundle_pages import BundlePages
from adapter.sources.refusals import Refused, Unserved
from adapter.sources.wire import Wire

Parameters = Mapping[str, str | Sequence[str]]
MOST_EMPTY_PAGES = 20
"""Pages in a row without a resource; beyond that the server goes round in circles."""

LONGEST_URL = 1500
"""Beyond it a search goes by POST; proxies cut URLs from 2 kB on."""
LONGEST_LAST_RESORT = 7000
"""For a server without ``_search``; web servers refuse request lines from 8 kB on."""
_NO_SUCH_METHOD = frozenset({404, 405, 501})


class Paging:
    """Asks one server for pages: Bundles as they came, of which ``read`` knows how to take out what is on them."""

    def __init__(self, http: httpx.AsyncClient, wire: Wire, base: str, read: BundlePages, page_size: int) -> None:
        self._http = http
        self._wire = wire
        self._base = base
        self._read = read
        self._page_size = page_size

    def query(self, params: Parameters) -> str:
        """The query of a search for pages of our size."""
        return str(httpx.QueryParams({"_count": str(self._page_size), **params}))

    async def all(self, path: str, params: Parameters) -> AsyncGenerator[Json]:
        """All pages of ``Type`` or ``Type/_history``; a first page that is refused raises ``Refused``."""
        async for page in self.following(path, await self.first(path, self.query(params))):
            yield page

    async def following(self, path: str, page: Json) -> AsyncGenerator[Json]:
        """A page and those after it."""
        seen: set[str] = set()
        empty = 0
        while True:
            empty = 0 if self._read.listed(page, "entry") else empty + 1
            if empty > MOST_EMPTY_PAGES:
                raise Unserved(f"{self._wire.shown} sends page after page of {path} with nothing on them")
            yield page
            following = self._read.following(page)
            if following is None:
                return
            if following in seen:
                raise Unserved(f"{self._wire.shown} links a page of {path} back to an earlier one, without end")
            seen.add(following)
            page = await self._further(path, following)

    async def first(self, path: str, query: str) -> Json:
        """The first page alone."""
        url, what = f"{self._base}/{path}", f"a search of {path}"
        if len(url) + len(query) > LONGEST_URL:
            try:
                return await self._page(self._by_post(url, query), what)
            except Refused as refused:
                # Some servers know no _search; most then bear a longer URL.
                if refused.status not in _NO_SUCH_METHOD or len(query) > LONGEST_LAST_RESORT:
                    raise
        return await self._page(self._by_get(f"{url}?{query}"), what)

    async def _further(self, path: str, url: str) -> Json:
        try:
            return await self._page(self._by_get(url), f"a further page of {path}")
        except Refused as refused:
            # The first page was answered, so the search is supported: what follows must not pass for "unsupported".
            raise Unserved(refused.problem, "run it again") from refused

    async def _page(self, request: httpx.Request, what: str) -> Json:
        return expected(await self._wire.ask(request, what), "Bundle", self._wire.shown)

    def _by_get(self, url: str) -> httpx.Request:
        return self._http.build_request("GET", url, headers={"Cache-Control": "no-cache"})

    def _by_post(self, url: str, query: str) -> httpx.Request:
        headers = {"Cache-Control": "no-cache", "Content-Type": "application/x-www-form-urlencoded"}
        return self._http.build_request("POST", f"{url}/_search", content=query.encode(), headers=headers)


def expected(body: Json, kind: str, shown: str) -> Json:
    """The resource that was asked for; ``shown`` is the server as messages name it.

    Raises:
        SourceError: it is another one.
    """
    if body["resourceType"] != kind:
        raise SourceError(f"{shown} answered with another resource where a {kind} was due")
    return body
