"""How far a walk over a server's claims has come, and how long it will still take where the server can count them."""

from __future__ import annotations

import time
from collections.abc import Callable

from adapter.errors import SourceError
from adapter.sources.claim_pages import Window
from adapter.sources.fhir_client import FhirClient
from adapter.sync.report import Progress

ENOUGH = 5.0
"""Seconds from which the pace so far says something about the rest."""


class Pace:
    """Counts claims and tells, with the rate so far, when the last one is to be expected."""

    def __init__(
        self, client: FhirClient, window: Window, tell: Progress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._window = window
        self._tell = tell
        self._clock = clock
        self._started = clock()
        self._count = 0
        self._total: int | None = None
        self._asked = False

    async def more(self, claims: int) -> None:
        """So many more were read. Not before a second page is to come it pays to have all of them counted."""
        self._count += claims
        if claims >= self._client.page_size and not self._asked:
            self._asked = True
            self._total = await _total(self._client, self._window)
        self._tell(f"claims read{self._of_total()}", self._count)

    def _of_total(self) -> str:
        if not self._total or self._count > self._total:  # more came since they were counted
            return ""
        passed = self._clock() - self._started
        if passed < ENOUGH or not self._count:
            return f" of {self._total:,}"
        return f" of {self._total:,}, about {_spoken((self._total - self._count) * passed / self._count)} left"


async def _total(client: FhirClient, window: Window) -> int | None:
    """How many claims there are; None when the server does not count them, which is no fault of the run."""
    try:
        return await client.count("Claim", window.bounds)
    except SourceError:
        return None


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
