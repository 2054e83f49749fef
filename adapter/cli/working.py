"""``coaching-adapter worker``, and ``sync URL --workers``: claims of a server decided by any number of processes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import uuid4

import httpx
import typer
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from adapter.auth.scopes import Need
from adapter.bootstrap import mapping_layers
from adapter.cli import show_runs
from adapter.cli.commands import OK, UNANSWERED, Choice, of_server, open_client, server_name, source_of
from adapter.cli.ending import End, told_to_end
from adapter.cli.observing import observed
from adapter.cli.progress import progress
from adapter.cli.run_items import Deciding, Parts
from adapter.cli.server_sync import AUTO, instant_text
from adapter.cli.syncing import Run
from adapter.durable.database import configured_database
from adapter.errors import SourceError, UsageError
from adapter.runs.basis import basis_of, query_name
from adapter.runs.board import Board
from adapter.runs.model import Basis, Plan, Reached, RunState, State, latest
from adapter.runs.planning import Wanted, planned
from adapter.runs.progress import how_far
from adapter.runs.worker import RunWorker
from adapter.settings import Settings, load_settings
from adapter.sinks.ledger import Ledger
from adapter.sources.instants import moment
from adapter.sync.checkpoints import Checkpoint
from adapter.sync.report import Progress

LOOKING_SECONDS = 1.0
UNREACHED = SourceError.exit_code
INTERRUPTED = 130


def work(choice: Choice, *, limited: bool, once: bool) -> int:
    """Take items of runs until told to end, or ``once`` until none is left; ``limited`` to those of one server."""
    server = server_of(choice) if limited else None
    parts = _parts(choice)
    with told_to_end() as end, _working(parts, server, end) as (_, _board, worker):
        typer.echo(f"Working; basis {parts.basis.digest}.", err=True)
        while not end.asked.wait(LOOKING_SECONDS):
            if once and worker.idle():
                break
    return OK


def sync_with_workers(choice: Choice, run: Run) -> int:
    """Begin a run, or go on with one of the same range, and work for it until it is over."""
    _check(choice, run)
    parts, server = _parts(choice, run.concurrency), server_of(choice)
    with told_to_end() as end, _working(parts, server, end) as (portal, board, _):
        known = begun = board.unfinished(server, run.since)
        if begun is None:
            plan = portal.call(_plan, parts, run, board)
            begun = board.run(board.begin(plan)) or _gone()
        else:
            typer.echo(f"Going on with run {begun.id}, decided as of {begun.plan.instant}.", err=True)
        _check_basis(parts.basis, begun)
        _take_over(parts.settings, begun.plan, goes_on=known is not None)
        with progress() as tell:
            over = _watch(board, begun, tell, end)
    if over is None:
        show_runs.left(begun)
        return INTERRUPTED
    _note_checkpoint(parts.settings, over)
    show_runs.result(over, choice.output_format, f"answers written to {server_name(server)}")
    return exit_code(over)


def exit_code(run: RunState) -> int:
    """The contract's: 0 all answered, 3 some are not, 4 where not one item came to its end."""
    if run.complete:
        return OK
    done = run.totals["items"]["done"] if run.totals else 0
    return UNANSWERED if done or run.state is State.CANCELLED else UNREACHED


def server_of(choice: Choice) -> str:
    """The base URL as a run keeps it.

    Raises:
        UsageError: no server, or one whose address holds a password, which a run must not keep.
    """
    if not choice.is_server:
        raise UsageError("workers decide the claims of a FHIR server; name its base URL.")
    if "@" in choice.source.partition("://")[2].partition("/")[0]:
        raise UsageError("a run keeps the address of its server, which must hold no password; use ADAPTER_TOKEN.")
    try:
        return str(httpx.URL(choice.source.strip())).rstrip("/")  # as the client calls it
    except httpx.InvalidURL as error:
        raise UsageError("the FHIR base URL is malformed") from error


def postgresql(settings: Settings) -> str:
    """The database of the settings.

    Raises:
        UsageError: none that several machines can share.
    """
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    if not url.startswith("postgresql://"):
        raise UsageError(
            "runs are shared by processes and machines, which SQLite is not made for: "
            "set ADAPTER_DATABASE_URL to postgresql://user:password@host/database, the same for all."
        )
    return configured_database(settings)


@contextmanager
def told_of_database() -> Iterator[None]:
    """A database that cannot be asked is an error of one line."""
    try:
        yield
    except SQLAlchemyError as error:
        hint = "Is ADAPTER_DATABASE_URL right, and was a sync with --workers or a worker ever started on it?"
        raise SourceError("the database of runs cannot be read", hint) from error


def _check(choice: Choice, run: Run) -> None:
    """Raise UsageError for what a run has no use for."""
    refused = {
        "--out": (run.out is not None, "workers write to the server"),
        "--dry-run": (run.dry_run, "workers write; a dry run is made by one process"),
        "--claim": (bool(run.ids), "one process decides a few claims sooner"),
        "--bulk": (run.bulk or run.group is not None, "an export is fetched and decided by one process"),
        "--watch": (run.watch is not None, "a run with workers is one run; repeat it with --since auto"),
    }
    for option, (given, why) in refused.items():
        if given:
            raise UsageError(f"{option} and --workers do not go together: {why}. Leave one of them away.")
    server_of(choice)


def _parts(choice: Choice, concurrency: int | None = None) -> Parts:
    settings = load_settings()
    settings = settings.model_copy(update={"concurrency": concurrency or settings.concurrency})
    url = postgresql(settings)
    adjudicator = choice.adjudicator(settings)
    basis = basis_of(adjudicator, mapping_layers(choice.mappings), choice.fhir_version)
    return Parts(choice, settings, adjudicator, basis, url)


# --- a run


async def _plan(parts: Parts, run: Run, board: Board) -> Plan:
    """Ask the server what there is, and cut it.

    Raises:
        SourceError: it cannot be asked, or speaks a version that there are no mappings for.
    """
    settings, choice = parts.settings, parts.choice
    async with open_client(choice, settings, Need.READ) as client:
        spoken = await of_server(client, choice.fhir_version, parts.adjudicator)
        layers, version = mapping_layers(choice.mappings), spoken.mappings.version
        query = query_name(parts.adjudicator, layers, choice.fhir_version, version)
        wanted = Wanted(run.since, instant_text(run.since), choice.instant.isoformat(), parts.basis, query)
        last = _reached(parts, board, client.base, query) if run.since == AUTO else None
        source = source_of(client, spoken, settings, batches=True)
        plan, warning = await planned(source, wanted, last, timedelta(seconds=settings.overlap_seconds))
    if warning:
        typer.echo(f"coaching-adapter: {warning}", err=True)
    return plan


def _reached(parts: Parts, board: Board, server: str, query: str) -> Reached | None:
    """How far the server was read: by the last complete run, or by a sync of this machine, whichever came later."""
    with Ledger(parts.settings.ledger.expanduser()) as ledger:
        kept, taken_over = Checkpoint(ledger, server, query), ledger.was_taken_over(server, query)
    if taken_over:  # other rules have written from here, at some time after what we know of ours
        return None
    here = Reached(kept.instant, kept.marks) if kept.instant else None
    if here is not None and board.others_worked(server, parts.basis, moment(here.instant).timestamp()):
        here = None
    return latest(here, board.reached(server, parts.basis))


def _take_over(settings: Settings, plan: Plan, *, goes_on: bool) -> None:
    """What syncs of this machine have answered by other rules, stands no more.

    Where they have written since a run began that we go on with, nothing stands when that run is complete.
    """
    with Ledger(settings.ledger.expanduser()) as ledger:
        if not (goes_on and ledger.was_taken_over(plan.server, plan.query)):
            ledger.take_over(plan.server, plan.query)


def _note_checkpoint(settings: Settings, run: RunState) -> None:
    """Tell a later ``sync --since auto`` of this machine, too, how far the server is answered."""
    reaches = run.plan.reaches
    if not run.finished or reaches is None:
        return
    with Ledger(settings.ledger.expanduser()) as ledger:
        kept = Checkpoint(ledger, run.plan.server, run.plan.query)
        here = Reached(kept.instant) if kept.instant else None
        if latest(here, reaches) is reaches:  # else a sync of one process overtook the run
            kept.finish(moment(reaches.instant), timedelta(), dict(reaches.marks))


def _check_basis(basis: Basis, run: RunState) -> None:
    """Raise UsageError where a run was begun by other mappings: it must not end by ours."""
    if differs := basis.differences(run.plan.basis):
        raise UsageError(
            f"run {run.id} of this range is unfinished and decides by other {', '.join(differs)}. "
            f"Let its workers finish it, or end it: coaching-adapter runs cancel {run.id}"
        )


def _watch(board: Board, run: RunState, tell: Progress, end: End) -> RunState | None:
    """Tell how the run comes on; returns it when it is over, None when we were told to end before."""
    while not end.asked.wait(LOOKING_SECONDS):
        try:
            found = board.run(run.id)
            if found is None or found.state.over:
                return found or _gone()
            states = board.states(run.id)
        except DBAPIError:
            continue  # it may be back the next time; the run does not need us
        tell(*how_far(run.plan, [number for number, state in states.items() if state.over]))
    return None


def _gone() -> RunState:
    raise UsageError("the run was removed from the database meanwhile.")


# --- working


@contextmanager
def _working(parts: Parts, server: str | None, end: End) -> Iterator[tuple[BlockingPortal, Board, RunWorker]]:
    """A worker on other threads for as long as the context lasts; it ends after the item in hand."""
    process = f"{_node(parts.settings)}/{uuid4().hex[:8]}"
    with (
        observed(parts.settings, parts.adjudicator) as seen,
        told_of_database(),
        start_blocking_portal() as portal,
        Board(parts.url, parts.basis) as board,
    ):
        seen.stand_runs(board.depth)
        deciding = portal.call(Deciding, parts, seen)  # an SQLite connection stays on its thread
        worker = RunWorker(parts.url, board, partial(portal.call, deciding.decide), parts.basis, process, server)
        worker.start()
        try:
            yield portal, board, worker
        finally:
            worker.stop(end.at_once.is_set)
            portal.call(deciding.aclose)
            portal.call(portal.stop, True)


def _node(settings: Settings) -> str:
    """How this machine is called in lists; nothing hangs on it being the only one of its name."""
    return settings.node if "node" in settings.model_fields_set else socket.gethostname()
