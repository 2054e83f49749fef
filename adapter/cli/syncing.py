"""``sync``: from files to a folder, or from a server to itself or to a folder. Exit codes are the contract's."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapter.audit.opening import opened_trail
from adapter.cli import show
from adapter.cli.bulk_options import refuse_misuse
from adapter.cli.bulk_syncing import sync_bulk
from adapter.cli.commands import OK, Choice, server_name
from adapter.cli.ending import unwound_when_told
from adapter.cli.progress import progress
from adapter.cli.server_sync import sync_again_and_again, sync_once
from adapter.cli.way import way_of
from adapter.errors import UsageError
from adapter.settings import load_settings
from adapter.sync.files import Order, sync_files

UNANSWERED = 3
DEFAULT_OUT = Path("adapter-out")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of ``sync`` is to do beside what every command is told."""

    out: Path | None = None
    dry_run: bool = False
    since: str | None = None
    ids: Sequence[str] = ()
    bulk: bool = False
    group: str | None = None
    watch: float | None = None
    """Seconds from one run to the next; None for one run alone."""
    concurrency: int | None = None
    """Requests at once, where the command line says it."""


def sync(choice: Choice, run: Run) -> int:
    """Decide claims and write the answers; 0 when each claim in scope got one, else 3."""
    settings = load_settings()
    if run.since is not None and not choice.is_server:
        raise UsageError("--since asks a server what changed; files are always read whole.")
    if run.watch is not None and (not choice.is_server or run.out or run.dry_run or run.ids or run.bulk):
        raise UsageError(
            "--watch keeps the answers on a server up to date; it goes with none of --out, --dry-run, --claim, --bulk."
        )
    if run.watch is not None and not math.isfinite(run.watch):
        raise UsageError("--watch wants a number of seconds that comes to an end.")
    refuse_misuse(choice, run)
    settings = settings.model_copy(update={"concurrency": run.concurrency or settings.concurrency})
    adjudicator = choice.adjudicator(settings)
    with progress() as tell:
        if run.bulk:
            with unwound_when_told(tell) as tell_on:
                report = sync_bulk(choice, settings, adjudicator, run, tell_on)
        elif choice.is_server:
            if run.watch is not None:
                asyncio.run(sync_again_and_again(choice, settings, adjudicator, run, tell))
                return OK
            report = asyncio.run(sync_once(choice, settings, adjudicator, run, tell))
        else:
            order = Order(Path(choice.source), run.out or DEFAULT_OUT, choice.instant, run.ids, run.dry_run)
            with unwound_when_told(tell) as tell_on, opened_trail(settings) as trail:
                report = sync_files(order, adjudicator, tell_on, way_of(settings), trail=trail)
    stays = choice.is_server and run.out is None and not run.dry_run
    target = _target(choice, run, ended_early=report.ended_early)
    show.report(report, choice.output_format, target, dry_run=run.dry_run, stays=stays)
    return OK if report.complete else UNANSWERED


def _target(choice: Choice, run: Run, *, ended_early: bool) -> str:
    if run.dry_run:
        return "nothing written (dry run)"
    if choice.is_server and run.out is None:
        return f"answers written to {server_name(choice.source)}"
    return f"nothing written to {run.out}" if ended_early else f"answers in {run.out or DEFAULT_OUT}"
