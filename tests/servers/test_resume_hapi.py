"""Runs on a real HAPI that are killed and gone on with; evidence that comes late or goes away leads to its claim."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.latency import copies
from hapi_server import running_hapi
from test_sync_hapi import FIRST, Server

ROOT = Path(__file__).parents[2]
IDENTIFIERS = "urn:test:answers"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def server(java: None) -> Iterator[Server]:
    """Forty claims on a server that nobody else writes to."""
    with running_hapi() as hapi:
        server = Server(hapi.url)
        loaded = [each for copy in copies(0, 40) for each in copy]
        server.load(sorted(loaded, key=lambda each: _rank(each["resourceType"])))
        yield server
        server.close()


def _rank(kind: str) -> int:
    return FIRST.index(kind) if kind in FIRST else len(FIRST)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
    settings = {
        "ADAPTER_IDENTIFIER_SYSTEM": IDENTIFIERS,
        "ADAPTER_LEDGER": str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite"),
        "ADAPTER_OVERLAP_SECONDS": "1",
        "ADAPTER_CHUNK_SIZE": "4",
    }
    return {**known, **settings, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}


def sync(server: Server, environment: dict[str, str], *options: str) -> tuple[Json, int]:
    """What ``sync --since auto`` says, and how many requests it took."""
    command = [sys.executable, "-m", "benchmarks.counted", "sync", server.url, "--since", "auto", "--format", "json"]
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), int(done.stderr.split()[-1])


# The tests of this module tell one story and run in order.


def test_a_killed_run_is_gone_on_with_and_nothing_is_written_twice(server: Server, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "adapter", "sync", server.url, "--since", "auto"]
    started = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not server.answers() and started.poll() is None:
        time.sleep(0.05)
    started.send_signal(signal.SIGKILL)
    started.wait()
    before = len(server.answers())
    assert 0 < before < 40, "the run was not killed in its midst"
    told, _ = sync(server, environment)
    assert 0 < told["written"]["created"] <= 40 - before  # the server may have had a batch in hand
    answers = server.answers()
    assert len(answers) == 40
    assert {each["meta"]["versionId"] for several in answers.values() for each in several} == {"1"}
    assert all(len(several) == 1 for several in answers.values())
    assert set(server.provenances().values()) == {1}


def test_when_nothing_changed_it_costs_two_requests(server: Server, environment: dict[str, str]) -> None:
    """The CapabilityStatement, and one look at the history of everything, once the answers are behind the overlap."""
    for _ in range(2):
        time.sleep(2.5)
        sync(server, environment)
    time.sleep(2.5)
    told, requests = sync(server, environment)
    assert (told["claims"]["in_scope"], requests) == (0, 2)


def test_a_visit_that_changes_leads_to_its_claim_alone(server: Server, environment: dict[str, str]) -> None:
    procedure = next(each for each in copies(0, 1)[0] if each["resourceType"] == "Procedure")
    server.put(procedure | {"status": "entered-in-error"})
    told, _ = sync(server, environment)
    assert told["claims"]["in_scope"] == 1
    assert told["written"]["updated"] == 1


def test_a_visit_that_is_deleted_leads_to_its_claim_alone(server: Server, environment: dict[str, str]) -> None:
    time.sleep(2.5)
    sync(server, environment)
    time.sleep(2.5)
    visit = next(each for each in copies(1, 1)[0] if each["resourceType"] == "Encounter")
    server._http.delete(f"/Encounter/{visit['id']}").raise_for_status()
    told, _ = sync(server, environment)
    assert told["claims"]["in_scope"] == 1


def test_an_answer_that_is_deleted_is_given_again(server: Server, environment: dict[str, str]) -> None:
    claim, (answer,) = min(server.answers().items())
    server._http.delete(f"/ClaimResponse/{answer['id']}").raise_for_status()
    told, _ = sync(server, environment)
    assert (told["written"]["created"], told["written"]["updated"]) == (1, 0)
    assert len(server.answers()[claim]) == 1
    assert len(server.answers()) == 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_ends_in_order(server: Server, environment: dict[str, str], number: signal.Signals) -> None:
    command = [sys.executable, "-m", "adapter", "sync", server.url, "--since", "auto", "--watch", "0.5"]
    started = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    procedure = next(each for each in copies(0, 1)[0] if each["resourceType"] == "Procedure")
    status = "completed" if number == signal.SIGINT else "entered-in-error"  # the other of what it was
    time.sleep(6)
    before = server.answers()
    server.put(procedure | {"status": status})
    deadline = time.monotonic() + 60
    while server.answers() == before and time.monotonic() < deadline:
        time.sleep(0.2)
    started.send_signal(number)
    assert started.wait(60) == 0
    assert server.answers() != before
