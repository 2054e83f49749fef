"""What a process does with an item of a run: the very code of ``sync``, and what is kept of it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from adapter.audit.opening import opened_trail
from adapter.audit.trail import Trail
from adapter.auth.scopes import Need
from adapter.cli.commands import Choice, of_server, open_client, source_of
from adapter.cli.observing import Observed
from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.reconcile.adjudicator import Adjudicator
from adapter.runs.model import Basis, Item, Look
from adapter.runs.tally import concerned, tally
from adapter.settings import Settings
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.instants import last_updated, moment
from adapter.sync.changes import Changes
from adapter.sync.reconciler import Reconciler
from adapter.sync.server import Extent, ServerRun
from adapter.sync.witness import Witnesses


@dataclass(frozen=True, slots=True)
class Parts:
    """What every item is decided with."""

    choice: Choice
    settings: Settings
    adjudicator: Adjudicator
    basis: Basis
    url: str
    """The database."""


class Deciding:
    """Decides the claims of items, with one client for each server."""

    def __init__(self, parts: Parts, seen: Observed) -> None:
        self._parts = parts
        self._seen = seen
        self._clients: dict[str, FhirClient] = {}
        self._ledger = Ledger(parts.settings.ledger.expanduser())
        self._trails: dict[str, Trail] = {}
        self._open = ExitStack()

    async def decide(self, item: Item) -> Json:
        """The tally of an item."""
        reconciler = await self._reconciler(item)
        return await (_found(reconciler, item) if item.look is Look.FIND else _decided(reconciler, item))

    async def _reconciler(self, item: Item) -> Reconciler:
        parts, instant = self._parts, datetime.fromisoformat(item.instant)
        client = self._clients.get(item.server)
        if client is None:
            client = open_client(replace(parts.choice, source=item.server), parts.settings, Need.ANSWER)
            self._seen.watch(client)
            trail = opened_trail(parts.settings, item.server, client, writes=True)
            self._trails[item.server] = self._open.enter_context(trail)
            self._clients[item.server] = client
        spoken = await of_server(client, parts.choice.fhir_version, parts.adjudicator)
        sink = ServerSink(client, spoken.identifier_system, self._ledger, instant)
        source = source_of(client, spoken, parts.settings, batches=True)
        witness = Witnesses((self._seen.run, self._trails[item.server]))
        return Reconciler(source, sink, spoken, instant, witness=witness)

    async def aclose(self) -> None:
        """Let go of the servers and the ledger."""
        for client in self._clients.values():
            await client.aclose()
        self._ledger.close()
        self._open.close()


async def _decided(reconciler: Reconciler, item: Item) -> Json:
    related: list[str] = []

    def note(claim: Located) -> None:
        if claim.resource.get("related"):
            related.append(str(claim.id))

    run = ServerRun(reconciler, lambda *_: None, lambda _instant: None, asyncio.Event(), note)
    await run.walk(Extent(item.window.since, item.window.until, item.ids))
    return tally(run.report, item.look, related)


async def _found(reconciler: Reconciler, item: Item) -> Json:
    """The claims that changes of one type concern.

    A change before ``until`` is known to whoever decides a window; the claims that changed since are in one, or later.
    """
    since, until = str(item.window.since), item.window.until
    before = moment(until) if until else None

    def decided(claim: Located) -> bool:
        changed = last_updated(claim.resource)
        return changed is not None and moment(changed) >= moment(since)

    def due(claim: Located) -> bool:
        """Not those that are looked at when all items are done (``Look.LATER``), and in our scope."""
        changed = last_updated(claim.resource)
        later = before is not None and changed is not None and moment(changed) >= before
        return not later and reconciler.adjudicator.in_scope(claim)

    source, names = reconciler.source, set[str]()
    async for claims in Changes(source, since).concerned([item.kind], before, decided):
        names |= {str(each.id) for each in claims if due(each)}
    return concerned(names, source.notices())
