"""``sync URL --bulk``: an export onto the disk, its claims decided, the answers written, the files removed."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapter.audit.opening import opened_trail
from adapter.audit.trail import Trail
from adapter.auth.scopes import Need
from adapter.bootstrap import mapping_layers
from adapter.cli.bulk_checkpoint import BulkCheckpoint
from adapter.cli.bulk_options import Asked
from adapter.cli.commands import Choice, of_server, open_client, source_of
from adapter.cli.ending import stopped_when_told
from adapter.cli.way import way_of
from adapter.errors import SourceError
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Unanswered
from adapter.runs.basis import query_name
from adapter.settings import Settings
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.addresses import checked_base
from adapter.sources.bulk.export import Export
from adapter.sources.bulk.folder import Folder, opened
from adapter.sources.bulk.kickoff import Wanted
from adapter.sources.bulk.pace import Pace
from adapter.sources.fhir_client import FhirClient
from adapter.sync.bulk.changes import Stop, reconcile_changes, reconcile_exported
from adapter.sync.bulk.fetching import Exported, fetch_all, fetch_changes, wanted_types
from adapter.sync.bulk.handing_over import compare, hand_over
from adapter.sync.bulk.writing import WriteBack
from adapter.sync.checkpoints import Checkpoint
from adapter.sync.files import Order, sync_files
from adapter.sync.into_folder import into_folder
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report


def sync_bulk(choice: Choice, settings: Settings, adjudicator: Adjudicator, run: Asked, tell: Progress) -> Report:
    """One run; one with the same arguments that was killed is gone on with."""
    root = settings.bulk_folder or settings.ledger.parent / "bulk"
    with (
        opened(root, checked_base(choice.source), run.group, run.since) as folder,
        Ledger(settings.ledger.expanduser(), copy=run.dry_run) as ledger,
        opened_trail(settings, choice.source, writes=run.out is None and not run.dry_run) as trail,
    ):
        one = _Run(choice, settings, adjudicator, run, tell, folder, ledger, trail)
        report = one.report()
        if not report.ended_early:  # else it is gone on with
            folder.remove()
        return report


@dataclass
class _Run:
    choice: Choice
    settings: Settings
    adjudicator: Adjudicator
    run: Asked
    tell: Progress
    folder: Folder
    ledger: Ledger
    trail: Trail
    _query: str = ""  # of ``sync URL`` by the same rules; known as soon as the server was asked

    def report(self) -> Report:
        """Fetch, decide, write. Between its requests no connection is held open, for deciding may take hours."""
        started = time.monotonic()
        exported, warnings, report = asyncio.run(self._fetched())
        if report is None:
            report = self._decided(exported)
        report.started, report.warnings = started, [*report.warnings, *warnings]
        if exported.incomplete:
            report.unanswered.append(Unanswered(None, f"claims may be missing: {exported.incomplete}"))
        self._move_checkpoints(exported, report)
        return report

    async def _fetched(self) -> tuple[Exported, list[str], Report | None]:
        """The export; where it only tells what changed, or must not decide by itself, with the report of the run."""
        async with self._client() as client:
            await self._agree_on_rules(client)
            reconciler = self._reconciler(client)
            pace = Pace(self.settings.bulk_wait)
            export = Export(client, self.folder, pace, self.settings.limits, self.tell)
            since = self._since()
            types = await wanted_types(client, self.adjudicator.mappings.plan, changes=since is not None)
            wanted = Wanted(types, self.run.group, since)
            if since is None:
                exported = await fetch_all(export, wanted, reconciler.source, self.adjudicator)
                report = await self._by_server(reconciler, exported) if exported.by_server else None
            else:
                exported = await fetch_changes(export, wanted)
                job = exported.job
                report = await self._by_reads(
                    reconciler,
                    lambda keeping, told, stop: reconcile_changes(keeping, self.folder, job, told, self.tell, stop),
                    whole=False,
                )
            return exported, export.warnings, report

    async def _agree_on_rules(self, client: FhirClient) -> None:
        """Learn what the server speaks, and so by which rules it is answered."""
        version, layers = self.choice.fhir_version, mapping_layers(self.choice.mappings)
        spoken = await of_server(client, version, self.adjudicator)
        self._query = query_name(self.adjudicator, layers, version, spoken.mappings.version)
        self.adjudicator = spoken
        Checkpoint(self.ledger, checked_base(self.choice.source), self._query, self._writes).take_over()

    def _decided(self, exported: Exported) -> Report:
        """The answers of the files, where they are wanted; all is read from the server when a line is damaged."""
        shutil.rmtree(self.folder.answers, ignore_errors=True)  # of a run that was killed here
        order = Order(self.folder.output, self.folder.answers, self.choice.instant, exported.ids)
        report = sync_files(order, self.adjudicator, self.tell, way_of(self.settings), trail=self.trail)
        if report.reading.issues:
            place = report.reading.issues[0].where
            damaged = replace(exported, by_server=f"{len(report.reading.issues)} places cannot be read, as {place}")
            return asyncio.run(self._anew(damaged))
        if self.run.out is None:
            asyncio.run(self._written(exported, report))
        elif self.run.dry_run:
            compare(self.folder.answers, self.run.out, report)
        else:
            hand_over(self.folder.answers, self.run.out)
        return report

    async def _anew(self, exported: Exported) -> Report:
        async with self._client() as client:
            return await self._by_server(self._reconciler(client), exported)

    async def _by_server(self, reconciler: Reconciler, exported: Exported) -> Report:
        report = await self._by_reads(
            reconciler,
            lambda keeping, told, stop: reconcile_exported(
                keeping, self.folder, self.adjudicator, told, self.tell, stop
            ),
            whole=True,
        )
        report.warnings.insert(0, f"{exported.by_server}: each claim was decided from reads of the server")
        return report

    async def _by_reads(
        self, reconciler: Reconciler, work: Callable[[Reconciler, Report, Stop], Awaitable[None]], *, whole: bool
    ) -> Report:
        """What comes of claims that the server is asked about; ``whole``: they are all there are."""
        report = Report(structure_trusted=self.adjudicator.trust_structure)
        with stopped_when_told() as stop:
            if self.run.out is None:
                await work(reconciler, report, stop.is_set)
                return report
            with into_folder(self.run.out, dry_run=self.run.dry_run, whole=whole) as folder:
                await work(replace(reconciler, keep=folder.take), report, stop.is_set)
                if not report.ended_early:
                    folder.finish(report)
            return report

    async def _written(self, exported: Exported, report: Report) -> None:
        async with self._client() as client:
            reconciler = self._reconciler(client)
            if reconciler.sink is None:
                return
            back = WriteBack(reconciler, reconciler.sink, _when(exported), report, self.tell)
            with stopped_when_told() as stop:
                back.stop = stop.is_set
                await back.write(self.folder.answers)

    def _reconciler(self, client: FhirClient) -> Reconciler:
        source = source_of(client, self.adjudicator, self.settings, batches=True)
        system, instant = self.adjudicator.identifier_system, self.choice.instant
        sink = ServerSink(client, system, self.ledger, instant) if self.run.out is None else None
        self.trail.through(client)
        return Reconciler(source, sink, self.adjudicator, instant, self.run.dry_run, witness=self.trail)

    def _client(self) -> FhirClient:
        return open_client(self.choice, self.settings, Need.ANSWER if self._writes else Need.READ)

    @property
    def _writes(self) -> bool:
        return self.run.out is None and not self.run.dry_run

    # --- how far the server was read

    @property
    def _checkpoint(self) -> BulkCheckpoint:
        return BulkCheckpoint(self.ledger, checked_base(self.choice.source), self._query, self.run.group)

    def _since(self) -> str | None:
        """The ``_since`` of this run; of one that goes on, that of the export it goes on with."""
        job = self.folder.load()
        if job is not None:
            return job.since
        return self._checkpoint.since() if self.run.since == "auto" else self.run.since

    def _move_checkpoints(self, exported: Exported, report: Report) -> None:
        """To the server's own instant, when everything before it is answered on the server."""
        whole = self.run.since in (None, "auto") and self._writes and self._checkpoint.goes_on(exported.job.since)
        if whole and report.finished:
            self._checkpoint.move(_when(exported), timedelta(seconds=self.settings.overlap_seconds))


def _when(exported: Exported) -> datetime:
    if exported.job.transaction_time is None:
        raise SourceError("the export has no transactionTime")
    return exported.job.transaction_time
