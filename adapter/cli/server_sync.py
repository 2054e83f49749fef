"""``sync URL``: one run over a server, or one after another for as long as it is let."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adapter.answers.answer import Answer
from adapter.audit.opening import opened_trail
from adapter.auth.scopes import Need
from adapter.bootstrap import mapping_layers
from adapter.cli import show
from adapter.cli.commands import Choice, of_server, open_client, source_of
from adapter.cli.console import visible
from adapter.cli.ending import stopped_when_told
from adapter.cli.observing import observed
from adapter.errors import SourceError, UsageError
from adapter.reconcile.adjudicator import Adjudicator
from adapter.runs.basis import query_name
from adapter.session.time import parse_moment
from adapter.settings import Settings
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sync.checkpoints import Checkpoint
from adapter.sync.into_folder import into_folder
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report
from adapter.sync.server import sync_server
from adapter.sync.settled import Settled
from adapter.sync.since_last import SinceLast
from adapter.sync.witness import NOBODY, Witness, Witnesses

if TYPE_CHECKING:  # it hands the work over to here
    from adapter.cli.syncing import Run

AUTO = "auto"
CLOCKS_APART = timedelta(minutes=5)
"""From when on two clocks are not the same one read at two moments."""


@dataclass(frozen=True, slots=True)
class ServerSync:
    """What ``sync URL`` needs; ``run`` is what it was told on the command line."""

    choice: Choice
    settings: Settings
    adjudicator: Adjudicator
    run: Run
    client: FhirClient
    ledger: Ledger
    tell: Progress
    query: str
    """The name of the checkpoint; of the rules as they were read, whatever became of their files since."""
    witness: Witness = NOBODY
    keep: Callable[[Sequence[Answer]], None] = lambda _answers: None
    """Is given each final answer as well."""
    settled: Settled = field(default_factory=Settled)

    async def once(self, stop: asyncio.Event) -> Report:
        """One run over the claims that were asked for."""
        reconciler = self._reconciler()
        checkpoint = Checkpoint(self.ledger, self.client.base, self.query, reconciler.writes)
        checkpoint.take_over()
        report = await self._ran(reconciler, checkpoint, stop)
        report.warnings += self._clocks()
        return report

    async def _ran(self, reconciler: Reconciler, checkpoint: Checkpoint, stop: asyncio.Event) -> Report:
        if self.run.ids or self.run.since not in (None, AUTO):
            since = instant_text(self.run.since)
            return await sync_server(reconciler, since=since, ids=self.run.ids, tell=self.tell, stop=stop)
        overlap = timedelta(seconds=self.settings.overlap_seconds)
        runs = SinceLast(reconciler, checkpoint, overlap, self.tell, stop, self.settled)
        return await (runs.changed() if self.run.since == AUTO else runs.everything())

    def _clocks(self) -> list[str]:
        """A word where the server's clock and ours differ, for which claims are of the future goes by ours."""
        apart = self.client.wire.clock.apart
        if apart < CLOCKS_APART:
            return []
        hours = f"{apart / timedelta(hours=1):,.1f} hours"
        return [f"the server's clock and ours are {hours} apart; by ours dates lie in the future or not: check both"]

    def _reconciler(self) -> Reconciler:
        source = source_of(self.client, self.adjudicator, self.settings, batches=True)
        instant = self.choice.instant
        sink = None
        if self.run.out is None:
            sink = ServerSink(self.client, self.adjudicator.identifier_system, self.ledger, instant)
        return Reconciler(source, sink, self.adjudicator, instant, self.run.dry_run, self.keep, self.witness)


async def sync_once(choice: Choice, settings: Settings, adjudicator: Adjudicator, run: Run, tell: Progress) -> Report:
    """One run; its answers are on the server, or in the folder that was named.

    SIGINT and SIGTERM end it after what is in hand. A folder then stays as it was, for it would hold only some answers.
    """
    async with _opened(choice, settings, adjudicator, run, tell) as server:
        with stopped_when_told() as stop:
            if run.out is None:
                return await server.once(stop)
            with into_folder(run.out, dry_run=run.dry_run, whole=not run.ids and run.since is None) as folder:
                report = await replace(server, keep=folder.take).once(stop)
                if not report.ended_early:
                    folder.finish(report)
                return report


async def sync_again_and_again(
    choice: Choice, settings: Settings, adjudicator: Adjudicator, run: Run, tell: Progress
) -> None:
    """One run after another, ``run.watch`` seconds apart, until SIGINT or SIGTERM; then what is in hand is finished.

    Raises:
        SourceError: the first run failed. Later the server may go away and come back.
    """
    async with _opened(choice, settings, adjudicator, run, tell) as server:
        with stopped_when_told() as stop:
            _tell_of(await server.once(stop), choice)
            later = replace(run, since=AUTO)
            while not await _stopped_within(stop, run.watch or 0.0):
                now = replace(choice, instant=datetime.now(UTC))
                try:
                    _tell_of(await replace(server, choice=now, run=later).once(stop), now)
                except SourceError as error:
                    _say(f"{error}; asked again in {run.watch:g} s")


@asynccontextmanager
async def _opened(
    choice: Choice, settings: Settings, adjudicator: Adjudicator, run: Run, tell: Progress
) -> AsyncIterator[ServerSync]:
    need = Need.ANSWER if run.out is None and not run.dry_run else Need.READ
    async with open_client(choice, settings, need) as client:
        with Ledger(settings.ledger.expanduser(), copy=run.dry_run) as ledger:
            spoken = await of_server(client, choice.fhir_version, adjudicator)
            layers = mapping_layers(choice.mappings)
            query = query_name(adjudicator, layers, choice.fhir_version, spoken.mappings.version)
            with (
                observed(settings, adjudicator, listens=run.watch is not None) as seen,
                opened_trail(settings, client.base, client, writes=need is Need.ANSWER) as trail,
            ):
                seen.watch(client)
                witness = Witnesses((seen.run, trail))
                yield ServerSync(choice, settings, spoken, run, client, ledger, tell, query, witness)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _tell_of(report: Report, choice: Choice) -> None:
    """One line for a run that decided something, and one for each claim that it left unanswered; JSON for any run."""
    show.complaints(report)
    if choice.output_format == "json":
        show.report_line(report, choice.instant)
        return
    claims = report.summary()["claims"]
    if claims["in_scope"] or claims["unanswered"]:
        _say(f"{claims['in_scope']} claims in scope, {claims['unanswered']} unanswered")


def _say(sentence: str) -> None:
    sys.stderr.write(visible(f"coaching-adapter: {sentence}") + "\n")


def instant_text(since: str | None) -> str | None:
    """What ``--since`` names, as it is sent to the server; None where it names no instant.

    Raises:
        UsageError: it is not one.
    """
    if since is None or since == AUTO:
        return None
    try:
        parse_moment(since)
    except ValueError as error:
        raise UsageError(f"--since {since!r} is neither auto nor a FHIR date or instant.") from error
    return since
