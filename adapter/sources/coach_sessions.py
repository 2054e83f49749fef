"""The other sessions of coaches on the days of some claims, in searches that stay small however busy the coaches are.

Where a search costs a request, there is one for all coaches and days, narrowed by code. In a batch it costs none, and
then a few stretches of days are asked for, each with the coaches of its claims; one with more sessions than fit on a
page shows that there are many, and from then on each day is asked for by itself. Codes are then compared here: HAPI on
H2 spends five times as long on a search by practitioner, date and code as on one without the code (measured in
``tests/benchmarks/README.md``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence

from adapter.evidence.plan import CoachSearch
from adapter.evidence.references import Json, objects
from adapter.sources.fhir_client import batched
from adapter.sources.many import Many, Search

MOST_STRETCHES = 8
"""Stretches of days of one chunk, as long as coaches are not busy."""
MOST_VALUES = 100

Days = Mapping[str, Collection[str]]
"""The coaches (``Practitioner/id``) of each day, in the order of the days."""


class CoachSessions:
    """Asks for sessions, and learns how many there are."""

    def __init__(
        self,
        codes: Sequence[str],
        find_all: Callable[[Sequence[Search]], Awaitable[list[list[Json]]]],
        many: Many | None,
    ) -> None:
        self._codes = codes
        self._find_all = find_all
        self._many = many
        self._busy = False

    async def of(self, kind: str, search: CoachSearch, whom: Days) -> list[Json]:
        """The Procedures or Encounters with our codes that these coaches have on their days, perhaps some more."""
        if self._many is None or not await self._many.offered():
            return await self._found([_search(kind, search, whom, self._codes)])
        days = [{day: coaches} for day, coaches in whom.items()]
        if self._busy:
            return self._ours(await self._found([_search(kind, search, each) for each in days]), search)
        stretches = list(_stretches(whom))
        found = await self._many.short([only for each in stretches for only in _search(kind, search, each)])
        self._busy = None in found
        if self._busy:
            return self._ours(await self._found([_search(kind, search, each) for each in days]), search)
        return self._ours([resource for some in found if some is not None for resource in some], search)

    async def _found(self, searches: Sequence[Sequence[Search]]) -> list[Json]:
        found = await self._find_all([each for some in searches for each in some])
        return [resource for some in found for resource in some]

    def _ours(self, found: Sequence[Json], search: CoachSearch) -> list[Json]:
        """Those that a search by our codes would have found."""
        return [each for each in found if any(code in self._codes for code in _codes_of(each.get(search.code)))]


def _search(kind: str, search: CoachSearch, whom: Days, codes: Sequence[str] = ()) -> list[Search]:
    """From the first of the days to the last, for all their coaches."""
    everybody = sorted(set().union(*whom.values()))
    by_code = {search.code: ",".join(codes)} if codes else {}
    within = [f"ge{min(whom)}", f"le{max(whom)}"]
    return [
        Search(kind, {search.by: ",".join(some), **by_code, search.date: within})
        for some in batched(everybody, MOST_VALUES)
    ]


def _stretches(whom: Days) -> Iterator[Days]:
    days = list(whom)
    size = -(-len(days) // MOST_STRETCHES)
    for some in batched(days, size):
        yield {day: whom[day] for day in some}


def _codes_of(concepts: object) -> Iterator[str]:
    """The codes of a CodeableConcept or several; search parameters are named as elements."""
    for concept in objects(concepts if isinstance(concepts, list) else [concepts]):
        yield from (code for each in objects(concept.get("coding")) if isinstance(code := each.get("code"), str))
