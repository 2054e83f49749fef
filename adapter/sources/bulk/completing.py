"""What an export left out is fetched from the server, so that nobody takes it for missing evidence.

The export of a Group holds what belongs to its patients: neither their coaches and organisations, nor what a coach did
with other patients. So the evidence of each claim in scope is gathered as from the server, with the export asked first,
and what only the server had is laid beside the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import orjson

from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.sources.bulk.folder import Folder
from adapter.sources.bulk.shelf import Shelf
from adapter.sources.many import Search
from adapter.sources.refusals import Refused
from adapter.sources.server import ServerSource

FETCHED = "fetched"


class ShelfFirst(ServerSource):
    """Evidence of the server, of which the shelf answers what it can; of ``whole`` types it has all about a patient."""

    def __init__(self, remote: ServerSource, shelf: Shelf, whole: frozenset[str]) -> None:
        super().__init__(remote.client, remote.plan, remote.chunk_size, remote.codes, remote.limits, batches=True)
        self._shelf, self._whole = shelf, whole

    async def find_all(self, searches: Sequence[Search]) -> list[list[Json]]:
        parts = [self._on_shelf(each) for each in searches]
        elsewhere = iter(await super().find_all([left for _, left in parts if left is not None]))
        return [[*found, *(next(elsewhere) if left is not None else ())] for found, left in parts]

    def _on_shelf(self, search: Search) -> tuple[list[Json], Search | None]:
        """What the shelf has, and what the server must be asked for beside it."""
        (parameter, values), *narrowed = search.parameters.items()
        if narrowed or not isinstance(values, str):
            return [], search
        here: list[Json] = []
        elsewhere: list[str] = []
        for value in values.split(","):  # an escaped comma falls into two, which are asked for as the one
            found = self._under(search.path, parameter, value)
            here += found or []
            elsewhere += [] if found is not None else [value]
        return here, Search(search.path, {parameter: ",".join(elsewhere)}) if elsewhere else None

    def _under(self, kind: str, parameter: str, value: str) -> list[Json] | None:
        """What the shelf has for one value; None when the server must be asked."""
        if parameter == "_id":
            return self._shelf.by_id(kind, [value]) or None
        patient = kind in self._whole and parameter == self.plan.search.get(kind)
        exported = patient and self._shelf.has("Patient", value.removeprefix("Patient/"))
        return self._shelf.of_patient(kind, value) if exported else None


async def complete(
    source: ShelfFirst, shelf: Shelf, in_scope: Callable[[Located], bool], folder: Folder, tell: Callable[[int], None]
) -> bool:
    """Lay what is missing beside the files; returns whether Claims are among it, which are nobody's to decide here."""
    laid: set[tuple[str, str]] = set()
    into = folder.output / f"{FETCHED}.part"
    into.mkdir(exist_ok=True)
    for path in into.iterdir():  # of a run that was killed here
        path.unlink()
    claims = (claim for each in shelf.all("Claim") if in_scope(claim := source.located(each)))
    done = 0
    while some := list(islice(claims, source.chunk_size)):
        store = await source.gather(some)
        for each in _missing(store.everything(), shelf, laid):
            with (into / f"{each.kind}.ndjson").open("ab") as lines:
                lines.write(orjson.dumps(each.resource, option=orjson.OPT_APPEND_NEWLINE))
        done += len(some)
        tell(done)
    into.rename(folder.output / FETCHED)
    return any(kind == "Claim" for kind, _ in laid)


def _missing(found: Iterator[Located], shelf: Shelf, laid: set[tuple[str, str]]) -> Iterator[Located]:
    for each in found:
        if each.id is not None and (each.kind, each.id) not in laid and not shelf.has(each.kind, each.id):
            laid.add((each.kind, each.id))
            yield each


async def left_out(source: ServerSource, types: Iterable[str], exported: frozenset[str]) -> frozenset[str]:
    """Of the types that were asked for and of which no file came: those of which the server has some all the same."""
    found: set[str] = set()
    for kind in sorted(set(types) - exported):
        try:
            async for page in source.client.search(kind, {"_count": "1"}):
                if page:
                    found.add(kind)
                break
        except Refused:
            continue  # a type that cannot be searched for is no evidence on the way without export either
    return frozenset(found)
