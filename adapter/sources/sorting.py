"""Whether a server sorts by last change, or its first page only looks as if it did.

Who sorts has nothing before the first resource of its first page, and begins with another one when the newest is asked
for first. https://hl7.org/fhir/R4/search.html#_sort
"""

from __future__ import annotations

from datetime import datetime

from adapter.evidence.references import Json
from adapter.sources.change_windows import Window
from adapter.sources.fhir_client import FhirClient
from adapter.sources.instants import just_after, last_updated, moment
from adapter.sources.narrowing import LEAST
from adapter.sources.paging import Parameters
from adapter.sources.refusals import Refused, Unserved


class Sorting:
    """Asks one server for single resources of one type."""

    def __init__(self, client: FhirClient, kind: str) -> None:
        self._client = client
        self._kind = kind

    async def is_sorted(self, window: Window, first: str, reached: str) -> bool | None:
        """Whether a window is of which a page was read, from ``first`` to ``reached``; None where nobody can tell."""
        try:
            if await self._any_before(window, first):
                return False
            return await self._ends_late(window, first, reached) or None
        except (Refused, Unserved):
            return None

    async def counts_no_more(self, window: Window, read: int) -> bool:
        """Whether the server says that there are no more in a window than so many that were read."""
        try:
            total = await self._client.count(self._kind, window.bounds)
        except (Refused, Unserved):
            return False
        return total is not None and total <= read

    async def counts(self) -> bool:
        """Whether a total is none where nothing is found; some servers tell how much they have at all."""
        async for page in self._client.pages(self._kind, LEAST[1]):
            return bool(self._client.resources_of(page)) or not page.get("total")
        return True

    async def any_after(self, window: Window, instant: str) -> bool:
        """Whether something in the window changed after an instant."""
        begin = just_after(instant)
        if begin is None or (window.end is not None and moment(begin) >= moment(window.end)):
            return False
        found = await self._one(Window(begin, window.end, 1).parameters)
        return found is not None and _changed(found, moment(instant)) > moment(instant)

    async def _any_before(self, window: Window, instant: str) -> bool:
        found = await self._one(Window(window.begin, instant, 1).parameters)
        return found is not None and _changed(found, moment(instant)) < moment(instant)

    async def _ends_late(self, window: Window, first: str, reached: str) -> bool:
        """Whether the newest comes first when that is asked for."""
        found = await self._one(Window(window.begin, window.end, 1).newest_first)
        newest = last_updated(found) if found else None
        if newest is None or moment(newest) < moment(reached):
            return False
        return moment(newest) > moment(first) or not await self.any_after(window, first)

    async def _one(self, parameters: Parameters) -> Json | None:
        async for found in self._client.search(self._kind, parameters):
            return next((each for each in found if each["resourceType"] == self._kind), None)
        return None


def _changed(resource: Json, unknown: datetime) -> datetime:
    at = last_updated(resource)
    return moment(at) if at else unknown
