"""What a server is asked to send along with what a search finds: ``_include``, https://hl7.org/fhir/R4/search.html#include.

Only where searches go one by one, for in a batch another search costs no request; and only what leads from what was
found to something named in it. Of that it can be told what did not come, and it is asked for by ``_id``: a server may
cut what it includes, ignore the parameter or refuse it, and no decision is another for it. ``_revinclude`` is never
asked for evidence: that nothing refers to a patient and that it was left out look the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from adapter.evidence.references import Json
from adapter.fhir.capabilities import included_by
from adapter.sources.many import Search

INCLUDE = "_include"


class Includes:
    """Which includes to ask one server for. ``wanted``: names of search parameters that lead on, per resource type."""

    def __init__(
        self,
        wanted: Mapping[str, Sequence[str]],
        statement: Callable[[], Awaitable[Json]],
        one_by_one: Callable[[], Awaitable[bool]],
    ) -> None:
        self._wanted = wanted
        self._statement = statement
        self._one_by_one = one_by_one
        self._refused: set[str] = set()

    async def matter(self) -> bool:
        """Whether requests are to be saved, because each search costs one."""
        return bool(self._wanted) and await self._one_by_one()

    async def of(self, kind: str) -> dict[str, list[str]]:
        """The further parameters of a search for a type; none where the server does not offer any of them."""
        names = self._wanted.get(kind, ())
        if not names or kind in self._refused or not await self.matter():
            return {}
        offered = included_by(await self._statement(), kind)
        asked = [each for name in names if (each := f"{kind}:{name}") in offered or offered & {"*", f"{kind}:*"}]
        return {INCLUDE: asked} if asked else {}

    def without(self, search: Search) -> Search | None:
        """The search as it is made after the server did not answer it with includes; None where it had none."""
        if INCLUDE not in search.parameters:
            return None
        self._refused.add(search.path)
        plain = {name: value for name, value in search.parameters.items() if name != INCLUDE}
        return Search(search.path, plain)


class Included:
    """What came along with searches, until it is asked for by its id: it is then the answer to that search."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[Json, datetime | None]] = {}

    def split(self, search: Search, answer: Sequence[Json], now: datetime | None) -> list[Json]:
        """What the search itself found; the rest is kept, as of ``now`` on the server's clock."""
        if INCLUDE not in search.parameters:
            return list(answer)
        for each in answer:
            if each["resourceType"] != search.path and isinstance(id := each.get("id"), str):
                self._found[each["resourceType"], id] = each, now
        return [each for each in answer if each["resourceType"] == search.path]

    def get(self, kind: str, parameter: str, value: str) -> tuple[Json, datetime | None] | None:
        """The resource that a search by ``_id`` would find, and when it was read."""
        return self._found.get((kind, value)) if parameter == "_id" else None
