"""What comes along with a search saves the search for it, and changes no answer: offered or not, cut or refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from answers.story_stages import FIXTURES, shipped
from receiver.fhir_server import FhirServer
from starlette.responses import JSONResponse, Response

from adapter.answers.answer import Answer
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource
from adapter.sync.reconciler import Reconciler
from adapter.sync.server import sync_server

BASE = "http://fhir.test"
LEADS = {"patient": "patient", "insurer": "insurer", "provider": "provider", "care-team": "careTeam"}
LEADS |= {"participant": "participant", "location": "location", "organization": "organization", "payor": "payor"}
"""The elements in which search parameters look, of whatever type."""
KINDS = ("Claim", "Coverage", "Encounter")
INCLUDED = shipped().only("r4").mappings.plan.include
ALL = ("Claim:patient", "Claim:insurer", "Claim:provider", "Claim:care-team", "Encounter:participant", "Coverage:payor")
WANTED = {f"{kind}:{name}" for kind in KINDS for name in INCLUDED[kind]}
OF_CLAIM = {each for each in WANTED if each.startswith("Claim:")}
Json = dict[str, Any]


class Including(FhirServer):
    """Declares what it includes, and then does as it says, or not."""

    def __init__(self, offered: Iterable[str] = (), *, most: int = 999, refuses: int = 0, batch: bool = False) -> None:
        super().__init__()
        self.offered, self.most, self.refuses, self.batch = list(offered), most, refuses, batch
        self.requests = 0
        self.included: set[str] = set()
        """The includes that it was asked for."""

    def _reply(self, method: str, path: str, query: str, body: bytes) -> Response:
        self.requests += path != "metadata"
        if path == "metadata":
            told = [{"type": kind, "searchInclude": self._of(kind)} for kind in KINDS]
            interaction = [{"code": "batch"}] if self.batch else []
            rest = [{"mode": "server", "resource": told, "interaction": interaction}]
            return JSONResponse({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest})
        if not path:
            urls = [each["request"]["url"].partition("?") for each in json.loads(body)["entry"]]
            pages = [json.loads(bytes(self._search(kind, asked).body)) for kind, _, asked in urls]
            entries = [{"response": {"status": "200"}, "resource": each} for each in pages]
            return JSONResponse({"resourceType": "Bundle", "type": "batch-response", "entry": entries})
        return super()._reply(method, path, query, body)

    def _of(self, kind: str) -> list[str]:
        return [each for each in self.offered if each == "*" or each.startswith(f"{kind}:")]

    def _search(self, kind: str, query: str) -> Response:
        wanted = parse_qs(query).get("_include", [])
        self.included.update(wanted)
        if wanted and self.refuses:
            return Response(status_code=self.refuses)
        page = super()._search(kind, query)
        found = json.loads(bytes(page.body)) if page.status_code == httpx.codes.OK else {}
        named = [LEADS[each.partition(":")[2]] for each in wanted if each.partition(":")[2] in LEADS]
        parts = [each["resource"].get(name) for each in found.get("entry", []) for name in named]
        leads = {name: self.resources[name] for name in _references(parts) if name in self.resources}
        along = [{"resource": each, "search": {"mode": "include"}} for each in leads.values()]
        found.get("entry", []).extend(along[: self.most])
        return JSONResponse(found) if found else page


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [str(value["reference"])] if "reference" in value else []
        return own + [each for member in value.values() for each in _references(member)]
    return [each for member in value for each in _references(member)] if isinstance(value, list) else []


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def answered(server: Including) -> dict[str | None, Json]:
    """The ClaimResponses and OperationOutcomes to all claims of the server."""
    kept: list[Answer] = []
    transport = httpx.ASGITransport(server.app())
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        adjudicator = shipped().only("r4")
        plan, codes = adjudicator.mappings.plan, sorted(adjudicator.mappings.scope)
        source = ServerSource(client, plan, codes=codes, batches=True, includes=True)
        instant = datetime(2026, 3, 1, tzinfo=UTC)
        reconciler = Reconciler(source, None, adjudicator, instant, keep=kept.extend)
        report = await sync_server(reconciler, since=None, ids=(), tell=lambda *_: None)
    assert report.complete
    assert not report.warnings
    return {each.claim: each.response or each.outcome or {} for each in kept}


@pytest.fixture(scope="module")
def plain() -> tuple[dict[str | None, Json], int]:
    """The answers of a server that includes nothing, and how many requests they took."""
    server = Including()
    server.load(FIXTURES / "clinic")
    return asyncio.run(answered(server)), server.requests


FEWER, AS_MANY, MORE = -1, 0, 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("server", "asks", "requests"),
    [
        pytest.param(Including(ALL), set(ALL), FEWER, id="offered"),
        pytest.param(Including(["*"]), WANTED, FEWER, id="offered as a star"),
        pytest.param(Including(["Claim:*"]), OF_CLAIM, FEWER, id="offered as a star of the type"),
        pytest.param(Including(["Claim:patient"]), {"Claim:patient"}, FEWER, id="one of them is offered"),
        pytest.param(Including(["Claim:payee", "Claim:enterer"]), set(), AS_MANY, id="others are offered"),
        pytest.param(Including(ALL, most=1), set(ALL), AS_MANY, id="offered, and cut short"),
        pytest.param(Including(ALL, most=0), set(ALL), AS_MANY, id="offered, and ignored"),
        pytest.param(Including(ALL, refuses=400), set(ALL), MORE, id="offered, and refused"),
        pytest.param(Including(ALL, refuses=500), set(ALL), MORE, id="offered, and too much for it"),
        pytest.param(Including(ALL, batch=True), set(), FEWER, id="offered beside batches, which save more"),
    ],
)
async def test_includes_save_requests_and_change_no_answer(
    server: Including, asks: set[str], requests: int, plain: tuple[dict[str | None, Json], int]
) -> None:
    answers, without = plain
    server.load(FIXTURES / "clinic")
    assert await answered(server) == answers
    assert server.included == asks
    assert (server.requests > without) - (server.requests < without) == requests


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("batch", "includes", "claims"),
    [(False, True, 40), (True, True, 10), (False, False, 10), (True, False, 10)],
)
async def test_more_claims_at_once_where_each_search_costs_a_request(batch: bool, includes: bool, claims: int) -> None:
    async with FhirClient(BASE, transport=httpx.ASGITransport(Including(ALL, batch=batch).app())) as client:
        plan = shipped().only("r4").mappings.plan
        source = ServerSource(client, plan, 10, batches=True, includes=includes)
        assert await source.claims_together() == claims
