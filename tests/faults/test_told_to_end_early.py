"""SIGTERM in the middle of ``sync URL``: whoever reads how far it came, can rely on it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from command_line import Command, command
from receiver.fhir_server import FhirServer, listening
from starlette.responses import Response
from sync.test_spoilt import APPROVED, story

from adapter.sync.chunks import IN_HAND

__all__ = ["command"]
CLAIMS = 4 * IN_HAND + 1
"""One more than are in hand at a time: where no batches are taken, a chunk has four times the claims."""
NOTHING = "ended as asked before all claims were looked at; nothing was written. Run it again to begin anew"


class Ending(FhirServer):
    """Asks us to end as soon as it is asked for evidence: some claims are in hand by then, and others are not."""

    def _search(self, kind: str, query: str) -> Response:
        if kind == "Encounter" and not self.searches[kind]:
            os.kill(os.getpid(), signal.SIGTERM)
        return super()._search(kind, query)


@pytest.fixture
def server() -> Ending:
    server = Ending()
    for number in range(CLAIMS):
        server.put(*json.loads(json.dumps(story(APPROVED)).replace(APPROVED, f"claim-{number:02}")))
    return server


@pytest.mark.parametrize(
    ("options", "told", "answers"),
    [
        pytest.param([], "answers; ", True, id="answers on the server"),
        pytest.param(["--dry-run"], NOTHING, False, id="a dry run"),
        pytest.param(["--out", "out"], NOTHING, False, id="answers in a folder"),
        pytest.param(["--dry-run", "--out", "out"], NOTHING, False, id="a dry run against a folder"),
    ],
)
def test_what_is_told_of_a_run_that_was_ended(
    command: Command,
    server: Ending,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    told: str,
    answers: bool,
) -> None:
    monkeypatch.setenv("ADAPTER_CHUNK_SIZE", "1")
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path / "ledger.sqlite"))
    with listening(server) as url:
        result = command("sync", url, "--format", "json", *options)
    assert result.code == 3
    assert told in result.stderr
    assert ("has its answer" in result.stderr) <= answers
    ended = json.loads(result.stdout)
    assert ended["ended_early"] is True
    assert (ended["reached"] is not None) <= answers
    assert bool(server.of("ClaimResponse")) is answers
