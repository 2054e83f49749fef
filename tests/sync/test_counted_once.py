"""A claim that several changes concern is decided, and counted, once, where its decision saw them all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from receiver.fhir_server import FhirServer
from sync.test_since_last import APPROVED, SHORT, Dated, a_run, changed, story

from adapter.cli.run_items import _found
from adapter.runs.model import Item, Look, Window

LONG_AGO = "2024-01-01T00:00:00+00:00"
BEFORE, AFTER = timedelta(seconds=-10), timedelta(seconds=60)
VISIT = next(f"Encounter/{each['id']}" for each in story(APPROVED) if each["resourceType"] == "Encounter")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> FhirServer:
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT))
    for each in server.resources.values():
        each["meta"]["lastUpdated"] = (datetime.now(UTC) + BEFORE).isoformat()
    return server


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("told", "claims"),
    [
        pytest.param(BEFORE, 2, id="deleted before the run: its decision saw it"),
        pytest.param(AFTER, 3, id="deleted after it began: decided again"),
        pytest.param(None, 3, id="nobody knows when"),
    ],
)
async def test_of_a_deletion_and_the_claim_itself(
    server: FhirServer, tmp_path: Path, told: timedelta | None, claims: int
) -> None:
    await changed(server, tmp_path / "ledger.sqlite")
    server.remove(VISIT)
    server.told_of_deletions = {} if told is None else {"lastModified": (datetime.now(UTC) + told).isoformat()}
    report = await changed(server, tmp_path / "ledger.sqlite")
    assert (report.complete, report.tally.claims) == (True, claims)


@pytest.mark.anyio
async def test_of_many_changes_to_the_evidence_of_a_claim_that_nobody_touched(
    server: FhirServer, tmp_path: Path
) -> None:
    for each in server.of("Claim"):
        each["meta"]["lastUpdated"] = LONG_AGO
    await changed(server, tmp_path / "ledger.sqlite")
    assert (await changed(server, tmp_path / "ledger.sqlite")).tally.claims == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claim_changed", "named"),
    [
        pytest.param(LONG_AGO, [APPROVED], id="in no window"),
        pytest.param("2026-01-01T00:00:59+00:00", [APPROVED], id="in a window, which may be done before the change"),
        pytest.param("2026-01-01T00:01:00+00:00", [], id="looked at when all items are done"),
    ],
)
async def test_of_a_late_change_to_evidence_with_workers(
    server: FhirServer, tmp_path: Path, claim_changed: str, named: list[str]
) -> None:
    for name, each in server.resources.items():
        each["meta"]["lastUpdated"] = "2026-01-01T00:01:00+00:00" if name == VISIT else LONG_AGO
    server.resources[f"Claim/{APPROVED}"]["meta"]["lastUpdated"] = claim_changed
    window = Window("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z")
    item = Item("run", 1, Look.FIND, "http://fhir.test", "2026-01-02T00:00:00Z", window, kind="Encounter")
    async with a_run(Dated(server), tmp_path / "ledger.sqlite") as run:
        assert (await _found(run.reconciler, item))["concerned"] == named
