"""``sync``: from files to a folder, or from a server to itself or to a folder. Exit codes are the contract's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from adapter.cli import show
from adapter.cli.commands import OK, Choice, of_server, open_client, server_name, source_of
from adapter.cli.progress import progress
from adapter.errors import UsageError
from adapter.reconcile import Adjudicator
from adapter.session.time import parse_moment
from adapter.settings import Settings, load_settings
from adapter.sinks.files import write_answers
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sync.files import sync_files
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


def sync(choice: Choice, run: Run) -> int:
    """Decide claims and write the answers; 0 when each claim in scope got one, else 3."""
    settings = load_settings()
    if run.since is not None and not choice.is_server:
        raise UsageError("--since asks a server what changed; files are always read whole.")
    adjudicator = choice.adjudicator(settings)
    with progress() as tell:
        if choice.is_server:
            report = asyncio.run(_sync_server(choice, settings, adjudicator, run, tell))
        else:
            folder = run.out or DEFAULT_OUT
            source = Path(choice.source)
            report = sync_files(source, folder, adjudicator, choice.instant, run.ids, run.dry_run, tell)
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
    async with open_client(choice, settings) as client, _LedgerOf(settings) as ledger:
        adjudicator = await of_server(client, choice.fhir_version, adjudicator)
        source = source_of(client, adjudicator, settings)
        sink = ServerSink(client, adjudicator.identifier_system, ledger, choice.instant) if run.out is None else None
        begin = ledger.checkpoint(client.base, CHECKPOINT) if run.since == "auto" else instant_text(run.since)
        started = client.server_time
        reconciler = Reconciler(source, sink, adjudicator, choice.instant, run.dry_run)
        report = await sync_server(reconciler, since=begin, ids=run.ids, tell=tell)
        if run.out is not None and not run.dry_run:
            write_answers(report.answers, run.out, report.summary())
        whole = not run.ids and (run.since == "auto" or run.since is None)
        if started is not None and whole and not run.dry_run and sink is not None and report.complete:
            ledger.set_checkpoint(client.base, CHECKPOINT, (started - OVERLAP).isoformat(timespec="seconds"))
        return report


def instant_text(since: str | None) -> str | None:
    """What ``--since`` names, as it is sent to the server.

    Raises:
        UsageError: no instant.
    """
    if since is None:
        return None
    try:
        parse_moment(since)
    except ValueError as error:
        raise UsageError(f"--since {since!r} is neither auto nor a FHIR date or instant.") from error
    return since


class _LedgerOf:
    """The ledger of the settings, opened for one run."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.ledger.expanduser()

    async def __aenter__(self) -> Ledger:
        self._ledger = Ledger(self._path)
        return self._ledger

    async def __aexit__(self, *_: object) -> None:
        self._ledger.close()
