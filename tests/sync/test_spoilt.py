"""A record that a server chokes on costs the answer to its claim alone; a server that is gone ends the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from answers.story_stages import FIXTURES, shipped
from receiver.fhir_server import FhirServer

from adapter.errors import AccessRefused, SourceError
from adapter.evidence.store import Located
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.refusals import Refused, Unserved
from adapter.sources.server import ServerSource
from adapter.sync.bulk.changes import reconcile_ids
from adapter.sync.checkpoints import Checkpoint
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report
from adapter.sync.server import sync_server
from adapter.sync.since_last import SinceLast
from adapter.sync.spoilt import MOST_IN_VAIN, Sparing

APPROVED, SHORT, MODIFIER = "0592t-approved", "0592t-29-minutes", "modifier-95"
ALL = {APPROVED, SHORT, MODIFIER}
BASE = "http://fhir.test"
Json = dict[str, Any]
Fault = Callable[[httpx.Request, str], httpx.Response | None]
"""What is answered in the server's place, given the request and all that it says."""


def story(name: str) -> list[Json]:
    bundle = json.loads((FIXTURES / "stories" / name / "0_bundle.json").read_text())
    return [entry["resource"] for entry in bundle["entry"]]


def evidence_of(claim: str, status: int, **content: Any) -> Fault:
    """Whatever asks for the visits of a claim's patient is answered so."""

    def fault(request: httpx.Request, said: str) -> httpx.Response | None:
        hit = "/Encounter" in request.url.path and f"{claim}-member" in said
        return httpx.Response(status, **content) if hit else None

    return fault


def write_of(claim: str, kind: str, status: int) -> Fault:
    """A batch is answered so when the ClaimResponse, or the Provenance, of the claim is in it."""

    def fault(request: httpx.Request, said: str) -> httpx.Response | None:
        hit = request.url.path in ("", "/") and f'"resourceType":"{kind}"' in said and f"Claim/{claim}" in said
        return httpx.Response(status) if hit else None

    return fault


def nothing_is_wrong(_request: httpx.Request, _said: str) -> None:
    return None


@dataclass
class Choking(httpx.AsyncBaseTransport):
    server: FhirServer
    fault: Fault

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = self.fault(request, unquote(f"{request.url.query.decode()} {request.content.decode()}"))
        if response is None:
            response = await httpx.ASGITransport(self.server.app()).handle_async_request(request)
        response.headers["Date"] = format_datetime(datetime.now(UTC), usegmt=True)
        return response


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> FhirServer:
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT), *story(MODIFIER))
    return server


@asynccontextmanager
async def a_reconciler(server: FhirServer, fault: Fault, ledger: Ledger) -> AsyncIterator[Reconciler]:
    """With chunks large enough that all claims are in one."""
    transport = Choking(server, fault)
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        await client.capabilities()
        adjudicator = shipped().only("r4")
        source = ServerSource(client, adjudicator.mappings.plan, 100, sorted(adjudicator.mappings.scope))
        now = datetime.now(UTC)
        sink = ServerSink(client, adjudicator.identifier_system, ledger, now)
        yield Reconciler(source, sink, adjudicator, now)


async def synced(server: FhirServer, fault: Fault, folder: Path) -> Report:
    with Ledger(folder / "ledger.sqlite") as ledger:
        async with a_reconciler(server, fault, ledger) as reconciler:
            return await sync_server(reconciler, since=None, ids=(), tell=lambda *_: None)


@pytest.mark.anyio
@pytest.mark.parametrize("spoilt", sorted(ALL))
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        pytest.param(lambda claim: evidence_of(claim, 504), "answered 504 to a search of Encounter", id="too slow"),
        pytest.param(lambda claim: evidence_of(claim, 500), "answered 500 to a search of Encounter", id="breaks"),
        pytest.param(lambda claim: evidence_of(claim, 200, content=b"{"), "damaged or truncated JSON", id="damaged"),
        pytest.param(lambda claim: write_of(claim, "ClaimResponse", 504), "answered 504 to a batch", id="write, slow"),
        pytest.param(lambda claim: write_of(claim, "ClaimResponse", 500), "refused the ClaimResponse: 500", id="write"),
    ],
)
async def test_a_claim_that_trips_the_server_is_named_and_the_others_are_answered_once(
    server: FhirServer, tmp_path: Path, fault: Callable[[str], Fault], why: str, spoilt: str
) -> None:
    report = await synced(server, fault(spoilt), tmp_path)
    assert [each.claim for each in report.unanswered] == [spoilt]
    assert why in report.unanswered[0].problem
    assert "member" not in report.unanswered[0].problem
    assert not report.complete
    assert report.summary()["claims"] == {"in_scope": 3, "out_of_scope": 0, "unanswered": 1}
    assert {claim: len(found) for claim, found in server.answers().items()} == dict.fromkeys(ALL - {spoilt}, 1)
    assert len(server.of("Provenance")) == 2
    assert server.repeated == []
    assert (await synced(server, nothing_is_wrong, tmp_path)).complete
    assert set(server.answers()) == ALL


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(401, AccessRefused, id="no access is nobody's record"),
        pytest.param(302, SourceError, id="nor is a redirect"),
    ],
)
async def test_other_faults_end_the_run(
    server: FhirServer, tmp_path: Path, status: int, kind: type[SourceError]
) -> None:
    with pytest.raises(kind):
        await synced(server, evidence_of(SHORT, status), tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize("status", [500, 504])
async def test_a_server_that_is_gone_altogether_ends_the_run_at_once(
    server: FhirServer, tmp_path: Path, status: int
) -> None:
    asked_since: list[str] = []

    def gone(request: httpx.Request, _said: str) -> httpx.Response | None:
        if "/Encounter" in request.url.path or asked_since:
            asked_since.append(request.url.path)
        return httpx.Response(status) if asked_since else None

    with pytest.raises(SourceError, match=f"answered {status} to a search of Claim"):
        await synced(server, gone, tmp_path)
    assert asked_since.count("/Claim") == 1


@pytest.mark.anyio
async def test_a_server_that_cannot_be_connected_to_ends_the_run(server: FhirServer, tmp_path: Path) -> None:
    def down(request: httpx.Request, _said: str) -> httpx.Response | None:
        if "/Encounter" in request.url.path:
            raise httpx.ConnectError("down", request=request)
        return None

    with pytest.raises(SourceError, match="cannot connect"):
        await synced(server, down, tmp_path)


@pytest.mark.anyio
async def test_the_checkpoint_does_not_move_past_it(server: FhirServer, tmp_path: Path) -> None:
    async def run(fault: Fault) -> Report:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            checkpoint = Checkpoint(ledger, BASE, "Claim")
            async with a_reconciler(server, fault, ledger) as reconciler:
                overlap = timedelta(seconds=300)
                report = await SinceLast(reconciler, checkpoint, overlap, lambda *_: None, asyncio.Event()).changed()
            moved.append((checkpoint.instant is not None, checkpoint.reached is not None))
            return report

    moved: list[tuple[bool, bool]] = []
    assert [each.claim for each in (await run(evidence_of(SHORT, 504))).unanswered] == [SHORT]
    assert (await run(nothing_is_wrong)).complete
    assert moved[0] == (False, False)
    assert moved[1][0]
    assert set(server.answers()) == ALL


@pytest.mark.anyio
async def test_claims_of_an_export_are_spared_likewise(server: FhirServer, tmp_path: Path) -> None:
    report, told = Report(), list[tuple[str, int]]()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        async with a_reconciler(server, evidence_of(SHORT, 504), ledger) as reconciler:
            await reconcile_ids(reconciler, sorted(ALL), report, lambda what, count, _=None: told.append((what, count)))
    assert [each.claim for each in report.unanswered] == [SHORT]
    assert set(server.answers()) == ALL - {SHORT}
    assert told[-1] == ("claims read", 3)


class Failing(Reconciler):
    """Fails for claims whose id begins with ``bad``."""

    async def reconcile(self, claims: Sequence[Located], report: Report, tell: Progress) -> None:
        report.out_of_scope += len(claims)  # what an attempt counted before it failed must not be counted again
        if any(str(each.id).startswith("bad") for each in claims):
            raise Refused("it answered 500") if len(claims) % 2 else Unserved("it answered 504")


def claims(good: int, bad: int) -> list[Located]:
    names = [f"good{each}" for each in range(good)] + [f"bad{each}" for each in range(bad)]
    return [Located({"resourceType": "Claim", "id": each}) for each in names]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("good", "bad", "blamed"),
    [
        pytest.param(5, 0, False, id="none"),
        pytest.param(0, 1, False, id="the only one"),
        pytest.param(3, 4, False, id="several"),
        pytest.param(0, MOST_IN_VAIN // 2, False, id="all, one fault below the limit"),
        pytest.param(0, MOST_IN_VAIN // 2 + 1, True, id="all, beyond the limit: it is the server"),
        pytest.param(MOST_IN_VAIN, MOST_IN_VAIN, False, id="as many, where others were answered"),
    ],
)
async def test_each_claim_is_counted_once_and_where_nothing_goes_well_the_server_is_blamed(
    server: FhirServer, tmp_path: Path, good: int, bad: int, blamed: bool
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        async with a_reconciler(server, nothing_is_wrong, ledger) as found:
            sparing = Sparing(Failing(found.source, found.sink, found.adjudicator, found.instant))
            if blamed:
                with pytest.raises(SourceError, match="it answered"):
                    await sparing.reconcile(claims(good, bad))
                return
            report = await sparing.reconcile(claims(good, bad))
    assert [each.claim for each in report.unanswered] == [f"bad{each}" for each in range(bad)]
    assert report.out_of_scope == good
