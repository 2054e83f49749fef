"""From the request for an export to its files on the disk, taken up where an earlier run was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from adapter.errors import SourceError
from adapter.evidence.references import Json, objects, parse_reference
from adapter.limits import Limits
from adapter.sources.bulk.download import Expired, download
from adapter.sources.bulk.folder import Folder, Job
from adapter.sources.bulk.kickoff import OUTSIDE_PATIENTS, Wanted, begin
from adapter.sources.bulk.manifest import File, Role, parse_manifest
from adapter.sources.bulk.pace import Pace, State, patiently, state_of
from adapter.sources.faults import issue_codes
from adapter.sources.fhir_client import FhirClient

MOST_BEGINNINGS = 3
"""Exports asked for in one run: one that expires while it is fetched is asked for again."""
_FAILURES = frozenset({"error", "fatal"})
_NO_MATTER = frozenset({404, 405, 410, 501})
"""Answers to the removal of an export by servers that cannot, or did by themselves; HAPI says 404."""


@dataclass
class Export:
    """One export of the server of the client, fetched into the folder."""

    client: FhirClient
    folder: Folder
    pace: Pace
    limits: Limits
    tell: Callable[[str, int, int | None], None]
    warnings: list[str] = field(default_factory=list)

    async def fetch(self, wanted: Wanted) -> Job:
        """All files of it, whole; one that was begun with these arguments is gone on with.

        Raises:
            SourceError: the server refuses it, breaks it off, or lets it expire time and again.
        """
        for _ in range(MOST_BEGINNINGS):
            job = self.folder.load()
            if job is not None and set(wanted.types) - OUTSIDE_PATIENTS - set(job.types):
                self.folder.empty()  # mappings that need more types than the export has
                job = None
            try:
                if job is None:
                    job = await self._begin(wanted)
                if job.transaction_time is None:
                    job = await self._finished(job)
                if not job.completed:
                    await self._download(job.files)
                return job
            except Expired:
                self.folder.empty()
                self.tell("the export expired; a new one is asked for", 0, None)
        raise SourceError(
            f"{self.client.wire.shown} lets its exports expire before they are fetched", "try again later"
        )

    async def release(self, job: Job) -> None:
        """Remove the export on the server; one that it will not remove, it removes by itself some day."""
        try:
            address = self.client.own_address(job.status_url, "tells the status of its export")
            request = self.client.request("DELETE", address)
            answer = await self.client.wire.look(request, "the removal of the export")
            if not answer.is_success and answer.status_code not in _NO_MATTER:
                raise self.client.wire.refusals.of(answer, "the removal of the export")
        except SourceError as error:
            self.warnings.append(f"the export stays on the server until it removes it by itself: {error.problem}")

    async def _begin(self, wanted: Wanted) -> Job:
        self.tell("asking for an export", 0, None)
        begun = await begin(self.client, wanted, self.pace)
        job = Job(since=wanted.since, types=begun.types, status_url=begun.status_url)
        self.folder.save(job)
        return job

    async def _finished(self, job: Job) -> Job:
        """The export when it is done, with all the pages of its manifest."""
        files: list[File] = []
        url: str | None = job.status_url
        seen: set[str] = set()
        deletions = False
        while url is not None:
            if url in seen:
                raise SourceError(f"{self.client.wire.shown} links a page of its export back to an earlier one")
            seen.add(url)
            manifest = parse_manifest(await self._look(url), self.client.wire.shown)
            files += manifest.files()
            deletions = deletions or manifest.deleted is not None
            first = min(each for each in (job.transaction_time, manifest.transaction_time) if each is not None)
            job = job.model_copy(update={"transaction_time": first})
            url = manifest.next and self.client.own_address(manifest.next, "links to a next page of its export")
        job = job.model_copy(update={"files": tuple(files), "tells_deletions": deletions})
        self.folder.save(job)
        return job

    async def _download(self, files: Sequence[File]) -> None:
        def told(there: int) -> None:
            self.tell("files of the export", there, len(files))

        await download(self.client, files, self.folder, self.limits, told)

    async def _look(self, url: str) -> httpx.Response:
        what = "the status of the export"
        address = self.client.own_address(url, "tells the status of its export")

        async def ask() -> httpx.Response:
            return await self.client.wire.look(self.client.request("GET", address, Accept="application/json"), what)

        def told(progress: str) -> None:
            self.tell(f"the server exports ({progress})" if progress else "the server exports", 0, None)

        response = await patiently(ask, self.pace, self.client.wire.shown, told)
        state = state_of(response)
        if state is State.GONE:
            raise Expired
        if state is not State.DONE:
            if response.is_error and response.status_code not in (401, 403):
                self.folder.empty()  # a failed export does not get better by being asked about
            raise self.client.wire.refusals.of(response, what)
        return response


def problems(folder: Folder, job: Job) -> tuple[list[str], bool]:
    """What the error files say, counted by severity and code, and whether something was left out for it.

    A line that cannot be read counts as an error. The words of the server stay where they are: they quote the record.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for outcome in _resources(folder, job, "error"):
        issues = list(objects(outcome.get("issue"))) or [{"severity": "error"}]
        for issue in issues:
            severity = str(issue.get("severity"))
            known = severity if severity in ("information", "warning") else "error"
            counted[known, issue_codes({"issue": [issue]}) or "no code"] += 1
    told = [f"the export reports {severity} ({code}), {count} times" for (severity, code), count in counted.items()]
    return sorted(told), any(severity == "error" for severity, _ in counted)


def deleted(folder: Folder, job: Job) -> set[str]:
    """``Type/id`` of what the export says was deleted.

    Raises:
        SourceError: a line of it cannot be read, so that something gone might pass for evidence.
    """
    names: set[str] = set()
    for bundle in _resources(folder, job, "deleted"):
        if bundle.get("resourceType") != "Bundle":
            raise SourceError("a file of deletions in the export cannot be read", "leave out --bulk")
        requests = objects([entry.get("request") for entry in objects(bundle.get("entry"))])
        urls = [each.get("url") for each in requests if each.get("method") == "DELETE"]
        pointers = [parse_reference({"reference": each}) for each in urls]
        names |= {each.local for each in pointers if each is not None and each.local}
    return names


def output_files(folder: Folder, kind: str = "*") -> list[Path]:
    """The NDJSON files to decide, in order."""
    return sorted(folder.output.glob(f"*/{kind}.*.ndjson"))


def _resources(folder: Folder, job: Job, role: Role) -> Iterator[Json]:
    """The resources of the files of a role; a line that is none is an empty one, for the caller to judge."""
    for index, file in enumerate(job.files):
        if file.role != role:
            continue
        for path in sorted(folder.of(index, file).glob("*.ndjson")):
            with path.open("rb") as lines:
                yield from (object_on(line) for line in lines if line.strip())


def object_on(line: bytes) -> Json:
    """The object on a line; an empty one for what is none, which the file path names."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
