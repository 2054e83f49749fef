"""SIGTERM and SIGINT in the middle of ``sync --bulk``: what was fetched stays, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import respx
from bulk.export_server import BASE, FILES, manifest, ndjson, streamed
from bulk.test_options import a_server, in_scope, ledger
from command_line import Command, command

from adapter.cli import bulk_syncing
from adapter.sync.files import sync_files

__all__ = ["command", "ledger"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_bulk_sync_that_is_told_to_end_is_gone_on_with(
    command: Command, ledger: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    server = a_server(respx_mock)
    server.files[FILES[0]] = [lambda: streamed(ndjson([in_scope("a")]))]
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0]})]

    def told(*arguments: Any, **options: Any) -> Any:
        os.kill(os.getpid(), number)
        return sync_files(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(bulk_syncing, "sync_files", told)
        result = command("sync", BASE, "--bulk", "--out", "out")
    assert result.code == 130
    assert result.stderr.endswith("coaching-adapter: interrupted; run it again to go on\n")
    assert not (result.out / "summary.json").exists()
    assert len(list((ledger.parent / "bulk").iterdir())) == 1
    asked = len(respx_mock.calls)
    assert command("sync", BASE, "--bulk", "--out", "out").code == 0
    assert not [each for each in list(respx_mock.calls)[asked:] if "$export" in str(each.request.url)]
    told_of = json.loads((result.out / "summary.json").read_text())["claims"]
    assert told_of == {"in_scope": 1, "out_of_scope": 0, "unanswered": 0}
    assert list((ledger.parent / "bulk").iterdir()) == []
