"""A server of claims that says something untrue of its pages: their order, their bounds, their end, or their times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from sources.paging_server import BASE, Json, PagingServer, holds


def when(resource: Json) -> datetime:
    return datetime.fromisoformat(resource["meta"]["lastUpdated"])


def sorted_as_asked(claims: list[Json], asked: str) -> list[Json]:
    return sorted(claims, key=when, reverse=asked.startswith("-"))


def only_upwards(claims: list[Json], _asked: str) -> list[Json]:
    return sorted(claims, key=when)


def newest_first(claims: list[Json], _asked: str) -> list[Json]:
    return sorted(claims, key=when, reverse=True)


def as_they_stand(claims: list[Json], _asked: str) -> list[Json]:
    return claims


def excluded(claim: Json, bound: str) -> bool:
    """``ge`` taken for ``gt``."""
    return holds(claim, bound) and when(claim) != datetime.fromisoformat(bound[2:])


def without_offset(claim: Json, bound: str) -> bool:
    """As if every bound were in UTC, whatever offset it has."""
    return holds(claim, f"{bound[:2]}{bound[2:].partition('+')[0]}+00:00")


def unbounded(_claim: Json, _bound: str) -> bool:
    return True


@dataclass
class UntrueServer(PagingServer):
    """True as far as nothing else is said of it."""

    order: Callable[[list[Json], str], list[Json]] = sorted_as_asked
    bounds: Callable[[Json, str], bool] = holds
    cap: int = 1000
    """Of a page, whatever is asked for."""
    links: Callable[[int], bool] = lambda _page: True
    """Whether there is a link on a page, by how many were sent."""
    total: Callable[[int], int | None] = lambda _number: None
    """What is told of so many as there are."""
    shown: Callable[[Json], Json] = lambda claim: claim
    sent: list[int] = field(default_factory=list)

    def page(self, request: httpx.Request, offset: int, following: str | None = None) -> httpx.Response:
        query = request.url.params
        asked = [bound for bound in query.get_list("_lastUpdated") if bound]
        found = [each for each in self.claims if all(self.bounds(each, bound) for bound in asked)]
        found = self.order(found, query.get("_sort", ""))
        count = min(int(query.get("_count", 0)), self.cap)
        self.sent.append(offset)
        some = [self.shown(each) for each in found[offset : offset + count]]
        link = str(request.url.copy_set_param("offset", str(offset + count)).copy_with(host="fhir.test"))
        goes_on = bool(count) and offset + count < len(found) and self.links(len(self.sent))
        body = {
            "resourceType": "Bundle",
            "type": "searchset",
            "link": [{"relation": "next", "url": link}] if goes_on else [],
            "entry": [{"resource": each} for each in some],
            "total": self.total(len(found)),
        }
        assert link.startswith(BASE)
        return httpx.Response(200, json={name: value for name, value in body.items() if value is not None})
