"""Claims and their evidence from a FHIR server, in few requests.

Evidence is gathered for a chunk of claims at a time: references level by level, each level one round of searches by
``_id`` or ``identifier`` per type, then what is on file about the patients, then what that refers to. What is not there
is simply not found: a missing resource is a matter for the rules, never an error of the source.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from adapter.evidence.newest import version_rank
from adapter.evidence.plan import EvidencePlan
from adapter.evidence.references import Json, Pointer, parse_reference, parse_reference_text
from adapter.evidence.store import EvidenceStore, Located
from adapter.limits import DEFAULT, Limits
from adapter.sources.fhir_client import FhirClient, Parameters, batched, search_value
from adapter.sources.oversize import within_limits
from adapter.sources.wire import Refused

MOST_VALUES = 100
"""Values of one search."""
MOST_LEVELS = 5
"""Claim → Encounter → PractitionerRole → Practitioner → Organization: no evidence lies further away."""
_UNSUPPORTED = frozenset({400, 404, 405, 501})


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Wanted(NamedTuple):
    """One value to search for: ``Patient?_id=...``, ``Practitioner?identifier=...``, ``Encounter?patient=...``."""

    kind: str
    parameter: str
    value: str


class ServerSource:
    """Reads claims and gathers their evidence from the server of the client."""

    def __init__(
        self,
        client: FhirClient,
        plan: EvidencePlan,
        chunk_size: int = 100,
        codes: Sequence[str] = (),
        limits: Limits = DEFAULT,
    ) -> None:
        self.client = client
        self.plan = plan
        self.chunk_size = chunk_size
        self.codes = codes
        """Service codes in scope, by which the other sessions of a coach are found."""
        self.limits = limits
        self.unsupported: dict[str, str] = {}
        """``Type?parameter`` of each evidence search the server does not know, with its answer; not tried again."""

    async def claims(
        self, *, since: str | None = None, until: str | None = None, ids: Sequence[str] = ()
    ) -> AsyncIterator[list[Located]]:
        """Chunks of claims: the ones named, or all changed at or after ``since`` and before ``until``, oldest first."""
        seen: set[str] = set()
        chunk: list[Located] = []
        async for located in self._claims(since, until, ids):
            version = located.versioned
            if version in seen:  # pages shift while others write, so a claim can stand on two
                continue
            seen.add(version)
            chunk.append(located)
            if len(chunk) == self.chunk_size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    async def gather(self, claims: Sequence[Located], sent: Sequence[Located] = ()) -> EvidenceStore:
        """Everything the plan declares about these claims, and the claims themselves.

        Where they were sent, and not read from the server, ``sent`` is all that came, they among it; it takes the place
        of what the server has under the same type and id.
        """
        given = sent or claims
        store = EvidenceStore(base=self.client.base)
        store.extend(given)
        hunt = _Hunt(self, store, frozenset(each.key for each in sent))
        await hunt.chase(given)
        await hunt.chase(await hunt.about_patients(claims))
        await hunt.chase(await hunt.about_practitioners())
        await hunt.other_sessions(claims)
        return store

    async def find(
        self, kind: str, parameter: str, values: Iterable[str], narrowed: Mapping[str, str | list[str]] | None = None
    ) -> list[Json]:
        """One evidence search, ``narrowed`` by further parameters.

        Nothing, and a note of it, when the server does not know type or parameter.
        """
        name = f"{kind}?{parameter}"
        if name in self.unsupported:
            return []
        try:
            pages = self.client.search(kind, {parameter: ",".join(values), **(narrowed or {})})
            return [resource async for page in pages for resource in page]
        except Refused as refused:
            if refused.status not in _UNSUPPORTED:
                raise
            self.unsupported[name] = refused.problem
            return []

    def located(self, resource: Json) -> Located:
        url = f"{self.client.base}/{resource['resourceType']}/{resource.get('id')}"
        return within_limits(Located(resource, full_url=url), self.limits)

    async def _claims(self, since: str | None, until: str | None, ids: Sequence[str]) -> AsyncIterator[Located]:
        named = batched(sorted(set(ids)), MOST_VALUES)
        searches: list[Parameters] = [{"_id": ",".join(map(search_value, some))} for some in named]
        recent: Parameters = {"_sort": "_lastUpdated", **changed(since, until)}
        for parameters in searches or [recent]:
            async for page in self.client.search("Claim", parameters):
                for resource in page:
                    # A lenient server ignores a parameter it does not know, and sends every claim it has.
                    if resource["resourceType"] == "Claim" and (not ids or resource.get("id") in ids):
                        yield self.located(resource)


def changed(since: str | None, until: str | None) -> dict[str, list[str]]:
    """The search parameter for what was changed at or after ``since`` and before ``until``."""
    bounds = [f"{prefix}{bound}" for prefix, bound in (("ge", since), ("lt", until)) if bound]
    return {"_lastUpdated": bounds} if bounds else {}


class _Hunt:
    """The search for the evidence of one chunk: what was asked, and what was found."""

    def __init__(self, source: ServerSource, store: EvidenceStore, given: frozenset[str] = frozenset()) -> None:
        self._source = source
        self._plan = source.plan
        self._store = store
        self._given = given
        self._asked: set[Wanted] = set()

    async def chase(self, holders: Sequence[Located]) -> None:
        """Follow the references of the holders, then those of what they lead to, and so on."""
        for _ in range(MOST_LEVELS):
            if not holders:
                return
            holders = await self._fetch(wanted for holder in holders for wanted in self._leads(holder))

    async def about_patients(self, claims: Sequence[Located]) -> list[Located]:
        patients = {key for claim in claims if (key := self._patient(claim))}
        searches = self._plan.search.items()
        return await self._fetch(Wanted(kind, parameter, key) for kind, parameter in searches for key in patients)

    async def about_practitioners(self) -> list[Located]:
        practitioners = self._coaches()
        searches = self._plan.by_practitioner.items()
        return await self._fetch(Wanted(kind, parameter, key) for kind, parameter in searches for key in practitioners)

    async def other_sessions(self, claims: Sequence[Located]) -> None:
        """What the coaches at hand did on the days of these claims; whom they did it with is not looked up."""
        coaches = self._coaches()
        days = sorted({day for claim in claims for day in _days(claim.resource)})
        if not coaches or not days:
            return
        for kind, search in self._plan.sessions_of_coach.items():
            narrowed: dict[str, str | list[str]] = {
                search.code: ",".join(self._source.codes),
                search.date: [f"ge{days[0]}", f"le{days[-1]}"],
            }
            for some in batched(coaches, MOST_VALUES):
                for resource in await self._source.find(kind, search.by, some, narrowed):
                    self._take(resource)

    def _coaches(self) -> list[str]:
        return [each.local for each in self._store.all("Practitioner") if _is_known_as(each)]

    def _leads(self, holder: Located) -> Iterator[Wanted]:
        for part in _with_contained(holder):
            for path, reference in self._plan.leads(part.resource):
                pointer = parse_reference(reference)
                if pointer is not None:
                    yield from self._wanted(pointer, path)

    def _wanted(self, pointer: Pointer, path: str) -> Iterator[Wanted]:
        if pointer.identifier is not None:
            system, value = pointer.identifier
            token = f"{search_value(system)}|{search_value(value)}" if system else search_value(value)
            for kind in (pointer.kind,) if pointer.kind else self._plan.types_of(path):
                if kind.isalpha():  # it becomes part of an address
                    yield Wanted(kind, "identifier", token)
        elif local := self._local(pointer):
            kind, _, id = local.partition("/")
            if self._store.get(local) is None:
                yield Wanted(kind, "_id", id)

    def _local(self, pointer: Pointer) -> str | None:
        """``Type/id`` of a reference into this server; an absolute reference to another one is never fetched."""
        at_home = pointer.url is None or pointer.url == f"{self._source.client.base}/{pointer.local}"
        return pointer.local if at_home else None

    def _patient(self, claim: Located) -> str | None:
        """The key of a claim's patient; also of one that is not there, whose record may be."""
        pointer = parse_reference(claim.resource.get("patient"))
        if pointer is None or pointer.contained is not None:
            return None
        found = self._store.follow(pointer, claim)
        if found is not None:
            return found.local if _is_known_as(found) else None
        return self._local(pointer)

    async def _fetch(self, wanted: Iterable[Wanted]) -> list[Located]:
        """Search for all that was not asked before, at the same time; returns what is new to the store."""
        fresh = sorted(set(wanted) - self._asked)
        self._asked.update(fresh)
        values: dict[tuple[str, str], list[str]] = defaultdict(list)
        for each in fresh:
            values[each.kind, each.parameter].append(each.value)
        searches = [self._source.find(*name, some) for name in values for some in batched(values[name], MOST_VALUES)]
        # Exceptions are collected, so that no search of the round is left running when one of them fails.
        answers = await asyncio.gather(*searches, return_exceptions=True)
        return [new for answer in answers for resource in _or_raise(answer) if (new := self._take(resource))]

    def _take(self, resource: Json) -> Located | None:
        located = self._source.located(resource)
        known = self._store.get(located.key)
        if not located.id or located.key in self._given:
            return None
        if known and version_rank(known.resource) >= version_rank(resource):
            return None
        self._store.add(located)
        return located


def _is_known_as(located: Located) -> bool:
    """Whether the server may know a resource by its type and id, so that what refers to it can be searched for.

    An id can hold anything until the resource is looked into, and stands for nobody else but where it is one.
    """
    known = located.id is not None and not located.scope
    return known and parse_reference_text(located.local).local == located.local


def _days(claim: Json) -> Iterator[str]:
    """The calendar days a claim names, as text: enough to narrow a search."""
    items = claim.get("item")
    for item in [*(items if isinstance(items, list) else []), {"servicedPeriod": claim.get("billablePeriod")}]:
        if not isinstance(item, dict):
            continue
        period = item.get("servicedPeriod")
        bounds = [period.get("start"), period.get("end")] if isinstance(period, dict) else []
        yield from (day[:10] for day in [item.get("servicedDate"), *bounds] if isinstance(day, str) and _DAY.match(day))


def _with_contained(holder: Located) -> Iterator[Located]:
    """The resource and those inside it: a contained PractitionerRole refers to a Practitioner outside."""
    yield holder
    contained = holder.resource.get("contained")
    for resource in contained if isinstance(contained, list) else []:
        if isinstance(resource, dict):
            yield Located(resource, container=holder)


def _or_raise(answer: list[Json] | BaseException) -> list[Json]:
    if isinstance(answer, BaseException):
        raise answer
    return answer
