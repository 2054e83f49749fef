"""When a running export is looked at again, and what each answer says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from bulk.export_server import CLOCK, outcome

from adapter.errors import SourceError
from adapter.sources.bulk.pace import (
    LONGEST_PROGRESS,
    MOST_FAULTS,
    Pace,
    State,
    asked_wait,
    patiently,
    progress_of,
    state_of,
)


def answer(status: int = 202, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("response", "state"),
    [
        pytest.param(answer(202), State.RUNNING, id="202"),
        pytest.param(answer(200), State.DONE, id="200"),
        pytest.param(answer(429), State.BUSY, id="429"),
        pytest.param(answer(503), State.BUSY, id="503"),
        pytest.param(outcome("transient", 500), State.BUSY, id="500, transient"),
        pytest.param(outcome("transient", 400), State.BUSY, id="400, transient"),
        pytest.param(outcome("exception", 500), State.FAILED, id="500, for good"),
        pytest.param(answer(500), State.FAILED, id="500 without a word"),
        pytest.param(answer(404), State.GONE, id="404"),
        pytest.param(answer(410), State.GONE, id="410"),
        pytest.param(answer(401), State.FAILED, id="401"),
        pytest.param(answer(302), State.FAILED, id="a redirect"),
    ],
)
def test_what_an_answer_says(response: httpx.Response, state: State) -> None:
    assert state_of(response) is state


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"Retry_After": "120"}, 120.0, id="seconds"),
        pytest.param({"Retry_After": "0"}, 0.0, id="at once"),
        pytest.param({"Retry_After": "Sun, 01 Mar 2026 12:00:35 GMT", "Date": CLOCK}, 30.0, id="a date, by its clock"),
        pytest.param({"Retry_After": "Sun, 01 Mar 2026 12:00:35 -0000", "Date": CLOCK}, 30.0, id="a date in UTC"),
        pytest.param({"Retry_After": "Sun, 01 Mar 2026 11:00:00 GMT", "Date": CLOCK}, 0.0, id="a date that is past"),
        pytest.param({"Retry_After": "soon"}, None, id="a word"),
        pytest.param({"Retry_After": "-3"}, None, id="below zero"),
    ],
)
def test_the_wait_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(answer(202, **headers)) == seconds


@pytest.mark.parametrize(
    ("headers", "look", "seconds"),
    [
        pytest.param({"Retry_After": "9"}, 0, 9.0, id="what it asks for, up to the setting"),
        pytest.param({"Retry_After": "120"}, 0, 10.0, id="capped by the setting"),
        pytest.param({}, 0, 1.0, id="without it one second"),
        pytest.param({}, 1, 2.0, id="then twice as long"),
        pytest.param({}, 3, 8.0, id="and again"),
        pytest.param({}, 4, 10.0, id="up to the setting"),
        pytest.param({}, 5000, 10.0, id="and no further"),
    ],
)
def test_the_wait_is_capped(headers: dict[str, str], look: int, seconds: float) -> None:
    assert Pace(longest_wait=10.0).wait(answer(202, **headers), look) == seconds


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("Build in progress - 50%", "Build in progress - 50%", id="as it is"),
        pytest.param("x" * 500, "x" * LONGEST_PROGRESS, id="too long"),
        pytest.param("\x1b[31mred\x07", " 31mred", id="what steers a terminal"),
        pytest.param("[red]half[/red]", "red half /red", id="what a library reads as markup"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_progress_is_short_and_harmless(written: str, shown: str) -> None:
    response = httpx.Response(202, headers=[(b"X-Progress", written.encode("latin-1"))])
    assert progress_of(response) == shown.strip()


def in_turn(*responses: httpx.Response) -> tuple[Callable[[], Awaitable[httpx.Response]], list[httpx.Response]]:
    left = list(responses)

    async def ask() -> httpx.Response:
        return left.pop(0)

    return ask, left


class Slept(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.mark.anyio
async def test_it_looks_until_the_export_is_done_and_tells_the_progress() -> None:
    slept, told = Slept(), list[str]()
    ask, left = in_turn(
        answer(202, X_Progress="10%"),
        answer(202, Retry_After="3", X_Progress="20%"),
        answer(429, Retry_After="50"),
        outcome("transient"),
        answer(202),
        answer(200),
        answer(500),
    )
    found = await patiently(ask, Pace(20.0, sleep=slept), "the server", told.append)
    assert found.status_code == 200
    assert slept == [1.0, 3.0, 20.0, 8.0, 16.0]
    assert told == ["10%", "20%", "", "", ""]
    assert len(left) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(("faults", "patient"), [(MOST_FAULTS, True), (MOST_FAULTS + 1, False)])
async def test_a_server_that_is_busy_time_and_again_is_left_alone(faults: int, *, patient: bool) -> None:
    ask, _ = in_turn(*[answer(503)] * faults, answer(202), *[answer(503)] * 3, answer(200))
    looking = patiently(ask, Pace(1.0, sleep=Slept()), "http://fhir.test")
    if patient:
        assert (await looking).status_code == 200
    else:
        with pytest.raises(SourceError, match=r"http://fhir.test answered 503 .* in a row"):
            await looking
