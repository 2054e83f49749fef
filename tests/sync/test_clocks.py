"""Clocks that are wrong, the server's or ours, and stay so: ``--since auto`` misses nothing that changes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from receiver.fhir_server import FhirServer
from sync.test_since_last import APPROVED, SHORT, Dated, a_run, decided, story

from adapter.sources import wire
from adapter.sources.clock import ServerClock

FAST, SLOW, RIGHT = timedelta(hours=2), timedelta(hours=-2), timedelta()


@dataclass
class Stamped(Dated):
    """Its pages say when they were made, by the clock that stamps its resources, where ``stamps``."""

    stamps: bool = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        await response.aread()
        page = json.loads(response.content or b"{}")
        if not self.stamps or page.get("type") != "searchset":
            return response
        page["meta"] = {"lastUpdated": datetime.now(UTC).isoformat()}
        return httpx.Response(200, json=page, headers={"Date": response.headers["Date"]})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("date", "ours", "stamps", "seen"),
    [
        pytest.param(FAST, RIGHT, True, True, id="the server's Date is fast"),
        pytest.param(FAST, RIGHT, False, True, id="the server's Date is fast, and no page says so"),
        pytest.param(SLOW, RIGHT, True, True, id="the server's Date is slow"),
        pytest.param(SLOW, RIGHT, False, True, id="the server's Date is slow, and no page says so"),
        pytest.param(RIGHT, FAST, False, True, id="ours is fast"),
        pytest.param(RIGHT, SLOW, False, True, id="ours is slow"),
        pytest.param(FAST, FAST, True, True, id="both are fast"),
        # All that there is to go by is wrong in the same way: this is the limit.
        pytest.param(FAST, FAST, False, False, id="both are fast, and no page says so: missed"),
    ],
)
async def test_what_changes_after_a_run_is_seen_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, date: timedelta, ours: timedelta, stamps: bool, seen: bool
) -> None:
    monkeypatch.setattr(wire, "ServerClock", partial(ServerClock, lambda: datetime.now(UTC) + ours))
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT))
    for each in server.resources.values():
        each["meta"]["lastUpdated"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for changes in (True, False):
        async with a_run(Stamped(server, date, stamps=stamps), tmp_path / "ledger.sqlite", overlap=1) as run:
            report = await run.changed()
        assert report.complete
        if changes:
            assert decided(report) == {APPROVED, SHORT}
            server.put(next(each for each in story(SHORT) if each["resourceType"] == "Claim"))
    assert (SHORT in decided(report)) == seen
    assert {claim: len(found) for claim, found in server.answers().items()} == {APPROVED: 1, SHORT: 1}
