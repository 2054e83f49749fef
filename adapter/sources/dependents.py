"""Which claims may have another answer now that some resources of the server changed.

A claim rests on what speaks about its patient, so a change concerns the claims of the patient: the claim itself, its
Encounter, its note, an earlier assessment, a claim it replaces. A resource without a patient is followed the other way,
to what refers to it; what is deleted, by its last version and by the Provenance of the answers that rested on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from adapter.errors import SourceError
from adapter.evidence.newest import version_rank
from adapter.evidence.references import Json, objects, parse_reference
from adapter.evidence.store import PATIENT_ELEMENTS, Located
from adapter.fhir.capabilities import types_with
from adapter.sources.fhir_client import batched, search_value
from adapter.sources.hunt import MOST_VALUES
from adapter.sources.server import ServerSource

WRITTEN_BY_US = frozenset({"ClaimResponse", "Provenance", "OperationOutcome"})
"""Types of our own answers; were they followed, each answer would ask for the next."""


MOST_GONE = 100
"""Deleted resources that are asked about in one go; who names more may only want to keep us busy."""


class NoTimes(SourceError):
    """A server that cannot tell what changed since an instant."""


class Dependents:
    """Finds the claims that depend on resources of the server of the source."""

    def __init__(self, source: ServerSource) -> None:
        self._source = source
        self._watched = source.plan.watched - WRITTEN_BY_US

    def matters(self, name: str) -> bool:
        """Whether a decision can rest on ``Type/id``."""
        return name.partition("/")[0] in self._watched

    async def changed_since(self, since: str) -> list[Json]:
        """Whatever a decision can rest on that changed at or after an instant, in their present versions.

        Raises:
            NoTimes: the server does not know when a Claim was changed.
            Unserved: some of it could not be read.
        """
        found: list[Json] = []
        for kind in sorted(self._watched):
            async for page in self._source.changed(kind, since):
                found += page
        if "Claim?_lastUpdated" in self._source.unsupported:
            raise NoTimes("the server cannot search by _lastUpdated")
        return found

    async def deleted_since(self, since: str) -> list[str]:
        """``Type/id`` of what was deleted at or after an instant, as far as the server tells."""
        told = types_with(await self._source.client.capabilities(), "history-type")
        names: list[str] = []
        for kind in sorted(self._watched & told):
            names += await self._source.client.deletions(kind, since)
        return names

    async def every_claim(self) -> list[Located]:
        """All there are, for a server that cannot tell which changed."""
        return [each async for page in self._source.claims() for each in page]

    async def claims(self, names: Iterable[str]) -> list[Located]:
        """The claims that depend on these resources, each once and as it is now."""
        names = {name for name in names if self.matters(name)}
        return await self.claims_of(await self._search("_id", names), names)

    async def claims_of(self, changed: Sequence[Json], names: Iterable[str] = ()) -> list[Located]:
        """As ``claims``, of resources that are at hand; of ``names`` some may be gone."""
        gone = set(names) - {_name(each) for each in changed}
        last = await self._last_versions(gone)
        patients = await self._patients([*changed, *last])
        without = {_name(each) for each in [*changed, *last] if not _has_patient(each)}
        referring = await self._referring(without | gone)
        patients |= await self._patients(referring)
        held = [each for each in [*changed, *referring] if each["resourceType"] == "Claim"]
        answered = [*await self._answered_from(gone | without), *await self._answered_by(gone, last)]
        return self._newest([*held, *answered, *await self._of_patients(patients)])

    async def _last_versions(self, names: Iterable[str]) -> list[Json]:
        """What deleted resources said last: whom they were about. Of very many only some are asked for."""
        pairs = (name.partition("/") for name in sorted(names)[:MOST_GONE])
        return await self._source.last_versions([(kind, id) for kind, _, id in pairs])

    async def _of_patients(self, patients: Iterable[str]) -> list[Json]:
        parameter = self._source.plan.search.get("Claim", "patient")
        return await self._found("Claim", parameter, patients)

    async def _patients(self, resources: Iterable[Json]) -> set[str]:
        """``Patient/id`` of the patients of resources; one named by an identifier alone is looked up."""
        pointers = [pointer for each in resources if (pointer := parse_reference(_patient(each)))]
        tokens = {_token(*pointer.identifier) for pointer in pointers if pointer.identifier}
        known = await self._found("Patient", "identifier", tokens)
        here = {pointer.local for pointer in pointers if pointer.local and pointer.kind == "Patient"}
        return here | {_name(each) for each in known}

    async def _referring(self, names: set[str]) -> list[Json]:
        """What refers to resources that lead to no patient themselves, and what refers to that."""
        found: list[Json] = []
        seen: set[str] = set()
        while names:
            seen |= names
            further = [
                each
                for kind, some in _by_kind(names).items()
                for holder, parameters in self._source.plan.dependents.get(kind, {}).items()
                for parameter in parameters
                for each in await self._found(holder, parameter, some)
            ]
            found += further
            names = {_name(each) for each in further if not _has_patient(each)} - seen
        return found

    async def _answered_from(self, names: Iterable[str]) -> list[Json]:
        """The claims whose answers say that they rest on these resources."""
        trails = await self._found("Provenance", "entity", names)
        responses = await self._search("_id", _led_to(trails, "target", "ClaimResponse"))
        return await self._search("_id", _led_to(responses, "request", "Claim"))

    async def _answered_by(self, gone: Iterable[str], last: Sequence[Json]) -> list[Json]:
        """The claims of deleted answers: by what these said last, and by the Provenance that names both."""
        answers = [each for each in gone if each.startswith("ClaimResponse/")]
        trails = await self._found("Provenance", "target", answers)
        entities = [entity for each in trails for entity in objects(each.get("entity"))]
        said = (each for each in last if each["resourceType"] == "ClaimResponse")
        return await self._search("_id", _led_to(said, "request", "Claim") | _led_to(entities, "what", "Claim"))

    async def _search(self, parameter: str, names: Iterable[str]) -> list[Json]:
        """The resources ``Type/id`` that are there."""
        return [
            each
            for kind, some in _by_kind(names).items()
            for each in await self._found(kind, parameter, (name.partition("/")[2] for name in some))
        ]

    async def _found(self, kind: str, parameter: str, values: Iterable[str]) -> list[Json]:
        found: list[Json] = []
        for some in batched(sorted(set(values)), MOST_VALUES):
            # A lenient server ignores a parameter it does not know, and sends what was not asked for.
            found += [each for each in await self._source.find(kind, parameter, some) if each["resourceType"] == kind]
        return [each for each in found if isinstance(each.get("id"), str)]

    def _newest(self, claims: Iterable[Json]) -> list[Located]:
        newest: dict[str, Json] = {}
        for claim in sorted(claims, key=version_rank):
            newest[claim["id"]] = claim
        return [self._source.located(newest[id]) for id in sorted(newest)]


def _by_kind(names: Iterable[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        kinds[name.partition("/")[0]].append(name)
    return kinds


def _led_to(resources: Iterable[Json], member: str, kind: str) -> set[str]:
    """``Type/id`` of the references of that type in a member of the resources."""
    held = (each.get(member) for each in resources)
    references = (each for value in held for each in (value if isinstance(value, list) else [value]))
    pointers = (parse_reference(each) for each in references)
    return {each.local for each in pointers if each is not None and each.local and each.kind == kind}


def _patient(resource: Json) -> object:
    """The Reference to the patient of a resource; a Patient's is itself."""
    if resource["resourceType"] == "Patient":
        return {"reference": _name(resource)}
    held: Iterator[object] = (resource.get(element) for element in PATIENT_ELEMENTS)
    return next((each for each in held if parse_reference(each) is not None), None)


def _has_patient(resource: Json) -> bool:
    return parse_reference(_patient(resource)) is not None


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource.get('id')}"


def _token(system: str | None, value: str) -> str:
    return f"{search_value(system)}|{search_value(value)}" if system else search_value(value)
