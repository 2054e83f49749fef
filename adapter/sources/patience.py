"""How long a passing fault is waited out: a server that is busy, a connection that breaks off.

A server's ``Retry-After`` counts more than our own waits, within reason.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import httpx
import stamina

from adapter.sources.clock import http_date, server_time
from adapter.sources.faults import tls_fault

stamina.instrumentation.set_on_retry_hooks([])  # its own hook prints the call, and a search holds identifiers

LONGEST_RETRY_AFTER = 120.0
"""Seconds that a server may have us wait; who asks for more is asked again after this, a few times, and then left."""
BUSY = frozenset({429, 502, 503, 504})
_PASSING = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a passing fault is waited out, in seconds."""

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 10.0

    async def persist(self, once: Callable[[], Awaitable[_Answer]], *, repeatable: bool = True) -> _Answer:
        """What ``once`` gives, which is asked anew after each passing fault; the last fault is raised.

        It takes no argument, because stamina's hooks log those of what they retry, and ours hold a query.
        """
        retrying = stamina.AsyncRetryingCaller(
            attempts=self.attempts if repeatable else 1,
            timeout=None,
            wait_initial=self.first_wait,
            wait_jitter=self.first_wait,
            wait_max=self.longest_wait,
        )
        return await retrying(_another_try, once)

    async def pause(self, attempt: int) -> None:
        """Wait before another attempt, the longer the more there were."""
        await asyncio.sleep(min(self.first_wait * 2 ** (attempt - 1), self.longest_wait))


class Busy(Exception):
    """A status that says: later. The message is the status alone, because stamina logs it."""

    def __init__(self, status: int, wait: float | None) -> None:
        self.status, self.wait = status, wait
        super().__init__(str(status))


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a server asks us to wait, within reason; a date there is read by its own clock.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    written = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", written):
        return min(float(written), LONGEST_RETRY_AFTER)
    then, now = http_date(written), server_time(response) or datetime.now(UTC)
    return None if then is None else min(max((then - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _another_try(error: Exception) -> bool | float:
    if isinstance(error, Busy):
        return True if error.wait is None else error.wait
    return isinstance(error, _PASSING) and tls_fault(error) is None
