"""How long a server's export is waited for: what each answer means, and when to look again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

import httpx

from adapter.errors import SourceError
from adapter.sources.clock import http_date, server_time
from adapter.sources.faults import codes_of

MOST_FAULTS = 20
"""Answers in a row that say neither running nor finished; then the server is left alone."""
LONGEST_PROGRESS = 80
"""Characters of ``X-Progress`` that are shown; the specification allows 100."""
_NOT_SHOWN = re.compile(r"[^ -Z^-~]")
"""All but printable ASCII, and the brackets that a terminal library reads as markup."""
_BUSY = frozenset({429, 502, 503, 504})
_GONE = frozenset({404, 410})
_TRANSIENT = "transient"
"""The issue code of a failure that passes; https://hl7.org/fhir/R4/valueset-issue-type.html."""


class State(Enum):
    """What an answer says of an export."""

    RUNNING = auto()
    DONE = auto()
    BUSY = auto()
    GONE = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks. The server's ``Retry-After`` counts, up to the longest wait."""

    longest_wait: float
    first_wait: float = 1.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def wait(self, response: httpx.Response, look: int) -> float:
        """What the server asks for, else twice as long as before: 1, 2, 4, ..."""
        asked = asked_wait(response)
        return min(self.first_wait * 2 ** min(look, 30) if asked is None else asked, self.longest_wait)


def state_of(response: httpx.Response) -> State:
    """What an answer to a request for the status, or to the request for an export, says."""
    status = response.status_code
    if status == httpx.codes.ACCEPTED:
        return State.RUNNING
    if response.is_success:
        return State.DONE
    if status in _BUSY or _TRANSIENT in codes_of(response).split(", "):
        return State.BUSY
    return State.GONE if status in _GONE else State.FAILED


def asked_wait(response: httpx.Response) -> float | None:
    """The seconds that ``Retry-After`` asks for, of a date those from the server's own clock; None without it."""
    written = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", written):
        return float(written)
    until, now = http_date(written), server_time(response) or datetime.now(UTC)
    return None if until is None else max((until - now).total_seconds(), 0.0)


def progress_of(response: httpx.Response) -> str:
    """``X-Progress`` as it can be shown: short, and without what steers a terminal."""
    return _NOT_SHOWN.sub(" ", response.headers.get("X-Progress", "")[:LONGEST_PROGRESS]).strip()


async def patiently(
    ask: Callable[[], Awaitable[httpx.Response]],
    pace: Pace,
    server: str,
    tell: Callable[[str], None] = lambda _progress: None,
    waiting: frozenset[State] = frozenset({State.RUNNING, State.BUSY}),
) -> httpx.Response:
    """The first answer that is none of ``waiting``; ``tell`` hears the progress of a running export.

    Raises:
        SourceError: the server is busy, time and again.
    """
    looks = faults = 0
    while (state := state_of(response := await ask())) in waiting:
        faults = faults + 1 if state is State.BUSY else 0
        if faults > MOST_FAULTS:
            problem = f"{server} answered {response.status_code} to {faults} requests for its export in a row"
            raise SourceError(problem, "run it again later; the export is taken up where it is")
        tell(progress_of(response))
        await pace.sleep(pace.wait(response, looks))
        looks += 1
    return response
