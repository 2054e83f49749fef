"""How many requests go out at once: one more while all goes well, half as many when pushed back, none in a rest."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx
import pytest

from adapter.sources.fhir_client import FhirClient
from adapter.sources.pace import Pace
from adapter.sources.patience import Patience


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("most", "events", "limit"),
    [
        pytest.param(8, "", 8, id="as many as allowed at first"),
        pytest.param(8, "-", 4, id="half"),
        pytest.param(8, "---", 1, id="half of half of half"),
        pytest.param(8, "-----", 1, id="never none"),
        pytest.param(8, "-++++", 4, id="four served are not yet one more"),
        pytest.param(8, "-+++++", 5, id="as many as may be under way, and it is one more"),
        pytest.param(2, "++++++++", 2, id="never more than allowed"),
    ],
)
def test_the_limit_grows_by_one_and_is_halved(most: int, events: str, limit: int) -> None:
    clock = Clock()
    pace = Pace(most, clock=clock, sleep=clock.sleep)
    for each in events:
        clock.now += 1
        pace.went_well() if each == "+" else pace.pushed_back(clock.now, None)
    assert pace.limit == limit


def test_requests_that_were_under_way_together_halve_it_once() -> None:
    clock = Clock()
    pace = Pace(8, clock=clock, sleep=clock.sleep)
    for began in (99.0, 99.5, 98.0):
        pace.pushed_back(began, None)
    assert pace.limit == 4


@pytest.mark.anyio
async def test_a_rest_holds_up_every_request_and_not_only_the_one_refused() -> None:
    clock = Clock()
    pace = Pace(4, clock=clock, sleep=clock.sleep)
    pace.pushed_back(clock.now, 7.0)
    async with pace.slot() as began:
        assert (began, clock.slept) == (107.0, [7.0])


@pytest.mark.anyio
async def test_no_more_are_under_way_than_the_limit_allows() -> None:
    under_way = most = 0

    async def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200, json={"resourceType": "Patient", "id": "p"})

    async with FhirClient("http://fhir.test", transport=httpx.MockTransport(answer), concurrency=3) as client:
        await asyncio.gather(*(client.read("Patient", str(number)) for number in range(12)))
    assert most == 3


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "limit"), [(429, 2), (503, 2), (504, 4), (502, 4)])
async def test_what_says_that_it_is_too_much_halves_the_limit(status: int, limit: int) -> None:
    replies = iter([httpx.Response(status), httpx.Response(200, json={"resourceType": "Patient", "id": "p"})])
    patience = Patience(attempts=2, first_wait=0)
    transport = httpx.MockTransport(lambda _request: next(replies))
    async with FhirClient("http://fhir.test", transport=transport, concurrency=4, patience=patience) as client:
        await client.read("Patient", "p")
        pace = client._wire._pace
        assert pace.limit == limit
