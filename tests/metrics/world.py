"""Runs of the fixtures with everything counted, and a reader of what is told of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from answers.story_stages import CLINIC, FIXTURES, shipped
from anyio.from_thread import BlockingPortal, start_blocking_portal
from prometheus_client.parser import text_string_to_metric_families
from receiver.fhir_server import FhirServer
from starlette.types import ASGIApp

from adapter.metrics import table
from adapter.metrics.meters import Meters
from adapter.metrics.page import Page
from adapter.metrics.standing import RunItems, Standing, Stored
from adapter.metrics.witnesses import RequestMeter, RunMeter
from adapter.receiver.work.answering import Answering
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource
from adapter.sources.witness import RequestWitness
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Report
from adapter.sync.server import sync_server
from adapter.sync.witness import Witness

Json = dict[str, Any]
BASE = "http://fhir.test/fhir"
PATIENCE = Patience(attempts=3, first_wait=0.001, longest_wait=0.001)
MARK = "zq7marked"
Fault = Callable[[httpx.Request], httpx.Response | None]
"""What is answered in the server's place."""
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def story(name: str) -> list[Json]:
    bundle = json.loads((FIXTURES / "stories" / name / "0_bundle.json").read_text())
    return [entry["resource"] for entry in bundle["entry"]]


def new_meters() -> Meters:
    """Of the shipped policies, with nothing counted."""
    return Meters(shipped().book, table.OF_ALL)


def text_of(meters: Meters) -> str:
    reply = Page(meters.registry, None, guarded=False).reply(None, None)
    assert reply.status == 200
    return reply.body.decode()


def samples(meters: Meters) -> Samples:
    """Each series that is told, with its value."""
    return read(text_of(meters))


def read(text: str) -> Samples:
    """A page, parsed as Prometheus does, or it fails."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(meters: Meters, metric: table.Metric, label: str | None = None) -> dict[str, float]:
    """A metric summed by one label, without what is 0."""
    sums: dict[str, float] = {}
    for (name, labels), value in samples(meters).items():
        if name == metric.name and value:
            word = dict(labels)[label] if label else ""
            sums[word] = sums.get(word, 0) + value
    return sums


def total(meters: Meters, metric: table.Metric) -> float:
    name = f"{metric.name}_count" if metric.kind is table.Kind.HISTOGRAM else metric.name
    return sum(value for (told, _), value in samples(meters).items() if told == name)


@dataclass
class Slow(httpx.AsyncBaseTransport):
    """The server, or a fault in its place."""

    server: FhirServer
    fault: Fault = lambda _request: None
    asked: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        inner = httpx.ASGITransport(self.server.app())
        moved = httpx.Request(
            request.method, str(request.url).replace(BASE, "http://fhir.test"), content=request.content
        )
        return self.fault(request) or await inner.handle_async_request(moved)


def run(
    server: FhirServer,
    witness: Witness,
    requests: RequestWitness,
    folder: Path,
    fault: Fault = lambda _request: None,
) -> tuple[Report, list[httpx.Request]]:
    """One sync of a server with itself; a busy server is asked again at once, up to three times."""

    async def synced() -> Report:
        async with FhirClient(BASE, transport=transport, patience=PATIENCE) as client:
            client.wire.witness = requests
            with Ledger(folder / "ledger.sqlite") as ledger:
                reconciler = a_reconciler(client, ledger, witness)
                return await sync_server(reconciler, since=None, ids=(), tell=lambda *_: None)

    transport = Slow(server, fault)
    return asyncio.run(synced()), transport.asked


def a_reconciler(client: FhirClient, ledger: Ledger, witness: Witness) -> Reconciler:
    adjudicator, now = shipped().only("r4"), datetime.now(UTC)
    source = ServerSource(client, adjudicator.mappings.plan, 100, sorted(adjudicator.mappings.scope))
    sink = ServerSink(client, adjudicator.identifier_system, ledger, now)
    return Reconciler(source, sink, adjudicator, now, witness=witness)


def answered_hints(server: FhirServer, witness: Witness, folder: Path, hints: list[str]) -> dict[str, str]:
    """What stays undone of hints that ``serve`` works off, at the second time that they trip the server."""

    async def answered() -> dict[str, str]:
        async with FhirClient(BASE, transport=Slow(server), patience=PATIENCE) as client:
            with Ledger(folder / "ledger.sqlite") as ledger:

                async def reconciler() -> Reconciler:
                    return a_reconciler(client, ledger, witness)

                answering = Answering(client, ledger, reconciler, 100)
                return await answering.reconcile(hints)

    return asyncio.run(answered())


@dataclass(frozen=True)
class Ran:
    meters: Meters
    report: Report
    requests: list[httpx.Request]


def counted(server: FhirServer, folder: Path, fault: Fault = lambda _request: None) -> Ran:
    meters = new_meters()
    report, asked = run(server, RunMeter(meters), RequestMeter(meters), folder, fault)
    return Ran(meters, report, asked)


def marked_clinic() -> FhirServer:
    """The clinic's records, with a mark in every id, identifier, name and text."""
    server = FhirServer()
    for path in sorted(CLINIC.glob("*.ndjson")):
        server.put(*(marked(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()))
    return server


def marked(value: Any, under: str = "") -> Any:
    if isinstance(value, dict):
        return {name: marked(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [marked(each, under) for each in value]
    if not isinstance(value, str):
        return value
    if under == "reference" and "/" in value:
        kind, _, id = value.rpartition("/")
        return f"{kind}/{MARK}-{id}"
    return f"{MARK}-{value}" if under in ("id", "value", "family", "given", "display") else value


def of_serve(door: dict[str, int], stored: Callable[[], Stored], clock: Callable[[], float] = lambda: 0.0) -> Meters:
    """As ``serve`` tells it."""
    meters = new_meters()
    meters.registry.register(Standing(meters.words, lambda: door, stored, clock))
    return meters


def of_worker(depth: Callable[[], dict[str, int]]) -> Meters:
    """As a worker tells it."""
    meters = new_meters()
    meters.registry.register(RunItems(meters.words, depth, lambda: 0.0))
    return meters


def long_ago(server: FhirServer, seconds: float, names: Iterable[str]) -> None:
    """Have some resources changed so many seconds ago, and all others a year ago."""
    for name, resource in server.resources.items():
        age = timedelta(seconds=seconds) if name in names else timedelta(days=365)
        resource["meta"]["lastUpdated"] = (datetime.now(UTC) - age).isoformat()


class Http:
    """Asks an application in this process, all on one loop. Starlette's TestClient warns of the httpx we have."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://adapter.test")
        self._portal = portal

    def __call__(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, path, headers=headers))


@contextmanager
def asking(app: ASGIApp) -> Iterator[Http]:
    with start_blocking_portal() as portal:
        yield Http(app, portal)
