"""Many searches in few requests: as entries of a batch where the server takes Bundles, one by one where it does not.

An entry that was not answered by a page is asked again by itself, with all the patience that a request has, so a batch
never makes an answer out of a fault. https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

from adapter.evidence.references import Json
from adapter.fhir.capabilities import does_as_a_whole
from adapter.sources.fhir_client import FhirClient, batched
from adapter.sources.paging import Parameters
from adapter.sources.refusals import Refused, Unserved

T = TypeVar("T")
MOST_ENTRIES = 100
"""Searches of one batch."""


class Search(NamedTuple):
    """``Type`` or ``Type/_history``, and the parameters of its query."""

    path: str
    parameters: Parameters


class Many:
    """Asks one server several things at a time."""

    def __init__(self, client: FhirClient, alone: Callable[[Search], Awaitable[list[Json]]]) -> None:
        self._client = client
        self._alone = alone
        """Carries out one search by itself."""
        self._refused = False

    async def offered(self) -> bool:
        """Whether the server takes batches, by what it declares and by how it answered so far."""
        return not self._refused and does_as_a_whole(await self._client.capabilities(), "batch", "transaction")

    async def search(self, searches: Sequence[Search]) -> list[list[Json]]:
        """The resources that each search finds, in the order of the searches."""
        if len(searches) < 2 or not await self.offered():
            return await together([self._alone(each) for each in searches])
        batches = [self._batch(some) for some in batched(searches, MOST_ENTRIES)]
        return [found for some in await together(batches) for found in some]

    async def short(self, searches: Sequence[Search]) -> list[list[Json] | None]:
        """As ``search``, where the first page is all there is; None for what goes on."""
        pages = await self.first(searches)
        whole = [page is not None and not self._client.goes_on(page) for page in pages]
        return [
            self._client.resources_of(page) if ends and page else None for page, ends in zip(pages, whole, strict=True)
        ]

    async def first(self, searches: Sequence[Search]) -> list[Json | None]:
        """The first page of each search; None for what no batch answered."""
        if not searches or not await self.offered():
            return [None] * len(searches)
        batches = [self._first_pages(some) for some in batched(searches, MOST_ENTRIES)]
        return [page for some in await together(batches) for page in some]

    async def _batch(self, searches: Sequence[Search]) -> list[list[Json]]:
        pages = await self._first_pages(searches)
        return await together([self._rest(*each) for each in zip(searches, pages, strict=True)])

    async def _first_pages(self, searches: Sequence[Search]) -> list[Json | None]:
        try:
            return await self._client.first_pages(searches)
        except Refused:
            self._refused = True
        except Unserved:  # what is too much at once, or broken by one of them, may do one by one
            pass
        return [None] * len(searches)

    async def _rest(self, search: Search, page: Json | None) -> list[Json]:
        if page is None:
            return await self._alone(search)
        found: list[Json] = []
        async for each in self._client.following(search.path, page):
            found += self._client.resources_of(each)
        return found


async def together(asked: Sequence[Awaitable[T]]) -> list[T]:
    """Several searches at the same time; none of them is left running when one fails."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return [_or_raise(each) for each in answers]


def _or_raise(answer: T | BaseException) -> T:
    if isinstance(answer, BaseException):
        raise answer
    return answer
