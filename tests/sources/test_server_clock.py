"""By which clock a server stamps what it changes: the earliest that its answers, and then our own clock, allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from adapter.sources.clock import ServerClock
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Json = dict[str, Any]


def page(made: datetime | None, kind: str = "searchset") -> Json:
    meta = {"meta": {"lastUpdated": made.isoformat()}} if made else {}
    return {"resourceType": "Bundle", "type": kind, **meta}


def answered(date: datetime | None) -> httpx.Response:
    return httpx.Response(200, headers={"Date": format_datetime(date, usegmt=True)} if date else {})


@pytest.mark.parametrize(
    ("date", "made", "ours", "time"),
    [
        pytest.param(NOON, page(NOON), NOON, NOON, id="all agree"),
        pytest.param(NOON + HOUR, page(NOON), NOON + HOUR, NOON, id="Date and ours are fast: the page is right"),
        pytest.param(NOON - HOUR, page(NOON), NOON, NOON - HOUR, id="Date is slow: looks back further"),
        pytest.param(NOON, page(NOON), NOON - HOUR, NOON, id="ours is slow, and does not matter"),
        pytest.param(NOON + HOUR, page(None), NOON, NOON, id="no page tells: Date is fast, ours is earlier"),
        pytest.param(NOON, page(None), NOON + HOUR, NOON, id="no page tells: ours is fast"),
        pytest.param(NOON + HOUR, page(NOON, "batch-response"), NOON, NOON, id="a batch is no page"),
        pytest.param(NOON, page(NOON + HOUR), NOON, NOON, id="a page of the future is not believed"),
        pytest.param(None, page(NOON), NOON, None, id="no Date: nothing is known"),
    ],
)
def test_the_earliest_is_believed(date: datetime | None, made: Json, ours: datetime, time: datetime | None) -> None:
    clock = ServerClock(lambda: ours, lambda: 0.0)
    clock.heard(answered(date))
    clock.made(made)
    assert clock.time == time


def test_a_page_from_a_cache_does_not_hold_the_clock_back() -> None:
    seconds = [0.0]
    clock = ServerClock(lambda: NOON, lambda: seconds[0])
    clock.made(page(NOON))
    seconds[0] = 60.0
    clock.heard(answered(NOON + HOUR))
    clock.made(page(NOON - HOUR))
    assert clock.time == NOON + timedelta(seconds=60)


@pytest.mark.parametrize("odd", [None, 7, [], {"type": "searchset", "meta": "x"}, page(None)])
def test_what_says_nothing_changes_nothing(odd: object) -> None:
    clock = ServerClock()
    clock.made(odd)
    assert not clock.is_stamped


def test_how_far_the_clocks_are_apart() -> None:
    clock = ServerClock(lambda: NOON, lambda: 0.0)
    assert clock.apart == timedelta()
    clock.heard(answered(NOON - HOUR))
    assert clock.apart == HOUR


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "stamped", "asked"),
    [
        pytest.param(200, True, 1, id="told once"),
        pytest.param(200, False, 2, id="not told: Date has to do"),
        pytest.param(500, False, 2, id="not served: Date has to do"),
    ],
)
async def test_the_time_is_asked_for_until_it_is_told(status: int, stamped: bool, asked: int) -> None:
    requests: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        headers = {"Date": format_datetime(NOON + HOUR, usegmt=True)}
        return httpx.Response(status, json=page(NOON if stamped else None), headers=headers)

    transport = httpx.MockTransport(reply)
    async with FhirClient("http://fhir.test", transport=transport, patience=Patience(attempts=1)) as client:
        times = [await client.ask_time() for _ in range(2)]
    assert len(requests) == asked
    assert all(each is not None and each - NOON < (timedelta(seconds=30) if stamped else 2 * HOUR) for each in times)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
