"""Cuts the claims of a server into windows of ``_lastUpdated`` with about equal numbers of them.

Only counts are asked for: the range is halved where there are too many, and neighbours with few are put together. The
windows border on each other without a gap, so however the counts change meanwhile, no claim falls between two.
https://hl7.org/fhir/R4/search.html#lastUpdated
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from adapter.runs.model import Window
from adapter.sources import change_windows
from adapter.sources.fhir_client import FhirClient
from adapter.sources.refusals import Refused

PIECES = 64
"""Windows that a run is cut into, where they are neither too small nor too large: then a few processes end together."""
MOST_CLAIMS = 5_000
"""Claims of one window, so that little is done again when a process dies."""
FINEST = timedelta(milliseconds=1)
"""What servers keep of an instant; a load in one transaction can put any number of claims into one."""

Count = Callable[[datetime, datetime], Awaitable[int]]
"""Counts the claims changed at or after an instant and before another."""


class _Piece(NamedTuple):
    begin: datetime
    end: datetime
    claims: int


class Cut(NamedTuple):
    """The windows; ``started`` is the server's clock, before which they all lie but for a last one without an end."""

    windows: tuple[Window, ...]
    started: str | None
    warning: str = ""


async def cut_claims(client: FhirClient, since: str | None, fewest: int) -> Cut:
    """The claims changed at or after ``since``, in windows of at least about ``fewest``."""
    first = await _first(client, since)
    started = client.server_time
    if first is None or started is None:
        return Cut((Window(since),), None, "the server does not tell when claims changed; the run is a single item")
    end = max(started, first)
    total = await _count(client, since, end)
    if total is None:
        whole = (Window(since, as_text(end)),)
        return Cut(whole, as_text(end), "the server does not count what it finds; the run is a single item")

    async def count(begin: datetime, until: datetime) -> int:
        return await _count(client, as_text(begin), until) or 0

    pieces = await cut(count, _Piece(first, end, total), claims_of_a_window(total, fewest))
    return Cut(_windows(pieces, since), as_text(end))


def claims_of_a_window(total: int, fewest: int) -> int:
    """How many claims a window is to have at most."""
    return min(MOST_CLAIMS, max(fewest, -(-total // PIECES)))


async def cut(count: Count, whole: _Piece, most: int) -> list[_Piece]:
    """Pieces of at most ``most`` claims, as far as instants can tell them apart; they border on each other."""
    pieces: list[_Piece] = []
    waiting = [whole]
    while waiting:
        piece = waiting.pop()
        if piece.claims <= most or piece.end - piece.begin <= FINEST:
            _append(pieces, piece, most)
            continue
        middle = _middle(piece)
        before = min(await count(piece.begin, middle), piece.claims)
        waiting += [
            _Piece(middle, piece.end, piece.claims - before),
            _Piece(piece.begin, middle, before),
        ]
    return pieces


def _append(pieces: list[_Piece], piece: _Piece, most: int) -> None:
    """Add a piece, to the last one where both together are not too many."""
    if pieces and pieces[-1].claims + piece.claims <= most:
        last = pieces.pop()
        piece = _Piece(last.begin, piece.end, last.claims + piece.claims)
    pieces.append(piece)


def _middle(piece: _Piece) -> datetime:
    half = (piece.end - piece.begin) // 2
    return piece.begin + max(FINEST, half - half % FINEST)


def _windows(pieces: list[_Piece], since: str | None) -> tuple[Window, ...]:
    """The first window begins where the range does, which may be nowhere."""
    begins = [since, *(as_text(each.begin) for each in pieces[1:])]
    return tuple(Window(begin, as_text(each.end), each.claims) for begin, each in zip(begins, pieces, strict=True))


async def _count(client: FhirClient, since: str | None, until: datetime) -> int | None:
    """None where the server does not count."""
    try:
        return await client.count("Claim", change_windows.Window(since, as_text(until), 1).bounds)
    except Refused:
        return None


async def _first(client: FhirClient, since: str | None) -> datetime | None:
    """When the claim that changed first did; our own start of the range where there is none."""
    try:
        search = client.search("Claim", change_windows.Window(since, None, 1).parameters)
        async for page in search:
            for resource in page:
                return _instant((resource.get("meta") or {}).get("lastUpdated"))
            break
    except Refused:
        return None
    return client.server_time


def _instant(text: object) -> datetime | None:
    """An instant in whole milliseconds, not after the one that is told."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if found.tzinfo is None:
        return None
    return found.astimezone(UTC).replace(microsecond=found.microsecond // 1000 * 1000)


def as_text(instant: datetime) -> str:
    """An instant as a FHIR server takes it, in milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
