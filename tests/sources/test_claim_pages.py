"""All claims are read once, whatever becomes of the pages; what cannot be read is said, and the rest goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sources.paging_server import BASE, BEGIN, Fault, PagingServer, bundle, claim

from adapter.errors import SourceError
from adapter.sources.claim_pages import ClaimPages
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience

ALL = [f"c{number}" for number in range(12)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def walked(
    server: PagingServer, *, page_size: int = 5, **extent: Any
) -> tuple[list[str], list[str], list[str | None]]:
    """The claims read in order, what was not read, and how far each page reaches."""
    patience = Patience(attempts=1)
    async with FhirClient(BASE, transport=server.transport(), patience=patience, page_size=page_size) as client:
        pages = ClaimPages(client, **extent)
        found = [page async for page in pages.pages()]
    return [each["id"] for page in found for each in page.claims], pages.unread, [page.reached for page in found]


def gone(_server: PagingServer, _request: httpx.Request, offset: int) -> httpx.Response | None:
    return httpx.Response(410) if offset else None


def repeats_itself(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
    """Every page links on to itself."""
    return server.page(request, offset, str(request.url)) if offset else None


def never_ends(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
    """The second page again and again, each time under another link."""
    if not offset:
        return None
    query = request.url.copy_set_param("offset", str(offset + 1))
    return bundle(server.claims[5:10], str(query))


def leads_elsewhere(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
    """Where a page is not the last one."""
    goes_on = server.page(request, offset).json()["link"]
    return server.page(request, offset, "http://elsewhere.test/fhir/Claim?page=2") if goes_on else None


def times_out(_server: PagingServer, _request: httpx.Request, offset: int) -> httpx.Response | None:
    return httpx.Response(504) if offset else None


def damaged(_server: PagingServer, _request: httpx.Request, offset: int) -> httpx.Response | None:
    return httpx.Response(200, content=b'{"resourceType": "Bun') if offset else None


def too_much_at_once(_server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
    """No further page comes, and none of more than two hours."""
    bounds = {each[:2]: datetime.fromisoformat(each[2:]) for each in request.url.params.get_list("_lastUpdated")}
    end = bounds.get("lt", BEGIN + timedelta(hours=12))
    return httpx.Response(504) if offset or (bounds and end - bounds.get("ge", BEGIN) > timedelta(hours=2)) else None


@pytest.mark.anyio
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(gone, id="a next link expires: 410"),
        pytest.param(repeats_itself, id="a page links to itself"),
        pytest.param(never_ends, id="the same page without end"),
        pytest.param(leads_elsewhere, id="next lies: another server"),
        pytest.param(times_out, id="504 on each further page"),
        pytest.param(damaged, id="a further page is cut off"),
        pytest.param(too_much_at_once, id="504 until the window is narrowed"),
    ],
)
async def test_every_claim_is_read_once_all_the_same(fault: Fault) -> None:
    server = PagingServer([claim(number) for number in range(12)], fault)
    claims, unread, _ = await walked(server)
    assert (claims, unread) == (ALL, [])


@pytest.mark.anyio
async def test_a_link_to_another_server_is_never_followed() -> None:
    server = PagingServer([claim(number) for number in range(12)], leads_elsewhere)
    await walked(server)
    assert all("page" not in each for each in server.asked)


def poisoned(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
    """Whatever page has claim c7 on it is not served."""
    entries = server.page(request, offset).json()["entry"]
    return httpx.Response(504) if any(each["resource"]["id"] == "c7" for each in entries) else None


@pytest.mark.anyio
async def test_what_cannot_be_read_is_said_and_the_rest_goes_on() -> None:
    server = PagingServer([claim(number) for number in range(12)], poisoned)
    claims, (unread,), _ = await walked(server)
    assert sorted(claims) == sorted(set(ALL) - {"c7"})
    begin, end = (datetime.fromisoformat(each) for each in re.findall(r"2026-\S+", unread))
    assert begin <= datetime.fromisoformat(claim(7)["meta"]["lastUpdated"]) < end <= begin + timedelta(seconds=1)
    assert "answered 504" in unread


@pytest.mark.anyio
async def test_a_server_on_which_nothing_works_any_more_is_not_asked_for_ever() -> None:
    """Only the first page, and the least of searches, are served."""

    def most_fails(_server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
        return httpx.Response(504) if offset or "_lastUpdated" in request.url.params else None

    server = PagingServer([claim(number) for number in range(12)], most_fails)
    claims, unread, _ = await walked(server)
    assert claims == ALL[:5]
    assert unread
    assert len(server.asked) < 1000


@pytest.mark.anyio
@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_ends_the_walk(status: int) -> None:
    server = PagingServer(
        [claim(number) for number in range(12)], lambda s, _r, _o: httpx.Response(status) if s.asked[1:] else None
    )
    with pytest.raises(SourceError, match="refused us"):
        await walked(server)


@pytest.mark.anyio
async def test_a_server_that_went_away_ends_the_walk() -> None:
    def away(server: PagingServer, _request: httpx.Request, offset: int) -> httpx.Response | None:
        return httpx.Response(504) if offset or len(server.asked) > 1 else None

    with pytest.raises(SourceError, match="answered 504"):
        await walked(PagingServer([claim(number) for number in range(12)], away))


def changes(server: PagingServer) -> None:
    changed = claim(0, BEGIN + timedelta(hours=3))
    server.claims[0] = changed | {"meta": {**changed["meta"], "versionId": "2"}}


def deletes(server: PagingServer) -> None:
    del server.claims[0]


@pytest.mark.anyio
@pytest.mark.parametrize(("happens", "again"), [(changes, ["c0"]), (deletes, [])], ids=["a change", "a deletion"])
async def test_pages_that_shift_leave_nothing_out(
    happens: Callable[[PagingServer], None], again: Sequence[str]
) -> None:
    """While the first page is read an earlier claim moves to the end or goes, and all others move one up."""

    def shifts(server: PagingServer, _request: httpx.Request, _offset: int) -> httpx.Response | None:
        if len(server.asked) == 2:
            happens(server)
        return None

    server = PagingServer([claim(number) for number in range(12)], shifts)
    claims, unread, _ = await walked(server)
    assert (claims, unread) == ([*ALL, *again], [])


def leaves_out_the_link(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response:
    page = server.page(request, offset).json()
    return httpx.Response(200, json={**page, "link": []})


def tells_the_total_alone(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response:
    """Pages of at most three, without a link; what is there in all is said."""
    smaller = httpx.Request("GET", request.url.copy_set_param("_count", "3"))
    everything = httpx.Request("GET", request.url.copy_set_param("_count", "100"))
    total = len(server.page(everything, offset).json()["entry"])
    return httpx.Response(200, json={**server.page(smaller, offset).json(), "link": [], "total": total})


def leads_to_patients(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
    goes_on = server.page(request, offset).json()["link"]
    return server.page(request, offset, f"{BASE}/Patient?_count=5") if goes_on else None


@pytest.mark.anyio
@pytest.mark.parametrize("lies", [leaves_out_the_link, tells_the_total_alone, leads_to_patients])
async def test_no_claim_hangs_on_a_link(lies: Fault) -> None:
    claims, unread, _ = await walked(PagingServer([claim(number) for number in range(12)], lies))
    assert (claims, unread) == (ALL, [])


@pytest.mark.anyio
async def test_claims_of_one_instant_are_read_by_their_links() -> None:
    claims, unread, _ = await walked(PagingServer([claim(number, BEGIN) for number in range(12)]))
    assert (sorted(claims), unread) == (sorted(ALL), [])


@pytest.mark.anyio
async def test_something_else_among_claims_of_one_instant_is_told() -> None:
    def patients(_server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
        return bundle([{"resourceType": "Patient", "id": "p"}]) if offset else None

    claims, unread, _ = await walked(PagingServer([claim(number, BEGIN) for number in range(12)], patients))
    assert len(claims) < 12
    assert "something else where claims were asked for" in unread[0]


@pytest.mark.anyio
async def test_a_server_that_keeps_to_no_bounds_is_read_by_its_links() -> None:
    claims = [claim(number) for number in range(12)]

    def unbounded(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response:
        return server.page(httpx.Request("GET", request.url.copy_remove_param("_lastUpdated")), offset)

    found, unread, _ = await walked(PagingServer(claims, unbounded))
    assert (found, unread) == (ALL, [])


@pytest.mark.anyio
async def test_how_far_each_page_reaches() -> None:
    server = PagingServer([claim(number) for number in range(12)])
    _, _, reached = await walked(server)
    assert reached == [claim(number)["meta"]["lastUpdated"] for number in (4, 8, 11)]


@pytest.mark.anyio
async def test_a_server_that_does_not_sort_has_not_come_anywhere() -> None:
    shuffled = [claim(3), claim(1), claim(2)]
    server = PagingServer(shuffled, lambda _server, _request, _offset: bundle(shuffled))
    claims, _, reached = await walked(server)
    assert (claims, reached) == (["c3", "c1", "c2"], [None])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        pytest.param("2026-03-01T00:03:00Z", None, ALL[3:], id="since, inclusive"),
        pytest.param(None, "2026-03-01T00:03:00Z", ALL[:3], id="until, exclusive"),
        pytest.param("2026-03-01T00:03:00Z", "2026-03-01T00:03:00Z", [], id="nothing between"),
    ],
)
async def test_a_window(since: str | None, until: str | None, found: list[str]) -> None:
    server = PagingServer([claim(number) for number in range(12)])
    bounds: dict[str, Any] = {name: value for name, value in (("since", since), ("until", until)) if value}
    assert (await walked(server, **bounds))[0] == found
