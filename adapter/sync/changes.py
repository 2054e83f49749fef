"""What changed on a server since an instant, in few requests when it is little: the claims that this concerns.

A decision rests on more than its claim: a note that comes late, a Coverage that is corrected, an Encounter that is
deleted concern claims that nobody touched. So each type that a decision can rest on is looked at; first only at the end
of its history, and only where something was added since the last run at what it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import orjson

from adapter.errors import SourceError
from adapter.evidence.references import Json, objects
from adapter.evidence.store import Located
from adapter.fhir.capabilities import types_with
from adapter.sources.bundle_pages import Deletion
from adapter.sources.dependents import MOST_GONE, WRITTEN_BY_US, Dependents
from adapter.sources.fhir_client import batched
from adapter.sources.instants import last_updated, moment
from adapter.sources.many import Search
from adapter.sources.refusals import Refused, Unserved
from adapter.sources.server import ServerSource
from adapter.sync.checkpoints import Marks
from adapter.sync.remembered import Remembered
from adapter.sync.settled import Settled, version_of

ANSWER = "ClaimResponse"
"""What we write: that it was deleted concerns its claim; else it is as we left it, or whoever changed it knew more."""
_LAST = "10"
"""Entries at the end of a history that are compared, beside the number of resources that changed."""


class Changes:
    """Looks at everything that changed at or after ``since`` on the server of a source."""

    def __init__(self, source: ServerSource, since: str, settled: Settled | None = None) -> None:
        self._source = source
        self._settled = settled or Settled()
        self._since = since
        self._handed_on = Remembered()
        self._dependents = Dependents(source)
        self._kinds = sorted(source.plan.watched - WRITTEN_BY_US)

    async def none_at_all(self) -> bool:
        """Whether the server can tell, in one request, that nothing on it changed."""
        return await self._source.client.quiet_since(self._since)

    async def marks(self, since: str) -> Marks:
        """Of each type with a history, what stands at its end; one request where the server takes batches."""
        return await self._marks_of([*self._kinds, ANSWER], since)

    async def mark_of_answers(self, since: str) -> Marks:
        """As ``marks``, of our answers alone: for the end of a run, when what it wrote is no news any more."""
        return await self._marks_of([ANSWER], since)

    async def _marks_of(self, kinds: Sequence[str], since: str) -> Marks:
        told = sorted(await self._with_history(kinds))
        if not told or not await self._source.takes_batches():
            return {}
        counts = [Search(kind, {"_lastUpdated": f"ge{since}", "_summary": "count"}) for kind in told]
        ends = [Search(f"{kind}/_history", {"_since": since, "_count": _LAST}) for kind in told]
        try:
            pages = await self._source.client.first_pages([*counts, *ends])
        except SourceError:  # then everything counts as changed
            return {}
        pairs = zip(told, pages[: len(told)], pages[len(told) :], strict=True)
        return {kind: _digest(count, end) for kind, count, end in pairs if count is not None and end is not None}

    async def since(self, before: Marks) -> list[str]:
        """The types in which something may have changed since the run that left these marks; ``ANSWER`` among them
        where the server can tell what was deleted of it."""
        marks = await self.marks(self._since)
        looked_at = [*self._kinds, *await self._with_history([ANSWER])]
        return [each for each in looked_at if each not in marks or marks[each] != before.get(each)]

    async def concerned(
        self, kinds: Sequence[str], before: datetime | None, decided: Callable[[Located], bool]
    ) -> AsyncIterator[list[Located]]:
        """As ``claims``, and those that a deleted claim concerns; not the claims that changed themselves."""
        async for found in self.claims([each for each in kinds if each != "Claim"], before, decided):
            yield found
        if "Claim" in kinds:
            async for found in self.deleted(["Claim"], before, decided):
                yield found

    async def claims(
        self, kinds: Sequence[str], before: datetime | None, decided: Callable[[Located], bool]
    ) -> AsyncIterator[list[Located]]:
        """The claims concerned by changes and deletions of these types, a page of changes at a time.

        A claim that the run decided already, or was given here to decide, is left out when the change was ``before``
        the run began: it was, or will be, seen then.
        """
        for kind in (each for each in kinds if each != ANSWER):
            async for page in self._source.changed(kind, self._since):
                due = [each for each in page if not self._settled.is_done(version_of(each))]
                early, late = _parted(due, before)
                yield self._given(await self._dependents.claims_of(early), decided)
                yield self._given(await self._dependents.claims_of(late))
        async for found in self.deleted(kinds, before, decided):
            yield found

    async def deleted(
        self, kinds: Sequence[str], before: datetime | None, decided: Callable[[Located], bool]
    ) -> AsyncIterator[list[Located]]:
        """The claims concerned by deletions, as far as the server tells; without those that ``claims`` leaves out."""
        for kind in sorted(await self._with_history(kinds)):
            gone = await self._deletions(kind)
            due = [each for each in gone if not self._settled.is_done(each.told and each[:2])]
            # Of one resource the last deletion counts; one of which nobody knows when it was may be that.
            late = {each.name for each in due if before is None or each.when is None or each.when >= before}
            early = {each.name for each in due} - late
            for names in batched(sorted(early), MOST_GONE):
                yield self._given(await self._dependents.claims_of([], names), decided)
            here = Remembered()  # whoever is handed on here is decided after all that this history tells of
            for names in batched(sorted(late), MOST_GONE):
                yield self._given(here.first_heard(await self._dependents.claims_of([], names)))

    def _given(self, claims: Sequence[Located], decided: Callable[[Located], bool] | None = None) -> list[Located]:
        """The claims to decide; with ``decided``, those that the run neither did nor was given before."""
        left = [each for each in claims if decided is None or not (decided(each) or each in self._handed_on)]
        for each in left:
            self._handed_on.add(each)
        return left

    async def _deletions(self, kind: str) -> list[Deletion]:
        try:
            return await self._source.client.deletions_told(kind, self._since)
        except (Refused, Unserved) as fault:
            if kind != ANSWER:
                raise
            # Of answers there are as many as of claims: that a server cannot list them all stops no decision.
            self._source.unsupported[f"{kind}/_history?_since"] = fault.problem
            return []

    @property
    def kinds(self) -> list[str]:
        """The types on which a decision can rest, but for those that are our own answers."""
        return self._kinds

    async def tells_deletions(self, kind: str) -> bool:
        """Whether the server keeps a history of the type, by which deletions are seen."""
        return bool(await self._with_history([kind]))

    async def _with_history(self, kinds: Iterable[str]) -> set[str]:
        return set(kinds) & types_with(await self._source.client.capabilities(), "history-type")


def looked_back(now: datetime, overlap: timedelta) -> str:
    """From where a run looks that goes on from one that began then; the same text always, for marks are taken by it."""
    return (now - overlap).isoformat(timespec="seconds")


async def marks_ahead(source: ServerSource, now: datetime, overlap: timedelta) -> Marks:
    """What a run that begins ``now`` leaves for the next one, which looks back by the overlap."""
    since = looked_back(now, overlap)
    return await Changes(source, since).marks(since)


def _parted(resources: Sequence[Json], before: datetime | None) -> tuple[list[Json], list[Json]]:
    """Those that changed before an instant, and the others."""
    early: list[Json] = []
    late: list[Json] = []
    for each in resources:
        (early if before is not None and _is_before(each, before) else late).append(each)
    return early, late


def _is_before(resource: Json, instant: datetime) -> bool:
    changed = last_updated(resource)
    return changed is not None and moment(changed) < instant


def _digest(count: Json, end: Json) -> str:
    """Of how many changed, and of what came last; without what an answer has of its own time."""
    last = [
        [each.get("fullUrl"), each.get("request"), _version(each.get("resource"))] for each in objects(end.get("entry"))
    ]
    return sha256(orjson.dumps([count.get("total"), last], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _version(resource: object) -> object:
    return resource.get("meta") if isinstance(resource, dict) else None
