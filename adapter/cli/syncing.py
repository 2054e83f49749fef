"""``sync``: from files to a folder, or from a server to itself or to a folder. Exit codes are the contract's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from adapter.auth.scopes import Need
from adapter.cli import show
from adapter.cli.bulk_syncing import refuse_misuse, sync_bulk
from adapter.cli.commands import OK, Choice, of_server, open_client, server_name, source_of
from adapter.cli.progress import progress
from adapter.cli.way import way_of
from adapter.errors import UsageError
from adapter.reconcile import Adjudicator
from adapter.session.time import parse_moment
from adapter.settings import Settings, load_settings
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sync.files import Order, sync_files
from adapter.sync.into_folder import kept
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report
from adapter.sync.server import sync_server

UNANSWERED = 3
DEFAULT_OUT = Path("adapter-out")
CHECKPOINT = "Claim"
OVERLAP = timedelta(minutes=5)
"""``--since auto`` reads a little back: servers index with a delay, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of ``sync`` is to do beside what every command is told."""

    out: Path | None = None
    dry_run: bool = False
    since: str | None = None
    ids: Sequence[str] = ()
    bulk: bool = False
    group: str | None = None


def sync(choice: Choice, run: Run) -> int:
    """Decide claims and write the answers; 0 when each claim in scope got one, else 3."""
    settings = load_settings()
    if run.since is not None and not choice.is_server:
        raise UsageError("--since asks a server what changed; files are always read whole.")
    refuse_misuse(choice, run)
    adjudicator = choice.adjudicator(settings)
    with progress() as tell:
        if run.bulk:
            report = sync_bulk(choice, settings, adjudicator, run, tell)
        elif choice.is_server:
            report = asyncio.run(_sync_server(choice, settings, adjudicator, run, tell))
        else:
            order = Order(Path(choice.source), run.out or DEFAULT_OUT, choice.instant, run.ids, run.dry_run)
            report = sync_files(order, adjudicator, tell, way_of(settings))
    show.report(report, choice.output_format, _target(choice, run), run.dry_run)
    return OK if report.complete else UNANSWERED


def _target(choice: Choice, run: Run) -> str:
    if run.dry_run:
        return "nothing written (dry run)"
    if choice.is_server and run.out is None:
        return f"answers written to {server_name(choice.source)}"
    return f"answers in {run.out or DEFAULT_OUT}"


async def _sync_server(
    choice: Choice, settings: Settings, adjudicator: Adjudicator, run: Run, tell: Progress
) -> Report:
    need = Need.ANSWER if run.out is None and not run.dry_run else Need.READ
    async with open_client(choice, settings, need) as client, _LedgerOf(settings, run) as ledger:
        adjudicator = await of_server(client, choice.fhir_version, adjudicator)
        source = source_of(client, adjudicator, settings)
        sink = ServerSink(client, adjudicator.identifier_system, ledger, choice.instant) if run.out is None else None
        begin = ledger.checkpoint(client.base, CHECKPOINT) if run.since == "auto" else _instant_text(run.since)
        started = client.server_time
        reconciler = Reconciler(source, sink, adjudicator, choice.instant, run.dry_run)
        report = Report(structure_trusted=adjudicator.trust_structure)
        with kept(reconciler, run.out, report, whole=not run.ids and begin is None) as reconciler:
            await sync_server(reconciler, report, since=begin, ids=run.ids, tell=tell)
        whole = not run.ids and (run.since == "auto" or run.since is None)
        if started is not None and whole and not run.dry_run and sink is not None and report.complete:
            ledger.set_checkpoint(client.base, CHECKPOINT, (started - OVERLAP).isoformat(timespec="seconds"))
        return report


def _instant_text(since: str | None) -> str | None:
    if since is None:
        return None
    try:
        parse_moment(since)
    except ValueError as error:
        raise UsageError(f"--since {since!r} is neither auto nor a FHIR date or instant.") from error
    return since


class _LedgerOf:
    """The ledger of the settings, opened for one run; a dry run has a copy of it."""

    def __init__(self, settings: Settings, run: Run) -> None:
        self._path, self._copy = settings.ledger.expanduser(), run.dry_run

    async def __aenter__(self) -> Ledger:
        self._ledger = Ledger(self._path, copy=self._copy)
        return self._ledger

    async def __aexit__(self, *_: object) -> None:
        self._ledger.close()
