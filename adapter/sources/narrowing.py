"""What a walk over changes does about a window that the server does not serve.

It is halved in time to a second, then its pages are made smaller to one resource, then it is halved to an instant. What
is left after that is noted as unread, and the walk goes on behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from adapter.errors import SourceError
from adapter.sources.change_windows import FIRST_DAY, Window, narrowed
from adapter.sources.fhir_client import FhirClient
from adapter.sources.instants import last_updated, moment
from adapter.sources.refusals import Refused, Unserved

MOST_FAULTS = 150
"""Windows of one walk that are narrowed; a server on which more of them fail is not helped by ever smaller ones."""
_UNSUITED = frozenset({400, 404, 405, 422, 501})
LEAST = ({"_count": "1"}, {"_count": "1", "_lastUpdated": f"lt{FIRST_DAY.isoformat()}"})
"""Searches that a server answers if any: for one resource, and for none in case it is that one which cannot be had."""


@dataclass
class Narrowing:
    """Finds what of one type a server does serve; what it does not is noted in ``unread``, a sentence each."""

    client: FhirClient
    kind: str
    unread: list[str]
    faults: int = 0
    _first: str | None = None
    _oldest_asked: bool = False

    async def still_there(self, fault: SourceError) -> None:
        """Whether it is this window that the server does not serve, and not the server that is gone.

        Raises:
            SourceError: it does not serve the least of searches either.
        """
        for least in LEAST:
            try:
                async for _page in self.client.search(self.kind, least):
                    return
            except (Refused, Unserved):
                continue
        raise fault

    async def instead(self, window: Window, fault: SourceError, *, sorts: bool, keeps_bounds: bool) -> list[Window]:
        """What to try in place of a window; the last comes first."""
        self.faults += 1
        window = replace(window, begin=window.begin or (await self._oldest() if sorts else None))
        begin = window.begin or FIRST_DAY.isoformat()
        end = window.end or (self.client.server_time or datetime.now(UTC)).isoformat()
        helps = keeps_bounds and self.faults < MOST_FAULTS
        narrower = narrowed(window, begin, end) if helps else []
        return narrower or self._left_out(window, begin, end, fault, goes_on=helps)

    def note(self, begin: str, until: str, why: object) -> None:
        """Note what is not read."""
        what = "claims" if self.kind == "Claim" else f"resources of type {self.kind}"
        self.unread.append(f"{what} changed from {begin} {until} could not be read: {why}")

    def _left_out(self, window: Window, begin: str, end: str, fault: SourceError, *, goes_on: bool) -> list[Window]:
        """Note a window; what follows is behind it, or nothing where it has no end or nothing ``goes_on``."""
        behind = goes_on and window.end is None and moment(end) > moment(begin)
        self.note(begin, f"to {end}" if window.end or behind else "on", fault)
        return [Window(end, None, self.client.page_size)] if behind else []

    async def _oldest(self) -> str | None:
        """When what changed first did, as a server tells that sorts; asked for once."""
        if not self._oldest_asked:
            self._oldest_asked = True
            try:
                async for page in self.client.search(self.kind, {"_sort": "_lastUpdated", "_count": "1"}):
                    self._first = next(filter(None, map(last_updated, page)), None)
                    break
            except (Refused, Unserved):
                pass
        return self._first


def says_no(fault: SourceError) -> bool:
    """Whether the server calls the search itself wrong or unknown, so that no narrower one will do."""
    return isinstance(fault, Refused) and fault.status in _UNSUITED
