"""``sync URL --bulk`` on HAPI, held against ``sync URL`` answer by answer: the whole server, a Group, what changed."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_sync_hapi import CLINIC, EXPECTED, Server, resources, run

from adapter.cli import bulk_checkpoint, bulk_syncing
from adapter.sync.bulk import writing
from adapter.sync.files import sync_files

NOW = "2026-01-31T12:00:00Z"
SYSTEM = "urn:test:bulk"
GROUP = "coached"
FILES = ("ClaimResponse.ndjson", "OperationOutcome.ndjson", "Provenance.ndjson", "decisions.ndjson")
REFUSED = [claim for claim, each in EXPECTED.items() if each["outcome"] == "operation-outcome"]
"""Claims that are answered by an OperationOutcome under their id."""
COUNTED = ("claims", "lines", "claim_responses", "operation_outcomes", "warnings")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def server(hapi_url: str) -> Iterator[Server]:
    """The clinic, and a Group of some of its patients; afterwards none of our answers is there."""
    server = Server(hapi_url)
    server.load(list(resources(CLINIC)))
    patients = [each["id"] for each in resources(CLINIC) if each["resourceType"] == "Patient"][::2]
    members = [{"entity": {"reference": f"Patient/{id}"}} for id in patients]
    server.put({"resourceType": "Group", "id": GROUP, "type": "person", "actual": True, "member": members})
    yield server
    for answers in server_answers(server).values():
        for each in answers:
            server._http.delete(f"/ClaimResponse/{each['id']}").raise_for_status()
    for id in REFUSED:  # they have no identifier of whoever wrote them
        server._http.delete(f"/OperationOutcome/{id}").raise_for_status()
    server._http.delete(f"/Group/{GROUP}").raise_for_status()
    server.close()


@pytest.fixture(autouse=True)
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.getbasetemp() / "bulk" / "ledger.sqlite"
    monkeypatch.setenv("ADAPTER_IDENTIFIER_SYSTEM", SYSTEM)
    monkeypatch.setenv("ADAPTER_LEDGER", str(path))
    monkeypatch.setenv("ADAPTER_BULK_WAIT", "0.2")  # HAPI asks for two minutes, always
    return path


def server_answers(server: Server) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    query = {"identifier": f"{SYSTEM}|", "_count": "1000"}
    for entry in server._http.get("/ClaimResponse", params=query).raise_for_status().json().get("entry", []):
        found.setdefault(entry["resource"]["request"]["reference"].split("/")[1], []).append(entry["resource"])
    return found


def ran(*arguments: str) -> Json:
    result = run("sync", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    told: Json = json.loads(result.stdout)
    return told


def answers(folder: Path) -> dict[str, dict[str, Json]]:
    """Every line of the answers in a folder, by file and claim; without the places of what could not be read."""
    found: dict[str, dict[str, Json]] = {}
    for name in FILES:
        lines = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for each in lines:
            for issue in each.get("issue", []):
                issue.pop("diagnostics", None)  # a line of a file, or a version on the server
        found[name] = {str(each.get("id") or (each["claim"], each["line"])): each for each in lines}
    return found


# The tests of this module tell one story and run in order.


@pytest.fixture(scope="module")
def plain(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, dict[str, Json]]]:
    """What ``sync URL`` answers, without writing it."""

    def answered() -> dict[str, dict[str, Json]]:
        out = tmp_path_factory.mktemp("plain")
        ran(server.url, "--out", str(out), "--now", NOW)
        return answers(out)

    return answered


Answered = Callable[[], dict[str, dict[str, Json]]]


def test_an_export_is_answered_as_the_server_itself(server: Server, plain: Answered, tmp_path: Path) -> None:
    counted = ran(server.url, "--bulk", "--out", str(tmp_path), "--now", NOW)
    assert counted["claims"]["in_scope"] > 50
    assert answers(tmp_path) == plain()


def test_a_group_gets_the_same_answers_and_nobody_else_any(server: Server, plain: Answered, tmp_path: Path) -> None:
    counted = ran(server.url, "--bulk", "--group", GROUP, "--out", str(tmp_path), "--now", NOW)
    found, whole = answers(tmp_path), plain()
    assert 0 < len(found["ClaimResponse.ndjson"]) < len(whole["ClaimResponse.ndjson"])
    assert counted["claims"]["unanswered"] == 0
    for name in FILES:
        assert found[name] == {id: whole[name][id] for id in found[name]}


def test_answers_are_written_once_and_nothing_of_the_export_stays(server: Server, ledger: Path) -> None:
    before = datetime.now(UTC)
    written = ran(server.url, "--bulk", "--since", "auto")["written"]
    assert (written["failed"], written["updated"]) == (0, 0)
    found = server_answers(server)
    assert written["created"] >= len(found) > 50
    assert all(len(each) == 1 for each in found.values())
    assert list((ledger.parent / "bulk").iterdir()) == []
    with sqlite3.connect(ledger) as db:
        ((told,),) = db.execute("SELECT instant FROM checkpoint WHERE query GLOB 'Claim* bulk'").fetchall()
    assert timedelta(seconds=-2) < datetime.fromisoformat(told) - before < timedelta(seconds=60)


def test_sync_without_bulk_finds_nothing_to_change(server: Server) -> None:
    written = ran(server.url)["written"]
    assert written | {"unchanged": 0} == {"created": 0, "updated": 0, "unchanged": 0, "failed": 0}


def test_what_changed_since_is_decided_and_nothing_else(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_checkpoint, "OVERLAP", timedelta(0))
    ran(server.url, "--bulk", "--since", "auto")  # moves the checkpoint behind what the tests loaded
    before = {claim: each["meta"]["versionId"] for claim, (each,) in server_answers(server).items()}
    visit = server.read("Encounter/a04-30-minutes-enc")
    server.put(visit | {"status": "entered-in-error"})
    counted = ran(server.url, "--bulk", "--since", "auto")
    assert 0 < counted["claims"]["in_scope"] < len(before)
    after = {claim: each["meta"]["versionId"] for claim, (each,) in server_answers(server).items()}
    assert {claim for claim in after if after[claim] != before[claim]} == {"a04-30-minutes"}
    server.put(visit)
    ran(server.url, "--bulk", "--since", "auto")


def forget_answers(server: Server) -> None:
    for (each,) in server_answers(server).values():
        server._http.delete(f"/ClaimResponse/{each['id']}").raise_for_status()


def test_what_happened_since_the_export_is_not_written_over(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the files are decided one claim changes and is answered anew, and another one is deleted."""
    forget_answers(server)
    monkeypatch.setattr(writing, "OVERLAP", timedelta(0))  # or all that the tests loaded would count as new
    changed, gone = server.read("Claim/a03-29-minutes"), server.read("Claim/a02-follow-up")

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        report = sync_files(*arguments, **options)
        server.put(changed | {"status": "cancelled"})
        server._http.delete("/Claim/a02-follow-up").raise_for_status()
        return report

    monkeypatch.setattr(bulk_syncing, "sync_files", meanwhile)
    counted = ran(server.url, "--bulk")
    found = server_answers(server)
    assert "a02-follow-up" not in found
    assert all(len(each) == 1 for each in found.values())
    monkeypatch.undo()
    monkeypatch.setenv("ADAPTER_IDENTIFIER_SYSTEM", SYSTEM)
    again = ran(server.url)
    assert again["written"]["updated"] == 0
    assert {name: counted[name] for name in COUNTED} == {name: again[name] for name in COUNTED}
    for each in (changed, gone):
        server.put({name: value for name, value in each.items() if name != "meta"})


def test_a_killed_run_goes_on_from_what_it_fetched(
    server: Server, monkeypatch: pytest.MonkeyPatch, ledger: Path, tmp_path: Path
) -> None:
    def killed(*_: Any, **_options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk_syncing, "sync_files", killed)
    run("sync", server.url, "--bulk", "--out", str(tmp_path / "out"))
    (kept,) = (ledger.parent / "bulk").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    fetched = {path: path.stat().st_ino for path in kept.glob("output/*/*")}
    assert fetched

    def later(*arguments: Any, **options: Any) -> Any:
        assert {path: path.stat().st_ino for path in kept.glob("output/*/*")} == fetched
        return sync_files(*arguments, **options)

    monkeypatch.setattr(bulk_syncing, "sync_files", later)
    ran(server.url, "--bulk", "--out", str(tmp_path / "out"))
    assert not kept.exists()
    assert (tmp_path / "out" / "ClaimResponse.ndjson").stat().st_size > 0


def test_a_dry_run_writes_nothing(server: Server) -> None:
    before = server_answers(server)
    told = ran(server.url, "--bulk", "--dry-run")["written"]
    assert told["created"] + told["updated"] + told["unchanged"] > 50
    assert server_answers(server) == before


def test_a_dry_run_over_a_folder_tells_what_would_be_there_and_what_no_more(server: Server, tmp_path: Path) -> None:
    arguments = (server.url, "--bulk", "--out", str(tmp_path), "--now", NOW)
    counted = ran(*arguments)
    responses = tmp_path / "ClaimResponse.ndjson"
    first, *rest = responses.read_text().splitlines(keepends=True)
    nobody = first.replace(json.loads(first)["id"], "nobody-response").replace(
        json.loads(first)["request"]["reference"], "Claim/nobody"
    )
    responses.write_text("".join([*rest, nobody]))
    before = responses.read_bytes()
    told = ran(*arguments, "--dry-run")
    assert {name: told[name] for name in COUNTED} == {name: counted[name] for name in COUNTED}
    effects = {each["claim"]: each["effect"] for each in told["changes"] if each["effect"] != "leave"}
    refused = {json.loads(line)["id"] for line in (tmp_path / "OperationOutcome.ndjson").read_text().splitlines()}
    moved = {claim for claim, effect in effects.items() if effect == "change"}
    assert moved <= refused  # they name a line of a file, and an export has its lines in any order
    assert {claim: effects[claim] for claim in effects.keys() - moved} == {
        json.loads(first)["request"]["reference"].removeprefix("Claim/"): "create",
        "nobody": "remove",
    }
    assert responses.read_bytes() == before


def test_a_group_that_is_not_there_is_one_line(server: Server) -> None:
    result = run("sync", server.url, "--bulk", "--group", "nobody")
    assert getattr(result.exception, "exit_code", None) == 4
    assert "\n" not in str(result.exception)
