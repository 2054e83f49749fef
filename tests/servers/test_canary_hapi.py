"""The canary on a real server: HAPI quotes what it is sent, and keeps more than a test server does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from answers.story_stages import NOW, shipped
from canary.markers import BIRTH_DATE, ID, PHI, Json, assert_silent, columns_with, files_with, log_lines, markers_in
from canary.test_files import RECORD
from command_line import Command, command

__all__ = ["command"]
MINE = f"{ID}-{uuid4().hex[:6]}"
FIRST = ("Organization", "Location", "Practitioner", "PractitionerRole", "Patient", "Coverage", "Condition", "Goal")


@pytest.fixture(scope="module")
def loaded(hapi_url: str) -> Iterator[str]:
    """The server with the marked record on it, under ids of its own; and without it afterwards."""
    record: Json = json.loads(json.dumps(RECORD).replace(ID, MINE))
    resources = [each["resource"] for each in record["entry"]]
    resources.sort(key=lambda each: each["resourceType"] not in FIRST)  # what is referred to comes before
    with httpx.Client(base_url=hapi_url, timeout=60, trust_env=False) as http:
        for each in resources:
            each["meta"] = {}
            http.put(f"/{each['resourceType']}/{each['id']}", json=each).raise_for_status()
        yield hapi_url
        answers = http.get("/ClaimResponse", params={"request": f"Claim/{MINE}"}).json().get("entry", [])
        for each in [*(entry["resource"] for entry in answers), *reversed(resources)]:
            http.delete(f"/{each['resourceType']}/{each['id']}").raise_for_status()


@pytest.fixture
def talking(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("ADAPTER_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("ADAPTER_LEDGER", str(command.folder / "ledger.sqlite"))
    monkeypatch.setattr("adapter.cli.commands.build", lambda *_, **__: shipped())
    return command


def test_sync_and_explain(talking: Command, loaded: str) -> None:
    synced = talking("sync", loaded, "--claim", MINE, "--now", NOW)
    explained = talking("explain", loaded, MINE, "--now", NOW)
    assert (synced.code, explained.code) == (0, 0)
    for result in (synced, explained):
        assert_silent(result.stderr)
    assert markers_in(synced.stdout) == set()
    assert "claim.decided" in "".join(log_lines(synced.stderr))
    assert files_with(talking.folder) == set()
    assert columns_with(talking.folder / "ledger.sqlite", [ID, PHI, BIRTH_DATE]) == set()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param(f"/nobody-{PHI}", 4, id="no FHIR there, and HTML or an OperationOutcome that quotes the address"),
        pytest.param(f"/Patient/{PHI}", 4, id="a resource in place of a server"),
    ],
)
def test_what_hapi_says_of_a_wrong_address_is_not_repeated(talking: Command, loaded: str, path: str, code: int) -> None:
    result = talking("sync", f"{loaded}{path}", "--now", NOW)
    assert result.code == code
    said = result.stderr.replace(path, "")  # the address is the operator's own
    assert_silent(said)


def test_a_write_that_hapi_refuses(talking: Command, loaded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its diagnostics quote the element that it cannot read."""
    from adapter.sinks.server import ServerSink

    entry = ServerSink._response_entry

    def spoilt(sink: ServerSink, step: object) -> Json:
        made = entry(sink, step)  # type: ignore[arg-type] # a step is nobody else's business
        made["resource"] |= {"created": f"{PHI}-{BIRTH_DATE}"}
        return made

    monkeypatch.setattr(ServerSink, "_response_entry", spoilt)
    elsewhere = replace(shipped(), identifier_system=f"urn:canary:{uuid4().hex}")  # else nothing is to be written
    monkeypatch.setattr("adapter.cli.commands.build", lambda *_, **__: elsewhere)
    result = talking("sync", loaded, "--claim", MINE, "--now", "2026-02-01T12:00:00-05:00")
    assert result.code == 3
    assert_silent(result.stderr.replace(MINE, ID))
