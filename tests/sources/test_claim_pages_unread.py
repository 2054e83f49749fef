"""No claim is lost without a word: it is read, or it changed within a stretch that is named as unread."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sources.paging_server import BEGIN, Fault, Json, PagingServer, bundle, claim
from sources.test_claim_pages import walked

from adapter.errors import SourceError

INSTANT = timedelta(milliseconds=2)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def apart(number: int, milliseconds: int) -> list[Json]:
    return [claim(each, BEGIN + timedelta(milliseconds=milliseconds * each)) for each in range(number)]


def together(number: int, size: int) -> list[Json]:
    """So many at each instant, a second from one instant to the next: as transactions write them."""
    return [claim(each, BEGIN + timedelta(seconds=each // size)) for each in range(number)]


def bad(number: int, status: int = 504) -> Fault:
    """No page is served that has this claim on it."""

    def fault(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
        entries = server.page(request, offset).json()["entry"]
        return httpx.Response(status) if any(each["resource"]["id"] == f"c{number}" for each in entries) else None

    return fault


def gone(_server: PagingServer, _request: httpx.Request, offset: int) -> httpx.Response | None:
    return httpx.Response(410) if offset else None


def gone_every_second_time(server: PagingServer, _request: httpx.Request, offset: int) -> httpx.Response | None:
    return httpx.Response(410) if offset and len(server.asked) % 2 == 0 else None


def stretches(unread: list[str]) -> list[tuple[datetime, datetime]]:
    found = [re.findall(r"20\d\d-\S+", each) for each in unread]
    return [(datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in found]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claims", "page", "fault", "lost"),
    [
        pytest.param(apart(90, 10), 20, bad(45), ["c45"], id="10 ms apart, one cannot be had"),
        pytest.param(apart(900, 10), 200, bad(450), ["c450"], id="10 ms apart, pages of 200"),
        pytest.param(apart(900, 17), 200, bad(450), ["c450"], id="17 ms apart: as fast as HAPI is loaded"),
        pytest.param(apart(900, 17), 200, bad(450, 500), ["c450"], id="17 ms apart, 500"),
        pytest.param(apart(900, 17), 200, bad(450, 410), ["c450"], id="17 ms apart, 410"),
        pytest.param(apart(90, 500), 20, bad(45), ["c45"], id="500 ms apart"),
        pytest.param(apart(90, 60_000), 20, bad(45), ["c45"], id="a minute apart"),
        pytest.param(apart(90, 60_000), 20, bad(0), ["c0"], id="the oldest cannot be had"),
        pytest.param(apart(90, 17), 20, bad(0, 500), ["c0"], id="the oldest cannot be had: 500"),
        pytest.param(apart(90, 17), 20, bad(89), ["c89"], id="the newest cannot be had"),
        pytest.param(apart(90, 10), 20, gone, [], id="10 ms apart, every further page is gone"),
        pytest.param(apart(1, 10), 20, bad(0), ["c0"], id="the only one cannot be had"),
        pytest.param(together(90, 90), 20, gone, range(20, 90), id="all at one instant, further pages gone"),
        pytest.param(together(60, 30), 20, gone, [*range(20, 30), *range(50, 60)], id="30 at once, further pages gone"),
        pytest.param(together(90, 30), 20, bad(45), range(45, 60), id="30 at once, one cannot be had"),
        pytest.param(together(1000, 200), 200, bad(450), range(450, 600), id="200 at once, one cannot be had"),
        pytest.param(together(300, 30), 20, gone_every_second_time, [], id="every second further page is gone"),
    ],
)
async def test_what_is_not_read_is_named_and_no_more(claims: list[Json], page: int, fault: Fault, lost: Any) -> None:
    """What is lost is at most what shares an instant with the fault."""
    read, unread, _ = await walked(PagingServer(claims, fault), page_size=page)
    missing = [each for each in claims if each["id"] not in read]
    assert [each["id"] for each in missing] == [each if isinstance(each, str) else f"c{each}" for each in lost]
    assert len(read) == len(set(read))
    named = stretches(unread)
    changed = [datetime.fromisoformat(each["meta"]["lastUpdated"]) for each in missing]
    assert all(any(begin <= each < end for begin, end in named) for each in changed)
    assert all(any(begin <= each < end <= begin + INSTANT for each in changed) for begin, end in named)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(sorted(named)))


@pytest.mark.anyio
async def test_a_resumed_run_whose_first_page_cannot_be_had_goes_on_behind_it() -> None:
    claims = apart(90, 17)
    server = PagingServer(claims, bad(45))
    read, unread, _ = await walked(server, page_size=20, since=claims[45]["meta"]["lastUpdated"])
    assert read == [f"c{each}" for each in range(46, 90)]
    assert len(unread) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "sent", [pytest.param(0, id="empty"), pytest.param(1, id="one claim"), pytest.param(2, id="two")]
)
async def test_a_page_that_is_not_full_is_not_the_end_while_it_links_on(sent: int) -> None:
    """Five are asked for, fewer are sent, and what follows is gone."""
    claims = apart(5, 0) + [claim(each, BEGIN + timedelta(milliseconds=1)) for each in range(5, 9)]

    def few(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
        if offset == 0 and "_lastUpdated" not in request.url.params:
            return None
        page = server.page(request, 0).json()
        entries = [each["resource"] for each in page["entry"]]
        link = str(request.url.copy_set_param("offset", "1")) if entries[sent:] or page["link"] else None
        return httpx.Response(410) if offset else bundle(entries[:sent], link)

    read, unread, _ = await walked(PagingServer(claims, few))
    missing = [datetime.fromisoformat(each["meta"]["lastUpdated"]) for each in claims if each["id"] not in read]
    assert missing
    assert all(any(begin <= each < end for begin, end in stretches(unread)) for each in missing)


@pytest.mark.anyio
async def test_a_server_that_never_sends_a_last_page_is_not_taken_to_be_at_its_end() -> None:
    """All claims were read, but nobody says so."""

    def always_more(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response | None:
        return server.page(request, offset, "http://elsewhere.test/fhir/Claim?page=2")

    server = PagingServer(apart(12, 500), always_more)
    read, unread, _ = await walked(server)
    assert sorted(read) == sorted(f"c{each}" for each in range(12))
    assert unread
    assert len(server.asked) < 1000


@pytest.mark.anyio
async def test_what_changed_by_a_clock_ahead_of_the_servers_is_named_too() -> None:
    server = PagingServer(apart(12, 10), bad(7), clock="Sat, 28 Feb 2026 12:00:00 GMT")
    read, unread, _ = await walked(server)
    assert read == [f"c{each}" for each in range(7)]
    assert [re.sub(r" could.*", "", each) for each in unread] == [
        "claims changed from 2026-03-01T00:00:00.060+00:00 on"
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"_sort": 400}, id="it does not sort"),
        pytest.param({"_count": 504}, id="it serves nothing"),
        pytest.param({"_sort": 504}, id="it serves no page of the walk"),
    ],
)
async def test_a_server_that_serves_no_page_ends_the_walk(answers: dict[str, int]) -> None:
    def fault(_server: PagingServer, request: httpx.Request, _offset: int) -> httpx.Response | None:
        return next((httpx.Response(answers[each]) for each in answers if each in request.url.params), None)

    server = PagingServer(apart(12, 10), fault)
    with pytest.raises(SourceError, match="answered"):
        await walked(server)
    assert len(server.asked) < 1000
