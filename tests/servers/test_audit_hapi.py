"""A real server takes our AuditEvents, keeps what they say, and has each once however often it is sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_sync_hapi import Server
from typer.testing import CliRunner

from adapter.audit.event import PROFILES
from adapter.cli.main import app

STORY = Path(__file__).parents[2] / "fixtures" / "stories" / "0592t-approved" / "0_bundle.json"
Json = dict[str, Any]


def audit_events(url: str) -> dict[str, Json]:
    params = {"_count": "1000"}
    found = httpx.get(f"{url}/AuditEvent", params=params, headers={"Cache-Control": "no-cache"}, trust_env=False).json()
    return {each["resource"]["id"]: each["resource"] for each in found.get("entry", [])}


@pytest.fixture
def story(hapi_url: str) -> Iterator[None]:
    server = Server(hapi_url)
    resources = [entry["resource"] for entry in json.loads(STORY.read_text())["entry"]]
    server.load(resources)
    yield
    server.remove(resources)
    server.close()


@pytest.mark.usefixtures("story")
def test_events_on_the_server(hapi_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = tmp_path / "ledger.sqlite"
    monkeypatch.setenv("ADAPTER_LEDGER", str(ledger))
    monkeypatch.setenv("ADAPTER_AUDIT", "server")
    monkeypatch.setenv("ADAPTER_IDENTIFIER_SYSTEM", "urn:test:audited")
    before = audit_events(hapi_url).keys()
    result = CliRunner().invoke(app, ["sync", hapi_url, "--claim", "0592t-approved"])
    assert result.exit_code == 0, result.output
    found = {name: each for name, each in audit_events(hapi_url).items() if name not in before}
    kinds = sorted(each["subtype"][0]["code"] for each in found.values())
    assert kinds == ["110120", "batch", "create", "create", "search"]
    read = next(each for each in found.values() if each["subtype"][0]["code"] == "search")
    assert read["meta"]["profile"] == [f"{PROFILES}PatientQuery"]
    assert {"policy", "decision"} <= {each["type"] for each in read["entity"][2]["detail"]}
    _owe_again(ledger.parent / "audit-owed.sqlite", hapi_url, found)
    assert CliRunner().invoke(app, ["sync", hapi_url, "--claim", "0592t-approved"]).exit_code == 0
    again = {name: each for name, each in audit_events(hapi_url).items() if name not in before}
    assert len(again) == len(found) + 1 + 3  # that the first run ended; the second's beginning, read and batch
    assert {again[name]["meta"]["versionId"] for name in found} == {"1"}


def _owe_again(path: Path, server: str, events: dict[str, Json]) -> None:
    """As after a crash between sending and noting that it was sent; the process is no more."""
    rows = [(server, 999_999_999, json.dumps(_as_sent(each))) for each in events.values()]
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO owed (server, process, event) VALUES (?, ?, ?)", rows)
    db.close()


def _as_sent(event: Json) -> Json:
    meta = {name: value for name, value in event.get("meta", {}).items() if name == "profile"}
    return {**event, "meta": meta} if meta else {name: value for name, value in event.items() if name != "meta"}
