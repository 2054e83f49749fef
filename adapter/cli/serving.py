"""``coaching-adapter serve``: the receiver of notifications, and the worker behind it, in one process."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import NamedTuple, TypeVar

import typer
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.to_thread import run_sync
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from adapter.audit.opening import opened_trail
from adapter.cli.commands import OK, Choice, of_server, open_client, source_of
from adapter.cli.console import visible
from adapter.cli.observing import Observed, observed
from adapter.durable.database import configured_database
from adapter.errors import SourceError, UsageError
from adapter.metrics.page import Page
from adapter.metrics.route import metrics_route
from adapter.metrics.standing import Stored
from adapter.receiver.app import Receiver
from adapter.receiver.gaps.asking import Asking
from adapter.receiver.gaps.event_logs import EventLogs, totals
from adapter.receiver.gaps.lookout import Lookout, Timing
from adapter.receiver.guard import ClientCertificate, Guard
from adapter.receiver.known import KnownSubscriptions, Read
from adapter.receiver.protocol import DroppingProtocol
from adapter.receiver.rate_limit import PacedDoor
from adapter.receiver.submit.operation import NAME, Submit
from adapter.receiver.submit.submitting import Answered, Submitting
from adapter.receiver.work.answering import Answering
from adapter.receiver.work.group_commit import GroupCommit
from adapter.receiver.work.inbox import Inbox
from adapter.receiver.work.worker import Worker
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings, load_settings
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.dependents import WRITTEN_BY_US
from adapter.sources.fhir_client import FhirClient
from adapter.sync.reconciler import Reconciler
from adapter.sync.witness import Witness, Witnesses
from adapter.tracing import Spans

T = TypeVar("T")
Answer = Callable[[bytes], Awaitable[Answered]]
"""Answers a submission."""
SWITCH_SECONDS = 0.0005
"""How long one thread may keep the interpreter from another; Python's own 5 ms. The door, the commit and the worker are
threads that wait for the disk or the network many times in a group, and after each wait for one another."""


def serve(choice: Choice, host: str, port: int) -> int:
    """Take notifications until told to end; 0 when told.

    Raises:
        UsageError: no server to answer, no secret to be notified with, or a database that cannot be opened.
        SourceError: a database that cannot be reached.
    """
    settings = load_settings()
    if not choice.is_server:
        raise UsageError("serve answers the notifications of a FHIR server; name its base URL.")
    if not settings.secrets:
        raise UsageError("neither ADAPTER_SUBSCRIPTION_SECRET nor ADAPTER_SUBSCRIPTION_SECRETS says who may notify us.")
    adjudicator = choice.adjudicator(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    with (
        closing(_listening(host, port)) as listening,
        observed(settings, adjudicator, always=True) as seen,
        _working(choice, settings, adjudicator, seen) as service,
    ):
        receiver = _receiver(settings, adjudicator, service, seen.spans)
        seen.stand(lambda: receiver.counts, partial(_stored, service))
        app = _guarded(settings, receiver, seen.page(host))
        for name in settings.secrets:
            typer.echo(visible(f"Notify http://{host}:{port}/subscriptions/{name}"))
        # h11's also where httptools is installed, which is quicker but takes a head of any length from anybody.
        config = uvicorn.Config(app, http=DroppingProtocol, log_config=None, access_log=False, server_header=False)
        _run(config, listening)
    return OK


class _Service(NamedTuple):
    """What the door leads to."""

    inbox: Inbox
    logs: EventLogs
    read_subscription: Read
    answer: Answer


def _guarded(settings: Settings, receiver: Receiver, page: Page | None) -> Guard:
    header, app = settings.client_certificate_header, receiver.app()
    if page is not None:
        app.routes.append(metrics_route(page))
    return Guard(app, ClientCertificate.of(header) if header else None)


def _door(settings: Settings, secrets: Mapping[str, SecretStr]) -> PacedDoor:
    return PacedDoor(secrets, settings.max_requests_per_second, settings.max_request_burst)


def _receiver(settings: Settings, adjudicator: Adjudicator, service: _Service, spans: Spans) -> Receiver:
    secret, most_bytes = settings.submit_secret, settings.max_notification_bytes
    plans = [each.plan for each in adjudicator.loaded]
    watched = frozenset[str]().union(*(each.watched for each in plans)) - WRITTEN_BY_US
    return Receiver(
        _door(settings, settings.secrets),
        GroupCommit(service.inbox.put),
        KnownSubscriptions(service.read_subscription, settings.public_url),
        partial(_totals, service),
        watched,
        most_bytes=most_bytes,
        submit=Submit(_door(settings, {NAME: secret}) if secret else None, service.answer, most_bytes=most_bytes),
        spans=spans,
    )


def _stored(service: _Service) -> Stored:
    return Stored(service.inbox.depth(), totals(service.logs.all()))


async def _totals(service: _Service) -> Mapping[str, int] | None:
    try:
        await run_sync(service.inbox.check)
        await run_sync(service.logs.check)
        return totals(await run_sync(service.logs.all))
    except Exception:  # noqa: BLE001 - whatever the database says, it is not there
        return None


@contextmanager
def _working(choice: Choice, settings: Settings, adjudicator: Adjudicator, seen: Observed) -> Iterator[_Service]:
    """The inbox, worked off on another thread for as long as the context lasts; and what answers submissions."""
    url = configured_database(settings)
    with ExitStack() as stack, start_blocking_portal() as portal, Inbox(url) as inbox, EventLogs(url) as logs:
        client = portal.call(open_client, choice, settings)
        seen.watch(client)
        ledger = portal.call(Ledger, settings.ledger.expanduser())
        trail = stack.enter_context(opened_trail(settings, client.base, client, writes=True))
        witness = Witnesses((seen.run, trail))
        reconciler = partial(_reconciler, choice, settings, adjudicator, client, ledger, witness)
        answering = portal.call(Answering, client, ledger, reconciler, settings.chunk_size)
        worker = Worker(url, inbox, partial(portal.call, answering.reconcile), logs.note, settings.node)
        submitting = portal.call(Submitting, reconciler, client.base, settings.limits, settings.chunk_size)
        _belong_to(client.base, logs, worker)
        timing = Timing(settings.sweep_seconds, settings.grace_seconds)
        looking = portal.start_task_soon(Lookout(logs, Asking(client), inbox.put, timing, time.time).run)
        try:
            read = partial(_through, portal, client.read, "Subscription")
            yield _Service(inbox, logs, read, partial(_through, portal, submitting.answer))
        finally:
            looking.cancel()
            worker.stop()
            _close(portal, client, ledger)


def _belong_to(server: str, logs: EventLogs, worker: Worker) -> None:
    """Start the worker on a database of this server, and on no other's; a new database is made by the worker.

    Raises:
        SourceError: the database cannot be reached.
    """
    try:
        known = _belongs(server, logs)
        worker.start()
        if not known:
            logs.belong_to(server)
    except SQLAlchemyError as error:
        hint = "Is ADAPTER_DATABASE_URL right, and is the database running?"
        raise SourceError("the database of notifications cannot be reached", hint) from error


def _belongs(server: str, logs: EventLogs) -> bool:
    try:
        logs.belong_to(server)
    except SQLAlchemyError:
        return False
    return True


async def _through(portal: BlockingPortal, ask: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """What another thread answers, without waiting for it on this one; who no longer waits for it ends it there."""
    return await asyncio.wrap_future(portal.start_task_soon(ask, *arguments))


def _close(portal: BlockingPortal, client: FhirClient, ledger: Ledger) -> None:
    portal.call(client.aclose)
    portal.call(ledger.close)
    portal.call(portal.stop, True)


async def _reconciler(
    choice: Choice,
    settings: Settings,
    adjudicator: Adjudicator,
    client: FhirClient,
    ledger: Ledger,
    witness: Witness,
) -> Reconciler:
    """As of now; a fresh source, for what it learnt the server does not know may have been one odd request."""
    spoken = await of_server(client, choice.fhir_version, adjudicator)
    now = datetime.now(UTC)
    sink = ServerSink(client, adjudicator.identifier_system, ledger, now)
    return Reconciler(source_of(client, spoken, settings), sink, spoken, now, witness=witness)


def _listening(host: str, port: int) -> socket.socket:
    """The address is ours before any work begins.

    Raises:
        UsageError: somebody else has it, or there is none such.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}. Choose another by --host and --port."
        ) from error


def _run(config: uvicorn.Config, listening: socket.socket) -> None:
    """Until SIGINT or SIGTERM, after which uvicorn sends the signal on to us."""
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
