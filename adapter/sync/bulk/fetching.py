"""Gets an export onto the disk, and judges whether its files alone may decide."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from adapter.evidence.plan import EvidencePlan
from adapter.evidence.references import Json
from adapter.fhir.capabilities import types_with
from adapter.reconcile.adjudicator import Adjudicator
from adapter.sources.bulk.completing import FETCHED, ShelfFirst, complete, left_out
from adapter.sources.bulk.export import Export, deleted, object_on, output_files, problems
from adapter.sources.bulk.folder import Folder, Job
from adapter.sources.bulk.kickoff import OUTSIDE_PATIENTS, Wanted
from adapter.sources.bulk.shelf import indexed
from adapter.sources.dependents import WRITTEN_BY_US
from adapter.sources.fhir_client import FhirClient
from adapter.sources.server import ServerSource

BLOCK = 1 << 20
_ABSOLUTE = re.compile(rb'"reference"\s*:\s*"(https?://[^"]*)"')


@dataclass(frozen=True, slots=True)
class Exported:
    """An export on the disk."""

    job: Job
    ids: tuple[str, ...] = ()
    """The claims to decide, where the files hold others too."""
    by_server: str = ""
    """Why the files alone must not decide; empty when they may."""
    incomplete: str = ""
    """What the server could not export, so that claims may be missing; empty when all is there."""


async def wanted_types(client: FhirClient, plan: EvidencePlan, *, changes: bool) -> tuple[str, ...]:
    """The types on which a decision can rest, as far as the server has them; of changes, not our own answers."""
    types = plan.watched - WRITTEN_BY_US if changes else plan.watched | {"ClaimResponse"}
    statement = await client.capabilities()
    there = types_with(statement, "read") | types_with(statement, "search-type")
    return tuple(sorted(types & there or types))


async def fetch_all(export: Export, wanted: Wanted, source: ServerSource, adjudicator: Adjudicator) -> Exported:
    """Everything there is to decide on: the export without what was deleted, and with what it left out."""
    job = await export.fetch(wanted)
    folder = export.folder
    folder.output.mkdir(exist_ok=True)  # of a server that has nothing, no file came
    if not job.completed:
        drop(folder, deleted(folder, job))
        await _complete(export, job, wanted, source, adjudicator)
        job = await _finish(export, job)
    incomplete = _told(export, job)
    why = "the server reports errors in its export" if incomplete else ""
    if not why and foreign_references(output_files(folder), source.client.base):
        why = "references in the export lead to other servers"
    return Exported(job, _own_claims(folder), why, incomplete)


async def fetch_changes(export: Export, wanted: Wanted) -> Exported:
    """What changed, to be asked about."""
    job = await export.fetch(wanted)
    if not job.completed:
        job = await _finish(export, job)
    return Exported(job, incomplete=_told(export, job))


async def _finish(export: Export, job: Job) -> Job:
    await export.release(job)  # first, so that a run killed here does it again
    job = job.model_copy(update={"completed": True})
    export.folder.save(job)
    return job


def _told(export: Export, job: Job) -> str:
    told, failed = problems(export.folder, job)
    export.warnings += told
    return "; ".join(told) if failed else ""


async def _complete(export: Export, job: Job, wanted: Wanted, source: ServerSource, adjudicator: Adjudicator) -> None:
    exported = frozenset(each.type for each in job.files if each.role == "output")
    missing = await left_out(source, wanted.types, exported)
    if not missing and wanted.group is None:
        return
    whole = frozenset(job.types) - missing - OUTSIDE_PATIENTS
    with indexed(output_files(export.folder), export.folder.path / "index.sqlite") as shelf:
        first = ShelfFirst(source, shelf, whole)
        await complete(
            first,
            shelf,
            adjudicator.in_scope,
            export.folder,
            lambda done: export.tell("evidence completed", done, None),
        )


def drop(folder: Folder, names: Iterable[str]) -> None:
    """Take what was deleted out of the files; doing it twice is doing it once."""
    gone: dict[str, set[str]] = defaultdict(set)
    for name in names:
        kind, _, id = name.partition("/")
        gone[kind].add(id)
    for kind, ids in gone.items():
        for path in output_files(folder, kind):
            beside = path.with_suffix(".new")
            with path.open("rb") as lines, beside.open("wb") as kept:
                kept.writelines(line for line in lines if object_on(line).get("id") not in ids)
            beside.replace(path)


def foreign_references(files: Iterable[Path], base: str) -> bool:
    """Whether any reference leads to another server, where files alone do not tell whose resource is meant."""
    home = f"{base}/".encode()
    for path in files:
        with path.open("rb") as lines:
            while block := lines.read(BLOCK):
                block += lines.readline()
                if any(not found[1].startswith(home) for found in _ABSOLUTE.finditer(block)):
                    return True
    return False


def exported_claims(folder: Folder) -> Iterator[Json]:
    """The Claims that the server exported, not those fetched as evidence."""
    for path in output_files(folder, "Claim"):
        with path.open("rb") as lines:
            yield from (resource for line in lines if (resource := object_on(line)).get("resourceType") == "Claim")


def _own_claims(folder: Folder) -> tuple[str, ...]:
    if not (folder.output / FETCHED / "Claim.ndjson").exists():
        return ()
    return tuple(sorted({each["id"] for each in exported_claims(folder) if isinstance(each.get("id"), str)}))
