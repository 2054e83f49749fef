"""The search for the evidence of one chunk of claims: what to ask for, level by level.

First comes what is on file about the patients, together with what the claims refer to elsewhere: an Encounter that a
claim names is nearly always among its patient's, and need not be fetched twice. What it is not among is fetched by its
id in the next round.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from adapter.evidence.newest import version_rank
from adapter.evidence.references import Json, Pointer, parse_reference, parse_reference_text
from adapter.evidence.store import EvidenceStore, Located
from adapter.sources.fhir_client import batched, search_value
from adapter.sources.includes import Included
from adapter.sources.many import Search
from adapter.sources.shared import SHARED

if TYPE_CHECKING:  # the source makes its hunts
    from adapter.sources.server import ServerSource

MOST_VALUES = 100
"""Values of one search."""
MOST_ROUNDS = 8
"""Claim → Encounter → PractitionerRole → Practitioner → Organization: no evidence lies much further away."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Wanted(NamedTuple):
    """One value to search for: ``Patient?_id=...``, ``Practitioner?identifier=...``, ``Encounter?patient=...``."""

    kind: str
    parameter: str
    value: str


class Hunt:
    """The search for the evidence of one chunk: what was asked, and what was found."""

    def __init__(self, source: ServerSource, store: EvidenceStore, given: frozenset[str] = frozenset()) -> None:
        self._source = source
        self._plan = source.plan
        self._store = store
        self._given = given
        self._asked: set[Wanted] = set()
        self._included = Included()

    async def gather(self, claims: Sequence[Located]) -> None:
        """Fetch what the plan declares, from the claims and what they were given with."""
        holders = list(self._store.everything())
        # Where each search costs a request, all of a type that is referred to is asked for at once, a round later; by
        # then some of it may have come along with what is about the patients.
        later = await self._source.includes.matter()
        found = await self._fetch([*self._about_patients(claims), *(() if later else self._elsewhere(holders))])
        holders += found
        for _ in range(MOST_ROUNDS + later):
            found = await self._fetch([*self._led_to(holders), *self._about_patients(claims), *self._about_coaches()])
            if not found:
                break
            holders = found
        await self._other_sessions(claims)

    def _led_to(self, holders: Iterable[Located]) -> Iterator[Wanted]:
        return (wanted for holder in holders for wanted in self._leads(holder))

    def _elsewhere(self, holders: Iterable[Located]) -> Iterator[Wanted]:
        """What is referred to, but for what will be among that of the patients."""
        return (each for each in self._led_to(holders) if each.parameter != "_id" or each.kind not in self._plan.search)

    def _about_patients(self, claims: Sequence[Located]) -> Iterator[Wanted]:
        patients = {key for claim in claims if (key := self._patient(claim))}
        searches = self._plan.search.items()
        return (Wanted(kind, parameter, key) for kind, parameter in searches for key in patients)

    def _about_coaches(self) -> Iterator[Wanted]:
        coaches = self._coaches()
        searches = self._plan.by_practitioner.items()
        return (Wanted(kind, parameter, key) for kind, parameter in searches for key in coaches)

    async def _other_sessions(self, claims: Sequence[Located]) -> None:
        """What the coaches at hand did on the days of these claims; whom they did it with is not looked up."""
        whom = {day: coaches for day, coaches in sorted(self._coaches_by_day(claims).items()) if coaches}
        if not whom:
            return
        for kind, search in self._plan.sessions_of_coach.items():
            for resource in await self._source.sessions.of(kind, search, whom):
                self._take(resource)

    def _coaches_by_day(self, claims: Sequence[Located]) -> dict[str, set[str]]:
        """The coaches of each day's patients, and those of whom nothing says whose they are."""
        patients = {claim.key: self._store.subject_key(claim) for claim in claims}
        of_patient: dict[str, set[str]] = defaultdict(set)
        for holder in self._store.everything():
            if (subject := self._store.subject_key(holder)) in patients.values() and subject is not None:
                of_patient[subject].update(self._people_in(holder))
        anybodys = set(self._coaches()).difference(*of_patient.values())
        whom: dict[str, set[str]] = defaultdict(set)
        for claim in claims:
            for day in _days(claim.resource):
                whom[day] |= anybodys | of_patient[patients[claim.key] or ""]
        return whom

    def _people_in(self, holder: Located) -> Iterator[str]:
        """``Practitioner/id`` of those whom a resource names, itself or by their role."""
        for part in _with_contained(holder):
            for _, reference in self._plan.leads(part.resource):
                found = self._store.resolve(reference, part)
                if found is not None and found.kind == "PractitionerRole":
                    found = self._store.resolve(found.resource.get("practitioner"), found)
                if found is not None and found.kind == "Practitioner" and _is_known_as(found):
                    yield found.local

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
        known = {each: kept for each in fresh if (kept := self._at_hand(each)) is not None}
        values: dict[tuple[str, str], list[str]] = defaultdict(list)
        for each in fresh:
            if each not in known:
                values[each.kind, each.parameter].append(each.value)
        parts = [(name, some) for name in values for some in batched(values[name], MOST_VALUES)]
        more = {kind: await self._source.includes.of(kind) for kind, _ in values}
        searches = [Search(kind, {by: ",".join(some), **more[kind]}) for (kind, by), some in parts]
        all_found, now = await self._source.find_all(searches), self._source.client.server_time
        answers = [self._included.split(*each, now) for each in zip(searches, all_found, strict=True)]
        for (name, some), answer in zip(parts, answers, strict=True):
            self._keep(*name, some, answer)
        found: list[Sequence[Json]] = [*known.values(), *answers]
        return [new for answer in found for resource in answer if (new := self._take(resource))]

    def _at_hand(self, wanted: Wanted) -> Sequence[Json] | None:
        """What a search would find, where it was found before or came along with something."""
        if (kept := self._source.shared.get(wanted)) is not None:
            return kept
        if (came := self._included.get(*wanted)) is None:
            return None
        self._source.shared.keep(wanted, [came[0]], came[1])
        return [came[0]]

    def _keep(self, kind: str, parameter: str, values: Sequence[str], answer: Sequence[Json]) -> None:
        """Remember what was found under each value, where that can be told."""
        if kind not in SHARED or parameter not in ("_id", "practitioner"):
            return
        under: dict[str, list[Json]] = {value: [] for value in values}
        for each in (one for one in answer if one["resourceType"] == kind):
            pointer = parse_reference(each.get(parameter)) if parameter != "_id" else None
            value = each.get("id") if parameter == "_id" else pointer and pointer.local
            if isinstance(value, str) and value in under:
                under[value].append(each)
        for value, found in under.items():
            self._source.shared.keep(Wanted(kind, parameter, value), found, self._source.client.server_time)

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
