"""Nothing that a server says of its pages is believed unseen: each claim is read, or named as unread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import count
from typing import Any

import httpx
import pytest
from sources.paging_server import BASE, BEGIN, Json, PagingServer, bundle, claim
from sources.test_claim_pages import walked
from sources.untrue_server import (
    UntrueServer,
    as_they_stand,
    excluded,
    newest_first,
    only_upwards,
    unbounded,
    when,
    without_offset,
)

SUMMER = timezone(timedelta(hours=2))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def fifteen_at_once(number: int = 61) -> list[Json]:
    """By their numbers, fifteen in each second; a page takes ten."""
    return [claim(each, BEGIN + timedelta(seconds=each // 15)) for each in range(number)]


def newer_first() -> list[Json]:
    """As ``fifteen_at_once``, but the newest fifteen have the smallest numbers."""
    return [claim(each, BEGIN - timedelta(seconds=each // 15)) for each in range(61)]


def two_loads() -> list[Json]:
    """One after the other by number, and half of the time at once."""
    first = [claim(each, BEGIN + timedelta(seconds=each)) for each in range(40)]
    return first + [claim(40 + each, BEGIN + timedelta(seconds=20.5 + each)) for each in range(40)]


def apart(number: int = 61, **step: float) -> list[Json]:
    return [claim(each, BEGIN + timedelta(**step) * each) for each in range(number)]


def in_summer() -> list[Json]:
    return [claim(each, (BEGIN + timedelta(minutes=10) * each).astimezone(SUMMER)) for each in range(61)]


def of_no_day() -> list[Json]:
    early = claim(0)["meta"] | {"lastUpdated": "0001-01-01T00:00:00+00:00"}
    return [{**each, "meta": early} if number < 15 else each for number, each in enumerate(fifteen_at_once())]


def at_the_end_of_days() -> list[Json]:
    late = claim(0)["meta"] | {"lastUpdated": "9999-12-31T23:59:59.999+00:00"}
    return [{**each, "meta": late} if number > 45 else each for number, each in enumerate(fifteen_at_once())]


def rounded(resource: Json) -> Json:
    """Shown in whole seconds, up or down."""
    at = when(resource) + timedelta(milliseconds=500)
    return {**resource, "meta": {**resource["meta"], "lastUpdated": at.replace(microsecond=0).isoformat()}}


def told(number: int) -> int:
    return number


def never(_page: int) -> bool:
    return False


def but_for_the_fifth(page: int) -> bool:
    return page != 5


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claims", "says"),
    [
        pytest.param(fifteen_at_once(), {"links": never, "total": told}, id="never links, tells the total"),
        pytest.param(fifteen_at_once(), {"links": never}, id="never links, tells no total"),
        pytest.param(apart(seconds=1), {"links": never, "cap": 5}, id="never links, cuts pages at five"),
        pytest.param(apart(seconds=1), {"links": but_for_the_fifth, "cap": 5}, id="leaves one link out, cuts pages"),
        pytest.param(fifteen_at_once(), {"links": but_for_the_fifth, "cap": 5}, id="leaves one link out, instants"),
        pytest.param(apart(seconds=1), {"total": lambda _number: 5000}, id="a total of all there is"),
        pytest.param(apart(seconds=1), {"total": lambda _number: 0}, id="a total of none"),
        pytest.param(apart(seconds=1), {"order": only_upwards}, id="sorts upwards alone"),
        pytest.param(fifteen_at_once(60), {"order": newest_first}, id="newest first, many at once"),
        pytest.param(apart(seconds=1), {"order": newest_first, "cap": 1}, id="newest first, a claim a page"),
        pytest.param(newer_first(), {"order": as_they_stand}, id="by number, newer loads before"),
        pytest.param(two_loads(), {"order": as_they_stand}, id="by number, two loads at once"),
        pytest.param(newer_first(), {"order": as_they_stand, "links": never, "total": told}, id="by number, no links"),
        pytest.param(fifteen_at_once(), {"bounds": excluded}, id="ge as gt"),
        pytest.param(apart(milliseconds=370), {"shown": rounded}, id="shows seconds, knows more"),
        pytest.param(in_summer(), {"bounds": without_offset}, id="reads no offset"),
        pytest.param(fifteen_at_once(), {"bounds": unbounded}, id="keeps to no bounds"),
        pytest.param(of_no_day(), {}, id="the first day of all, a page full"),
        pytest.param(at_the_end_of_days(), {}, id="the last instant of all, a page full"),
    ],
)
async def test_every_claim_is_read(claims: list[Json], says: dict[str, Any]) -> None:
    server = UntrueServer(claims, **says)
    read, unread, _ = await walked(server, page_size=10)
    assert (sorted(read), unread) == (sorted(each["id"] for each in claims), [])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("says", "number"),
    [
        pytest.param({"cap": 5}, 5 * 10 + 5 + 1, id="cuts pages at five"),
        pytest.param({"cap": 5, "total": told}, 5 * 10 + 5 + 1, id="cuts pages at five, tells the total"),
        pytest.param({"cap": 1}, 12, id="cuts pages at one"),
        pytest.param({"bounds": unbounded, "total": told}, 100, id="keeps to no bounds, tells the total"),
        pytest.param({"bounds": unbounded, "order": as_they_stand, "total": told}, 100, id="and to no order"),
    ],
)
async def test_what_nobody_links_to_is_named(says: dict[str, Any], number: int) -> None:
    """Fifteen at once, of which no search can bring all; so many are read."""
    read, unread, _ = await walked(UntrueServer(fifteen_at_once(166), links=never, **says), page_size=10)
    assert len(read) == number
    assert unread


@pytest.mark.anyio
async def test_what_is_behind_a_cut_instant_is_read() -> None:
    read, unread, _ = await walked(UntrueServer(fifteen_at_once(), links=never, cap=5), page_size=10)
    assert [read.count(f"c{each}") for each in (0, 15, 30, 45, 60)] == [1] * 5
    assert len(unread) == 4


@pytest.mark.anyio
@pytest.mark.parametrize("bounds", [unbounded, lambda _claim, bound: bound.startswith("ge")], ids=["none", "ge alone"])
async def test_times_that_are_made_up_for_the_answer_keep_nobody(bounds: Any) -> None:
    seconds = count()

    def now(resource: Json) -> Json:
        at = BEGIN + timedelta(seconds=next(seconds))
        return {**resource, "meta": {"versionId": "1", "lastUpdated": at.isoformat()}}

    server = UntrueServer(apart(seconds=1), shown=now, bounds=bounds)
    read, unread, _ = await walked(server, page_size=10)
    assert (sorted(read), unread) == (sorted(f"c{each}" for each in range(61)), [])
    assert len(server.asked) < 30


@pytest.mark.anyio
async def test_claims_that_change_by_being_read_are_not_read_for_ever() -> None:
    seconds = count(1)
    server = UntrueServer(apart(seconds=1))

    def touched(resource: Json) -> Json:
        at = datetime.now(UTC) + timedelta(seconds=next(seconds))
        version = str(int(resource["meta"]["versionId"]) + 1)
        number = server.claims.index(resource)
        server.claims[number] = {**resource, "meta": {"versionId": version, "lastUpdated": at.isoformat()}}
        return resource

    server.shown = touched
    read, unread, _ = await walked(server, page_size=10)
    assert {f"c{each}" for each in range(61)} <= set(read)
    assert "as fast as they are read" in unread[-1]
    assert len(server.asked) < 1000


@pytest.mark.anyio
async def test_an_end_that_never_comes_is_given_up_however_slow_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the last claim empty pages follow each other, while an hour passes with each."""
    monkeypatch.setattr("adapter.sources.narrowing.MOST_FAULTS", 10)
    monkeypatch.setattr("adapter.sources.paging.MOST_EMPTY_PAGES", 2)

    def never_ends(server: PagingServer, request: httpx.Request, offset: int) -> httpx.Response:
        assert len(server.asked) < 500
        server.clock = format_datetime(BEGIN + timedelta(hours=len(server.asked)), usegmt=True)
        page = server.page(request, offset).json()
        following = f"{BASE}/Claim?_count=10&offset={1000 + len(server.asked)}"
        found = [each["resource"] for each in page["entry"]]
        return bundle(found, page["link"][0]["url"] if page["link"] else following)

    read, unread, _ = await walked(UntrueServer(apart(seconds=1), never_ends), page_size=10)
    assert len(read) == 61
    assert unread[-1].startswith("claims changed from")
    assert " on could not be read" in unread[-1]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("number", "says", "most"),
    [
        pytest.param(0, {}, 1, id="nothing"),
        pytest.param(4, {"total": told}, 2, id="one page, counted"),
        pytest.param(4, {}, 3, id="one page"),
        pytest.param(100, {}, 15, id="ten pages"),
    ],
)
async def test_what_it_costs_to_be_sure(number: int, says: dict[str, Any], most: int) -> None:
    """A search behind the last page; behind a page that may be the largest, another; two for the order of many."""
    server = UntrueServer(apart(number, seconds=1), **says)
    await walked(server, page_size=10)
    assert len(server.asked) <= most
