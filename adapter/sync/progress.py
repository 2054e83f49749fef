"""How far a walk over a server's claims has come, and of how many where the server can count them."""

from __future__ import annotations

from adapter.errors import SourceError
from adapter.sources.change_windows import Window
from adapter.sources.fhir_client import FhirClient
from adapter.sync.report import Progress


class Pace:
    """Counts claims, and tells of how many."""

    def __init__(self, client: FhirClient, window: Window, tell: Progress) -> None:
        self._client = client
        self._window = window
        self._tell = tell
        self._count = 0
        self._total: int | None = None
        self._asked = False

    async def more(self, claims: int) -> None:
        """So many more were read. Not before a second page is to come it pays to have all of them counted."""
        self._count += claims
        if claims >= self._client.page_size and not self._asked:
            self._asked = True
            self._total = await _total(self._client, self._window)
        overrun = self._total is not None and self._count > self._total  # more came since they were counted
        self._tell("claims read", self._count, None if overrun else self._total)


async def _total(client: FhirClient, window: Window) -> int | None:
    """How many claims there are; None when the server does not count them, which is no fault of the run."""
    try:
        return await client.count("Claim", window.bounds)
    except SourceError:
        return None
