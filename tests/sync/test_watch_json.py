"""``--watch --format json``: a line of JSON for each run, also for one that found nothing to do."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path

import pytest
from answers.story_stages import NOW
from command_line import Command
from receiver.fhir_server import FhirServer, listening
from sync.test_since_last import APPROVED, story

from adapter.cli import server_sync


def test_each_run_prints_a_line(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waits = iter([False, True])

    async def waited(_stop: asyncio.Event, _seconds: float) -> bool:
        return next(waits)

    monkeypatch.setattr(server_sync, "_stopped_within", waited)
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path / "ledger.sqlite"))
    server = FhirServer()
    server.put(*story(APPROVED))
    for each in server.resources.values():
        each["meta"]["lastUpdated"] = "2024-01-01T00:00:00+00:00"
    with listening(server) as url:
        done = command("sync", url, "--watch", "60", "--now", NOW, "--format", "json")
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    counts = [(each["claims"]["in_scope"], each["written"]["created"]) for each in rounds]
    assert (done.code, counts) == (0, [(1, 1), (0, 0)])
    assert datetime.fromisoformat(rounds[0]["instant"]) == datetime.fromisoformat(NOW)
