"""The claims of a server are cut into windows of about equal numbers that border on each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from httpx import ASGITransport
from receiver.fhir_server import FhirServer

from adapter.runs.windows import FINEST, MOST_CLAIMS, PIECES, Cut, _Piece, claims_of_a_window, cut, cut_claims
from adapter.sources.fhir_client import FhirClient

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
END = BEGIN + 1000 * DAY


@pytest.mark.parametrize(
    ("total", "fewest", "most"),
    [
        pytest.param(0, 100, 100, id="nothing"),
        pytest.param(100 * PIECES, 100, 100, id="the smallest windows"),
        pytest.param(100 * PIECES + 1, 100, 101, id="one more"),
        pytest.param(MOST_CLAIMS * PIECES, 100, MOST_CLAIMS, id="the largest windows"),
        pytest.param(MOST_CLAIMS * PIECES + 1, 100, MOST_CLAIMS, id="more of the largest"),
    ],
)
def test_size(total: int, fewest: int, most: int) -> None:
    assert claims_of_a_window(total, fewest) == most


EVENLY = [BEGIN + each * DAY for each in range(1000)]
AT_ONCE = [BEGIN + 500 * DAY] * 1000
IN_A_MINUTE = [BEGIN + 300 * DAY + timedelta(milliseconds=60 * each) for each in range(1000)]


@pytest.mark.parametrize(
    ("instants", "most", "largest", "pieces"),
    [
        pytest.param(EVENLY, 100, 100, range(10, 21), id="spread evenly"),
        pytest.param(EVENLY, 999, 999, range(2, 3), id="one too many"),
        pytest.param(EVENLY, 1000, 1000, range(1, 2), id="just not too many"),
        pytest.param(AT_ONCE, 100, 1000, range(1, 4), id="all at one instant cannot be parted"),
        pytest.param(IN_A_MINUTE, 100, 100, range(10, 21), id="all within a minute of years"),
        pytest.param([], 100, 0, range(1, 2), id="none"),
    ],
)
def test_pieces(instants: Sequence[datetime], most: int, largest: int, pieces: range) -> None:
    found = asyncio.run(cut(_counting(instants), _Piece(BEGIN, END, len(instants)), most))
    assert (found[0].begin, found[-1].end) == (BEGIN, END)
    assert all(one.end == other.begin for one, other in pairwise(found))
    assert [each.claims for each in found] == [_count(instants, each.begin, each.end) for each in found]
    assert max(each.claims for each in found) == largest or len(found) > 1
    assert max(each.claims for each in found) <= largest
    assert len(found) in pieces


def test_counts_that_change_meanwhile_leave_no_gap() -> None:
    counts = iter([700, 0, 900, 3, 0, 1] + [0] * 1000)

    async def count(_begin: datetime, _end: datetime) -> int:
        return next(counts)

    found = asyncio.run(cut(count, _Piece(BEGIN, END, 1000), 100))
    assert (found[0].begin, found[-1].end) == (BEGIN, END)
    assert all(one.end == other.begin for one, other in pairwise(found))


def _count(instants: Sequence[datetime], begin: datetime, end: datetime) -> int:
    return sum(1 for each in instants if begin <= each < end)


def _counting(instants: Sequence[datetime]):  # type: ignore[no-untyped-def] # a Count
    async def count(begin: datetime, end: datetime) -> int:
        assert end - begin >= FINEST
        return _count(instants, begin, end)

    return count


def test_windows_of_a_server() -> None:
    server = FhirServer()
    claims = [{"resourceType": "Claim", "id": f"c{number}"} for number in range(40)]
    server.put(*claims)
    for number, each in enumerate(server.of("Claim")):
        each["meta"]["lastUpdated"] = (BEGIN + number * DAY + timedelta(microseconds=1)).isoformat()
    found = _cut(server, None)
    since = f"{BEGIN + 10 * DAY:%Y-%m-%dT%H:%M:%S}Z"
    later = _cut(server, since)
    assert sum(each.claims or 0 for each in found.windows) == 40
    assert sum(each.claims or 0 for each in later.windows) == 30
    assert (found.windows[0].since, later.windows[0].since) == (None, since)
    assert found.windows[-1].until == found.started
    assert [one.until for one in found.windows[:-1]] == [other.since for other in found.windows[1:]]


@pytest.mark.parametrize(
    ("unknown", "without_times"),
    [pytest.param({"_summary"}, False, id="no counts"), pytest.param(set(), True, id="no times")],
)
def test_a_server_that_cannot_be_cut_is_one_window_and_it_is_said(unknown: set[str], without_times: bool) -> None:
    server = FhirServer()
    server.put({"resourceType": "Claim", "id": "a"})
    server.not_counting = bool(unknown)
    if without_times:
        server.resources["Claim/a"]["meta"].pop("lastUpdated")
    found = _cut(server, None)
    assert len(found.windows) == 1
    assert found.windows[0].since is None
    assert "single item" in found.warning


def _cut(server: FhirServer, since: str | None) -> Cut:
    async def ask() -> Cut:
        async with FhirClient("http://fhir.test", transport=_Dated(app=server.app())) as client:
            return await cut_claims(client, since, 5)

    return asyncio.run(ask())


class _Dated(ASGITransport):
    """As uvicorn does, it tells the time."""

    async def handle_async_request(self, request):  # type: ignore[no-untyped-def] # as httpx has it
        response = await super().handle_async_request(request)
        response.headers["Date"] = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return response
