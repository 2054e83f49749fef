"""From what changed to the claims it concerns, each read from the server and decided as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import orjson

from adapter.errors import SourceError
from adapter.evidence.references import Json, parse_reference
from adapter.evidence.store import PATIENT_ELEMENTS, Located
from adapter.fhir.paths import is_type_name
from adapter.reconcile.adjudicator import Adjudicator
from adapter.sources.bulk.export import deleted, output_files
from adapter.sources.bulk.folder import Folder, Job
from adapter.sources.dependents import MOST_GONE, Dependents
from adapter.sources.fhir_client import batched
from adapter.sync.bulk.fetching import exported_claims
from adapter.sync.named import Named
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report
from adapter.sync.spoilt import Sparing

Stop = Callable[[], bool]
"""Whether somebody asked us to end."""

LEAVE_OUT = "leave out --bulk"


def never() -> bool:
    """Nobody asks."""
    return False


async def reconcile_changes(
    reconciler: Reconciler, folder: Folder, job: Job, report: Report, tell: Progress, stop: Stop = never
) -> None:
    """Decide the claims that depend on what changed or was deleted."""
    dependents, seen, sparing = Dependents(reconciler.source), set[str](), Sparing(reconciler)
    changed = _changed(folder)
    while some := list(islice(changed, MOST_GONE)):
        if ends(report, stop):
            return
        await _decide(sparing, await dependents.claims_of(some), seen, report, tell)
    gone = deleted(folder, job)
    if not job.tells_deletions and job.since:
        gone |= set(await dependents.deleted_since(job.since))
    matter = sorted(filter(dependents.matters, gone))
    for names in batched(matter, MOST_GONE):
        if ends(report, stop):
            return
        await _decide(sparing, await dependents.claims_of([], names), seen, report, tell)


async def reconcile_exported(
    reconciler: Reconciler,
    folder: Folder,
    adjudicator: Adjudicator,
    report: Report,
    tell: Progress,
    stop: Stop = never,
) -> None:
    """Decide the exported claims in scope, from reads of the server."""
    seen: set[str] = set()
    ids: list[str] = []
    for claim in exported_claims(folder):
        located = reconciler.source.located(claim)
        if located.id is None or located.key in seen:
            continue
        seen.add(located.key)
        if adjudicator.in_scope(located):
            ids.append(located.id)
        else:
            report.out_of_scope += 1
    await reconcile_ids(reconciler, ids, report, tell, stop)


async def reconcile_ids(
    reconciler: Reconciler, ids: Sequence[str], report: Report, tell: Progress, stop: Stop = never
) -> None:
    """Decide claims by their ids; one that is not there any more needs no answer."""
    source, done, sparing = reconciler.source, 0, Sparing(reconciler)
    named = Named(source, report.unanswered)
    for some in batched(ids, source.chunk_size):
        if ends(report, stop):
            return
        read = [source.located(each) async for page in named.pages(some) for each in page]
        await _reconcile(sparing, read, report, tell)
        done += len(some)
        tell("claims read", done, len(ids))


def ends(report: Report, stop: Stop) -> bool:
    """Whether we are asked to end, which the report then says."""
    report.ended_early |= stop()
    return report.ended_early


async def _decide(sparing: Sparing, claims: Iterable[Located], seen: set[str], report: Report, tell: Progress) -> None:
    fresh = [each for each in claims if each.key not in seen]
    seen.update(each.key for each in fresh)
    for some in batched(fresh, sparing.reconciler.source.chunk_size):
        await _reconcile(sparing, some, report, tell)
        tell("claims read", len(seen))


async def _reconcile(sparing: Sparing, claims: Sequence[Located], report: Report, tell: Progress) -> None:
    before = report.tally.claims

    def told(what: str, count: int, total: int | None = None) -> None:
        tell(what, before + count, total)

    report.absorb(await sparing.reconcile(claims, told))


def _changed(folder: Folder) -> Iterator[Json]:
    """What changed: of resources about a patient the patient, each once; the others themselves."""
    seen: set[str] = set()
    for path in output_files(folder):
        with path.open("rb") as lines:
            for resource in map(_read, filter(bytes.strip, lines)):
                patient = _patient(resource)
                if patient is None:
                    yield resource
                elif patient not in seen:
                    seen.add(patient)
                    yield {"resourceType": "Patient", "id": patient.partition("/")[2]}


def _read(line: bytes) -> Json:
    try:
        resource = orjson.loads(line)
    except orjson.JSONDecodeError:
        resource = None
    if not isinstance(resource, dict) or not is_type_name(resource.get("resourceType")):
        raise SourceError("a line of the export holds no FHIR resource, so that a change would be missed", LEAVE_OUT)
    return resource


def _patient(resource: Json) -> str | None:
    """``Patient/id``, where the resource is about one patient and says so by a plain reference."""
    pointers = (parse_reference(resource.get(element)) for element in PATIENT_ELEMENTS)
    found = next((each for each in pointers if each is not None), None)
    plain = found is not None and found.kind == "Patient" and found.url is None
    return found.local if found is not None and plain and resource.get("resourceType") != "Claim" else None
