"""A server of claims that pages, and can be told to do it badly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

Json = dict[str, Any]
BASE = "http://fhir.test/fhir"
BEGIN = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
Fault = Callable[["PagingServer", httpx.Request, int], httpx.Response | None]


def claim(number: int, at: datetime | None = None) -> Json:
    """A claim changed so many minutes after the begin."""
    changed = at or BEGIN + timedelta(minutes=number)
    meta = {"versionId": "1", "lastUpdated": changed.isoformat(timespec="milliseconds")}
    return {"resourceType": "Claim", "id": f"c{number}", "meta": meta}


@dataclass
class PagingServer:
    """Sorted by last change; ``fault`` may answer in its place, and is given the offset of the page."""

    claims: list[Json]
    fault: Fault = lambda _server, _request, _offset: None
    asked: list[dict[str, str]] = field(default_factory=list)
    clock: str = "Sun, 01 Mar 2026 12:00:00 GMT"

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        offset = int(query.get("offset", 0))
        self.asked.append(dict(query))
        found = self.fault(self, request, offset) or self.page(request, offset)
        found.headers["Date"] = self.clock
        return found

    def page(self, request: httpx.Request, offset: int, following: str | None = None) -> httpx.Response:
        query = request.url.params
        count, bounds = int(query.get("_count", 0)), query.get_list("_lastUpdated")
        within = [each for each in self.claims if all(holds(each, bound) for bound in bounds)]
        within.sort(key=lambda each: str(each["meta"]["lastUpdated"]), reverse=query.get("_sort") == "-_lastUpdated")
        some = within[offset : offset + count]
        more = offset + count < len(within)
        bound = "".join(f"&_lastUpdated={each.replace('+', '%2B')}" for each in bounds)
        link = following or (f"{BASE}/Claim?_count={count}&offset={offset + count}{bound}" if more else None)
        return bundle(some, link)


def bundle(resources: Sequence[Json], following: str | None = None) -> httpx.Response:
    links = [{"relation": "next", "url": following}] if following else []
    entries = [{"resource": each} for each in resources]
    return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries})


def holds(resource: Json, bound: str) -> bool:
    changed, limit = datetime.fromisoformat(resource["meta"]["lastUpdated"]), datetime.fromisoformat(bound[2:])
    return changed >= limit if bound.startswith("ge") else changed < limit
