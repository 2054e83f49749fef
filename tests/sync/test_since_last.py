"""Runs that go on where the last one stopped: everything first, then what changed; killed at any instant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers.story_stages import FIXTURES, shipped
from receiver.fhir_server import FhirServer

from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource
from adapter.sync.checkpoints import Checkpoint
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Report
from adapter.sync.since_last import SinceLast

APPROVED, SHORT = "0592t-approved", "0592t-29-minutes"
BASE = "http://fhir.test"
Json = dict[str, Any]


class Killed(Exception):
    """What a run hears no more of."""


@dataclass
class Dated(httpx.AsyncBaseTransport):
    """A server with a clock of its own; ``dies_at`` ends the run before that request, from 1."""

    server: FhirServer
    ahead: timedelta = timedelta()
    dies_at: int = 0
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if len(self.asked) == self.dies_at:
            raise Killed
        response = await httpx.ASGITransport(self.server.app()).handle_async_request(request)
        response.headers["Date"] = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return response


def story(name: str) -> list[Json]:
    bundle = json.loads((FIXTURES / "stories" / name / "0_bundle.json").read_text())
    return [entry["resource"] for entry in bundle["entry"]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> FhirServer:
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT))
    return server


@asynccontextmanager
async def a_run(transport: Dated, ledger: Path, overlap: int = 300) -> AsyncIterator[SinceLast]:
    """A new process, as far as memory goes."""
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        with Ledger(ledger) as opened:
            await client.capabilities()
            adjudicator = shipped().only("r4")
            codes = sorted(adjudicator.mappings.scope)
            source = ServerSource(client, adjudicator.mappings.plan, 1, codes, batches=True)
            now = datetime.now(UTC)
            sink = ServerSink(client, adjudicator.identifier_system, opened, now)
            checkpoint = Checkpoint(opened, BASE, "Claim")
            checkpoint.take_over()
            reconciler = Reconciler(source, sink, adjudicator, now)
            yield SinceLast(reconciler, checkpoint, timedelta(seconds=overlap), lambda *_: None)


async def changed(server: FhirServer, ledger: Path, dies_at: int = 0, **options: Any) -> Report:
    async with a_run(Dated(server, dies_at=dies_at), ledger, **options) as run:
        return await run.changed()


def decided(report: Report) -> set[str | None]:
    return {claim for claim, _ in report.tally.first_lines}


def outcomes(server: FhirServer) -> dict[str, str]:
    return {claim: each["outcome"] for claim, (each,) in server.answers().items()}


def writes(server: FhirServer) -> set[int]:
    return {server.writes[f"ClaimResponse/{each['id']}"] for (each,) in server.answers().values()}


@pytest.mark.anyio
async def test_the_first_run_decides_everything_and_the_next_what_changed(server: FhirServer, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    assert decided(await changed(server, ledger)) == {APPROVED, SHORT}
    await asyncio.sleep(1.1)  # the clock of a head counts seconds
    assert decided(await changed(server, ledger, overlap=0)) == {APPROVED, SHORT}  # within the overlap of the first
    await asyncio.sleep(1.1)
    assert decided(await changed(server, ledger, overlap=0)) == set()
    assert writes(server) == {1}


@pytest.mark.anyio
@pytest.mark.parametrize("dies_at", range(2, 60, 6))
async def test_killed_at_any_request_the_next_run_goes_on_and_writes_nothing_twice(
    server: FhirServer, tmp_path: Path, dies_at: int
) -> None:
    ledger = tmp_path / "ledger.sqlite"
    server.put(*story("modifier-95"))
    with suppress(Killed):
        await changed(server, ledger, dies_at)
    assert (await changed(server, ledger)).complete
    assert set(outcomes(server)) == {each["id"] for each in server.of("Claim")}
    assert writes(server) == {1}


@pytest.mark.anyio
@pytest.mark.parametrize(("before", "again"), [(299, {SHORT, APPROVED}), (302, {SHORT})])
@pytest.mark.parametrize("first", [True, False])
async def test_a_killed_run_goes_on_behind_the_claims_that_are_answered_less_the_overlap(
    server: FhirServer, tmp_path: Path, first: bool, before: int, again: set[str]
) -> None:
    """A claim stamped before the last answered one may only be found now, as after a run that came to its end."""
    ledger, reached = tmp_path / "ledger.sqlite", datetime.now(UTC)
    server.resources[f"Claim/{SHORT}"]["meta"]["lastUpdated"] = reached.isoformat()
    server.resources[f"Claim/{APPROVED}"]["meta"]["lastUpdated"] = (reached - timedelta(seconds=before)).isoformat()
    with Ledger(ledger) as opened:
        checkpoint = Checkpoint(opened, BASE, "Claim")
        checkpoint.take_over()
        if not first:
            checkpoint.finish(reached - timedelta(days=1), timedelta(), {})
        checkpoint.begin(reached + timedelta(hours=1), anew=True)
        checkpoint.reach(reached.isoformat())
    for each in server.resources.values():  # so that evidence leads nowhere
        if each["resourceType"] != "Claim":
            each["meta"]["lastUpdated"] = "2020-01-01T00:00:00Z"
    assert decided(await changed(server, ledger)) == again


@pytest.mark.anyio
async def test_evidence_that_changed_before_the_run_was_killed_is_not_missed(
    server: FhirServer, tmp_path: Path
) -> None:
    """The claim itself was answered before; its Encounter changed after the run began."""
    ledger = tmp_path / "ledger.sqlite"
    with Ledger(ledger) as opened:
        checkpoint = Checkpoint(opened, BASE, "Claim")
        checkpoint.take_over()
        checkpoint.begin(datetime.now(UTC) - timedelta(seconds=1), anew=True)
        checkpoint.reach("2100-01-01T00:00:00+00:00")
    await asyncio.sleep(0)
    assert decided(await changed(server, ledger)) == {APPROVED, SHORT}


@pytest.mark.anyio
async def test_a_visit_that_comes_late_leads_to_its_claim_alone(server: FhirServer, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    late = [each for each in story(APPROVED) if each["resourceType"] in ("Encounter", "Procedure")]
    for each in late:
        del server.resources[f"{each['resourceType']}/{each['id']}"]
    for _ in range(2):
        await changed(server, ledger, overlap=0)
        await asyncio.sleep(1.1)
    assert outcomes(server)[APPROVED] == "partial"
    server.put(*late)
    assert decided(await changed(server, ledger, overlap=0)) == {APPROVED}
    assert outcomes(server)[APPROVED] == "complete"


@pytest.mark.anyio
async def test_a_deleted_visit_leads_to_its_claim(server: FhirServer, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    for _ in range(2):
        await changed(server, ledger, overlap=0)
        await asyncio.sleep(1.1)
    visit = next(each for each in story(APPROVED) if each["resourceType"] == "Encounter")
    server.remove(f"Encounter/{visit['id']}")
    assert decided(await changed(server, ledger, overlap=0)) == {APPROVED}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("ahead", "claims"),
    [
        pytest.param(timedelta(hours=-2), {APPROVED, SHORT}, id="behind: looks back further, misses nothing"),
        pytest.param(timedelta(hours=2), {APPROVED, SHORT}, id="was ahead, is right again: all is read anew"),
    ],
)
async def test_a_wrong_clock_of_the_server_misses_nothing(
    server: FhirServer, tmp_path: Path, ahead: timedelta, claims: set[str]
) -> None:
    ledger = tmp_path / "ledger.sqlite"
    async with a_run(Dated(server, ahead), ledger) as run:
        await run.changed()
    assert decided(await changed(server, ledger)) == claims


@pytest.mark.anyio
async def test_a_run_that_left_a_claim_unanswered_moves_no_checkpoint(
    server: FhirServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "ledger.sqlite"

    def refused(_server: FhirServer, entry: Json) -> Json:
        return {"response": {"status": "422"}}

    with monkeypatch.context() as patch:
        patch.setattr(FhirServer, "_entry", refused)
        assert not (await changed(server, ledger)).complete
    with Ledger(ledger) as opened:
        checkpoint = Checkpoint(opened, BASE, "Claim")
        assert (checkpoint.instant, checkpoint.reached) == (None, None)
    assert decided(await changed(server, ledger)) == {APPROVED, SHORT}


@pytest.mark.anyio
async def test_checkpoints_are_kept_per_server_and_query(tmp_path: Path) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = Checkpoint(ledger, BASE, "Claim 1")
        first.take_over()
        first.finish(now, timedelta(minutes=5), {})
        assert Checkpoint(ledger, BASE, "Claim 1").instant == "2026-02-28T23:55:00+00:00"
        assert Checkpoint(ledger, BASE, "Claim 2").instant is None
        assert Checkpoint(ledger, "http://other.test", "Claim 1").instant is None
        still = Checkpoint(ledger, BASE, "Claim 1", moves=False)
        still.finish(now + timedelta(days=1), timedelta(), {})
        assert Checkpoint(ledger, BASE, "Claim 1").instant == "2026-02-28T23:55:00+00:00"
