"""A receiver with the operation on, in front of a FHIR server in memory; and what ``sync`` says to the same input."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
from answers.story_stages import NOW, Run, shipped
from pydantic import SecretStr
from receiver.fhir_server import FhirServer
from starlette.applications import Starlette

from adapter.answers.answer import Answer
from adapter.limits import DEFAULT, Limits
from adapter.receiver.rate_limit import PacedDoor
from adapter.receiver.submit.operation import NAME, PATH, Submit
from adapter.receiver.submit.submitting import Submitting
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource
from adapter.sync.reconciler import Reconciler
from adapter.sync.server import sync_server

Json = dict[str, Any]
BASE = "http://fhir.test"
SECRET = "submit-0123456789"
SENT_AS = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/fhir+json"}


class Submitter:
    """An integrator, and the server that its claims are on."""

    def __init__(self, server: FhirServer, client: FhirClient, limits: Limits, most_bytes: int) -> None:
        self.server, self._client, self._limits = server, client, limits
        submitting = Submitting(self.reconciler, BASE, limits, 100)
        door = PacedDoor({NAME: SecretStr(SECRET)}, 1000, 1000)
        self.submit = Submit(door, submitting.answer, most_bytes=most_bytes)
        transport = httpx.ASGITransport(Starlette(routes=[self.submit.route()]))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://adapter.test")

    async def reconciler(self) -> Reconciler:
        release = (await self._client.capabilities())["fhirVersion"]
        adjudicator = shipped().only("r5" if release.startswith("5") else "r4")
        plan, codes = adjudicator.mappings.plan, sorted(adjudicator.mappings.scope)
        source = ServerSource(self._client, plan, codes=codes, limits=self._limits)
        return Reconciler(source, None, adjudicator, datetime.fromisoformat(NOW), dry_run=True)

    async def send(self, content: object, query: str = "", **headers: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return await self.http.post(f"{PATH}{query}", content=body, headers={**SENT_AS, **headers})

    async def sync(self) -> dict[str | None, Json]:
        """What ``sync`` answers to the claims that are on the server, by claim."""
        answers: list[Answer] = []
        reconciler = replace(await self.reconciler(), keep=answers.extend)
        await sync_server(reconciler, since=None, ids=(), tell=lambda *_: None)
        return by_claim(answers)


@asynccontextmanager
async def submitter(
    *resources: Json, release: str = "4.0.1", limits: Limits = DEFAULT, most_bytes: int = 1_000_000
) -> AsyncIterator[Submitter]:
    server = FhirServer(release)
    server.put(*resources)
    transport = httpx.ASGITransport(server.app())
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        found = Submitter(server, client, limits, most_bytes)
        async with found.http:
            yield found


def by_claim(answers: Iterable[Answer]) -> dict[str | None, Json]:
    return {each.claim: plain(each.response or each.outcome or {}) for each in answers}


def files_said(run: Run) -> dict[str | None, Json]:
    return by_claim(run.answers)


def plain(answer: Mapping[str, Any]) -> Json:
    """An answer apart from the places that a fault stands at, which differ between a file, a server and a body."""
    found = deepcopy(dict(answer))
    for each in found.get("issue", []):
        each.pop("diagnostics", None)
    return found


def of(bundle: Json, *kinds: str) -> Json:
    """The entries of a Bundle that are of these types."""
    return {**bundle, "entry": [each for each in bundle["entry"] if each["resource"]["resourceType"] in kinds]}


def resources(bundle: Json) -> list[Json]:
    return [each["resource"] for each in bundle["entry"]]
