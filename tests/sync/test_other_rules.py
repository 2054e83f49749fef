"""Rules that come, go and come back: what others wrote since, is no answer of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from answers.story_stages import FIXTURES, NOW
from command_line import Command, command
from receiver.fhir_server import FhirServer, listening

__all__ = ["command"]
STORIES = ("0592t-approved", "0592t-29-minutes")
SITE = FIXTURES / "site" / "mappings"
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def url(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on which nothing has changed for long."""
    monkeypatch.setenv("ADAPTER_LEDGER", str(command.folder / "ledger.sqlite"))
    server = FhirServer()
    for story in STORIES:
        bundle = json.loads((FIXTURES / "stories" / story / "0_bundle.json").read_text())
        server.put(*(entry["resource"] for entry in bundle["entry"]))
    for resource in server.resources.values():
        resource["meta"]["lastUpdated"] = LONG_AGO.isoformat()
    with listening(server) as url:
        yield url


def looked_at(command: Command, url: str, *options: str | Path) -> int:
    """How many claims ``--since auto`` decides."""
    result = command("sync", url, "--now", NOW, "--format", "json", *options)
    assert result.code == 0, result.stderr
    return int(json.loads(result.stdout)["claims"]["in_scope"])


@pytest.mark.parametrize(
    ("others", "limits", "anew"),
    [
        pytest.param(("--since", "auto", "--mappings", SITE), {}, True, id="mappings"),
        pytest.param(("--since", "auto", "--lenient"), {}, True, id="lenient"),
        pytest.param(("--since", "auto", "--trust-structure"), {}, True, id="structure is trusted"),
        pytest.param(("--since", "auto", "--fhir-version", "r4"), {}, True, id="one version of FHIR"),
        pytest.param(("--since", "auto"), {"ADAPTER_MAX_CLAIM_LINES": "7"}, True, id="a limit"),
        pytest.param(("--since", "auto", "--concurrency", "2"), {}, False, id="only how it is asked"),
    ],
)
def test_other_rules_look_at_all_and_so_does_who_comes_back(
    command: Command,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    others: tuple[str | Path, ...],
    limits: dict[str, str],
    anew: bool,
) -> None:
    assert looked_at(command, url, "--since", "auto") == len(STORIES)
    assert looked_at(command, url, "--since", "auto") == 0
    with monkeypatch.context() as patch:
        for name, value in limits.items():
            patch.setenv(name, value)
        assert looked_at(command, url, *others) == len(STORIES) * anew
    assert looked_at(command, url, "--since", "auto") == len(STORIES) * anew
    assert looked_at(command, url, "--since", "auto") == 0


@pytest.mark.parametrize(
    ("others", "anew"),
    [
        pytest.param(("--claim", STORIES[0]), True, id="one claim"),
        pytest.param(("--since", "2030-01-01T00:00:00Z"), True, id="since an instant"),
        pytest.param(("--dry-run",), False, id="a dry run"),
        pytest.param(("--out", "out"), False, id="into a folder"),
    ],
)
def test_other_rules_that_write_anything_void_what_was_reached(
    command: Command, url: str, others: tuple[str, ...], anew: bool
) -> None:
    assert looked_at(command, url) == len(STORIES)
    looked_at(command, url, "--lenient", *others)
    assert looked_at(command, url, "--since", "auto") == len(STORIES) * anew
