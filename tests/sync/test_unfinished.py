"""An answer without its Provenance is come back to: no checkpoint moves behind it until it has one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from receiver.fhir_server import FhirServer
from sync.test_since_last import APPROVED, BASE, SHORT, Dated, a_run, story

from adapter.sinks.ledger import Ledger
from adapter.sync.report import Report

Json = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class NoProvenances(Dated):
    """Takes everything but Provenances, of which it says by its own statement that it creates them, or not."""

    declared: tuple[str, ...] = ()
    refused: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if request.url.path == "/metadata":
            body = response.json() if response.is_closed else json.loads(await response.aread())
            kinds = [{"type": each, "interaction": [{"code": "create"}]} for each in self.declared]
            body["rest"][0]["resource"] = [*body["rest"][0].get("resource", []), *kinds]
            return httpx.Response(200, json=body)
        return response


async def run(server: FhirServer, ledger: Path, transport: Dated, after: float = 1.1) -> Report:
    await asyncio.sleep(after)  # the clock of a head counts seconds
    async with a_run(transport, ledger, overlap=0) as started:
        return await started.changed()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("declared", "moves"),
    [
        pytest.param((), False, id="declares nothing: it may take one next time"),
        pytest.param(("ClaimResponse", "Provenance"), False, id="declares them"),
        pytest.param(("ClaimResponse",), True, id="never takes one"),
    ],
)
async def test_a_missing_provenance_holds_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: tuple[str, ...], moves: bool
) -> None:
    server, ledger = FhirServer(), tmp_path / "ledger.sqlite"
    server.put(*story(APPROVED), *story(SHORT))
    written = FhirServer._entry
    fails = [True]

    def entry(there: FhirServer, asked: Json) -> Json:
        if fails[0] and asked["request"]["url"] == "Provenance":
            return {"response": {"status": "500"}}
        return written(there, asked)

    monkeypatch.setattr(FhirServer, "_entry", entry)
    report = await run(server, ledger, NoProvenances(server, declared=declared))
    assert (report.complete, report.finished, len(report.warnings)) == (True, moves, 2)
    with Ledger(ledger) as opened:
        assert bool(opened.checkpoints(BASE)) is moves
    fails[0] = False
    await run(server, ledger, NoProvenances(server, declared=declared))
    assert len(server.of("Provenance")) == (0 if moves else 2)
    assert len(server.of("ClaimResponse")) == 2


@pytest.mark.anyio
async def test_a_missing_provenance_of_a_withdrawal_holds_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, ledger = FhirServer(), tmp_path / "ledger.sqlite"
    server.put(*story(APPROVED))
    await run(server, ledger, Dated(server), after=0)
    claim = {name: value for name, value in server.of("Claim")[0].items() if name != "status"}
    server.put(claim)
    written = FhirServer._entry
    monkeypatch.setattr(
        FhirServer,
        "_entry",
        lambda there, asked: (
            {"response": {"status": "500"}} if asked["request"]["url"] == "Provenance" else written(there, asked)
        ),
    )
    with Ledger(ledger) as opened:
        before = opened.checkpoints(BASE)
    report = await run(server, ledger, Dated(server))
    assert (report.complete, report.finished, len(report.warnings)) == (True, False, 1)
    with Ledger(ledger) as opened:
        assert opened.checkpoints(BASE) == before
    monkeypatch.undo()
    assert (await run(server, ledger, Dated(server), after=0)).finished
    assert [each["status"] for each in server.of("ClaimResponse")] == ["cancelled"]
    assert len(server.of("Provenance")) == 2
