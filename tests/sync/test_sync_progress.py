"""What is told of a run's pace: of each stage by itself, and nothing before there is something to tell."""

from __future__ import annotations

import pytest

from adapter.cli.progress import _Since
from adapter.errors import SourceError
from adapter.sources.change_windows import Window
from adapter.sync.progress import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """A client that counts claims, or cannot."""

    page_size = 50

    def __init__(self, total: int | None) -> None:
        self.total, self.asked = total, 0

    async def count(self, _kind: str, _bounds: object) -> int | None:
        self.asked += 1
        if self.total is None:
            raise SourceError("no")
        return self.total


@pytest.mark.parametrize(
    ("passed", "count", "total", "said"),
    [
        pytest.param(0.0, 50, 5_000, "claims read: 50 of 5,000", id="first heard of"),
        pytest.param(0.5, 90, 5_000, "claims read: 90 of 5,000", id="too soon"),
        pytest.param(10.0, 1_050, 5_000, "claims read: 1,050 of 5,000 (100/s, 40 s left)", id="a pace"),
        pytest.param(10.0, 1_050, None, "claims read: 1,050 (100/s)", id="of nobody knows how many"),
        pytest.param(10.0, 5_000, 5_000, "claims read: 5,000 of 5,000 (495/s)", id="all"),
        pytest.param(10.0, 50, 5_000, "claims read: 50 of 5,000", id="it stands still"),
    ],
)
def test_a_pace_is_told_of_what_was_done_since_it_was_heard_of(
    passed: float, count: int, total: int | None, said: str
) -> None:
    clock = Clock()
    since = _Since(clock)
    since.sentence("claims read", 50, None)
    clock.now += passed
    assert since.sentence("claims read", count, total) == said


def test_stages_that_take_turns_have_each_their_own_clock() -> None:
    clock = Clock()
    since = _Since(clock)
    for each in range(11):
        read, decided = since.sentence("claims read", 50 * each, None), since.sentence("deciding", 10 * each, None)
        clock.now += 1
    assert (read, decided) == ("claims read: 500 (50/s)", "deciding: 100 (10/s)")


def test_a_stage_that_counts_from_the_start_again_has_a_new_clock() -> None:
    clock = Clock()
    since = _Since(clock)
    since.sentence("claims read", 5_000, None)
    clock.now += 1_000
    since.sentence("claims read", 0, None)
    clock.now += 2
    assert since.sentence("claims read", 100, None) == "claims read: 100 (50/s)"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("total", "pages", "told", "asked"),
    [
        pytest.param(120, [50, 50, 20], [(50, 120), (100, 120), (120, 120)], 1, id="counted once"),
        pytest.param(60, [50, 50], [(50, 60), (100, None)], 1, id="more came meanwhile"),
        pytest.param(None, [50, 50], [(50, None), (100, None)], 1, id="the server does not count"),
        pytest.param(49, [49], [(49, None)], 0, id="one page"),
    ],
)
async def test_the_number_of_claims_is_told_apart_from_the_stage(
    total: int | None, pages: list[int], told: list[tuple[int, int | None]], asked: int
) -> None:
    heard: list[tuple[str, int, int | None]] = []
    client = Counting(total)
    pace = Pace(client, Window(None, None, 50), lambda *each: heard.append(each))  # type: ignore[arg-type] # a stand-in
    for each in pages:
        await pace.more(each)
    assert heard == [("claims read", *each) for each in told]
    assert client.asked == asked
