"""Claims are cut where a patient ends, a few chunks are in hand, and never two of one patient."""

from __future__ import annotations

import asyncio

import pytest

from adapter.evidence.store import Located
from adapter.sync.chunks import IN_HAND, Chunk, Cutter, InHand
from adapter.sync.report import Report


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def claims(patients: str) -> list[Located]:
    """One claim for each letter, of that patient, a minute after the other."""
    return [
        Located(
            {
                "resourceType": "Claim",
                "id": f"{number}",
                "patient": {"reference": f"Patient/{each}"},
                "meta": {"lastUpdated": f"2026-03-01T00:{number:02}:00Z"},
            }
        )
        for number, each in enumerate(patients)
    ]


def shown(chunk: Chunk) -> str:
    return "".join(str(each.resource["patient"]["reference"])[-1] for each in chunk.claims)


@pytest.mark.parametrize(
    ("patients", "cut"),
    [
        pytest.param("abc", ["abc"], id="less than a chunk"),
        pytest.param("aabb", ["aabb"], id="a chunk"),
        pytest.param("aaabbb", ["aaa", "bbb"], id="the last patient's come together"),
        pytest.param("aaaaaa", ["aaaa", "aa"], id="one patient with more than a chunk"),
        pytest.param("abbbbb", ["abbb", "bb"], id="most of a chunk is one patient's"),
        pytest.param("abcdef", ["abc", "def"], id="a patient each: the last might have more"),
    ],
)
def test_where_claims_are_cut(patients: str, cut: list[str]) -> None:
    cutter = Cutter(4)
    assert [shown(each) for each in [*cutter.add(claims(patients), None), *cutter.rest()]] == cut


@pytest.mark.parametrize(
    ("patients", "reached", "of_the_first"),
    [
        pytest.param("aabb", "2026-03-01T00:03:00Z", None, id="as far as its page, but for one held back"),
        pytest.param("aaabbb", None, None, id="not known"),
    ],
)
def test_how_far_a_chunk_reaches(patients: str, reached: str | None, of_the_first: None) -> None:
    first = Cutter(3).add(claims(patients), reached)[0]
    held_back = claims(patients)[len(first.claims)].resource["meta"]["lastUpdated"]
    assert first.reached == (held_back if reached else of_the_first)


@pytest.mark.parametrize(
    ("pages", "reached", "cut"),
    [
        pytest.param([("", 9)], "r", [], id="not yet so many read"),
        pytest.param([("", 10)], "r", [("", "r")], id="none in scope of many read"),
        pytest.param([("a", 5), ("b", 5)], "r", [("ab", "r")], id="few in scope of many read"),
        pytest.param([("a", 5), ("b", 5), ("c", 9)], "r", [("ab", "r")], id="counted anew"),
        pytest.param([("a", 5), ("b", 5), ("c", 10)], "r", [("ab", "r"), ("c", "r")], id="and so on"),
        pytest.param([("abcd", 9), ("e", 9)], "2026-03-01T09:00:00Z", [("abc", "2026-03-01T00:03:00Z")], id="full"),
        pytest.param([("a", 10)], None, [], id="how far it came is not known"),
    ],
)
def test_a_chunk_is_cut_where_many_were_read(
    pages: list[tuple[str, int]], reached: str | None, cut: list[tuple[str, str | None]]
) -> None:
    cutter = Cutter(4, most_read=10)
    found = [each for patients, read in pages for each in cutter.add(claims(patients), reached, read=read)]
    assert [(shown(each), each.reached) for each in found] == cut


@pytest.mark.anyio
async def test_a_chunk_that_is_done_is_reported_when_the_next_begins() -> None:
    reported = list[str]()

    async def work(_chunk: Chunk) -> Report:
        return Report()

    async with InHand(work, lambda chunk, _report: reported.append(shown(chunk))) as in_hand:
        await in_hand.start(Chunk(claims("a"), None))
        await asyncio.sleep(0)
        await in_hand.start(Chunk(claims("b"), None))
        assert reported == ["a"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("chunks", "most"),
    [
        pytest.param(["a", "b", "c", "d", "e"], IN_HAND, id="different patients"),
        pytest.param(["a", "a", "a"], 1, id="the same patient"),
        pytest.param(["ab", "c", "bd", "e"], 2, id="a patient in common"),
    ],
)
async def test_how_many_are_in_hand(chunks: list[str], most: int) -> None:
    under_way, seen, order = list[str](), list[int](), list[str]()

    async def work(chunk: Chunk) -> Report:
        assert not set("".join(under_way)) & set(shown(chunk))
        under_way.append(shown(chunk))
        seen.append(len(under_way))
        await asyncio.sleep(0)
        under_way.remove(shown(chunk))
        return Report()

    async with InHand(work, lambda chunk, _report: order.append(shown(chunk))) as in_hand:
        for each in chunks:
            await in_hand.start(Chunk(claims(each), None))
    assert order == chunks
    assert max(seen) <= most


@pytest.mark.anyio
async def test_after_a_fault_nothing_is_left_running() -> None:
    ended = []

    async def work(chunk: Chunk) -> Report:
        if shown(chunk) == "a":
            await asyncio.sleep(0)
            raise ValueError("a")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(shown(chunk))
        return Report()

    async def run() -> None:
        async with InHand(work, lambda *_: None) as in_hand:
            for each in "ab":
                await in_hand.start(Chunk(claims(each), None))
            await asyncio.sleep(0)

    with pytest.raises(ValueError, match="a"):
        await run()
    assert ended == ["b"]
