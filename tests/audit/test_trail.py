"""What a run enters in the audit, on files and on a server; and that nothing is done that cannot be entered."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers.story_stages import shipped
from command_line import STORY, Command, Result, command, folder
from fhir.resources.R4B.auditevent import AuditEvent
from receiver.fhir_server import FhirServer
from sync.test_spoilt import BASE, Choking, Fault, nothing_is_wrong, story, write_of

from adapter.audit.file import AuditFile
from adapter.audit.opening import opened_trail
from adapter.audit.trail import Trail
from adapter.errors import AuditError
from adapter.settings import Settings
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Report
from adapter.sync.server import sync_server

__all__ = ["command", "folder"]
Json = dict[str, Any]
APPROVED, SHORT = "0592t-approved", "0592t-29-minutes"


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> Path:
    path = tmp_path / "state" / "ledger.sqlite"
    monkeypatch.setenv("ADAPTER_LEDGER", str(path))
    return path


def events(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def kinds(found: list[Json]) -> list[str]:
    return [each["subtype"][0]["code"] for each in found]


def details(event: Json) -> dict[str, str]:
    return {each["type"]: each["valueString"] for entity in event["entity"] for each in entity.get("detail", [])}


def references(event: Json) -> list[str]:
    return [each["what"]["reference"] for each in event["entity"] if "reference" in each.get("what", {})]


# --- files


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_folder(
    command: Command, folder: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    monkeypatch.setenv("ADAPTER_PROCESSES", processes)
    assert command.sync().code == 0
    found = events(ledger.parent / "audit.ndjson")
    assert kinds(found) == ["110120", "search", "create", "110121"]
    read = found[1]
    assert details(read)["decision"] == "APPROVE"
    provenance = Result(0, "", "", command.folder / "out").resources("Provenance")[0]
    assert details(read)["policy"] == provenance["policy"][0]
    evidence = {each["what"]["reference"] for each in provenance["entity"]}
    assert evidence <= set(references(read))
    for each in found:
        AuditEvent.model_validate(each)
    assert command("audit", "verify").code == 0


def test_no_name_number_day_or_text_of_the_record(command: Command, folder: Path, ledger: Path) -> None:
    command.sync()
    command("explain", "in", STORY)
    command("map", "in", "--resource", f"Claim/{STORY}")
    said = (ledger.parent / "audit.ndjson").read_text()
    resources = [each["resource"] for each in json.loads((folder / "good.json").read_text())["entry"]]
    words = {word for each in resources for word in _private(each)} - {each["id"] for each in resources}
    assert len(words) > 5
    assert [word for word in words if word in said] == []


def _private(resource: Json) -> Iterator[str]:
    for key in ("birthDate", "subscriberId"):
        yield from [resource[key]] if key in resource else []
    for name in resource.get("name", []) if isinstance(resource.get("name"), list) else []:
        yield from [*name.get("given", []), *([name["family"]] if "family" in name else [])]
    yield from (each["value"] for each in resource.get("identifier", []) if "value" in each)
    yield from (each["text"] for each in resource.get("note", []))


def test_explain_and_map_are_reads(command: Command, folder: Path, ledger: Path) -> None:
    assert command("explain", "in", STORY).code == 0
    assert command("map", "in", "--resource", f"Claim/{STORY}").code == 0
    assert kinds(events(ledger.parent / "audit.ndjson")) == ["110120", "search", "110121", "110120", "read", "110121"]


def test_a_dry_run_reads_and_writes_nothing(command: Command, folder: Path, ledger: Path) -> None:
    assert command.sync("--dry-run").code == 0
    assert kinds(events(ledger.parent / "audit.ndjson")) == ["110120", "search", "110121"]


@pytest.mark.parametrize(
    ("setting", "file"), [("off", None), ("Off", None), ("SERVER", "audit.ndjson"), ("mine.log", "mine.log")]
)
def test_where_it_goes(
    command: Command, folder: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch, setting: str, file: str | None
) -> None:
    """A run that may not write to a server keeps its events in the file beside the ledger."""
    ledger.parent.mkdir()
    monkeypatch.chdir(ledger.parent)
    monkeypatch.setenv("ADAPTER_AUDIT", setting)
    assert command("sync", folder, "--out", "out").code == 0
    assert {each.name for each in ledger.parent.glob("*") if each.name != "out"} == (
        {file, f"{file}.head"} if file else set()
    )


def test_where_no_audit_can_be_kept_nothing_is_read(command: Command, folder: Path, ledger: Path) -> None:
    (ledger.parent / "audit.ndjson").mkdir(parents=True)
    result = command.sync()
    assert (result.code, (command.folder / "out").exists()) == (2, False)
    assert "is no regular file, so no audit can be kept in it and nothing is read or written" in result.stderr
    assert [each.name for each in ledger.parent.iterdir()] == ["audit.ndjson"]
    result = command("audit", "verify")
    assert (result.code, "None" in result.stdout + result.stderr) == (3, False)


def test_an_audit_that_fails_on_the_way_leaves_the_earlier_answers(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, append = (command.sync().out / "ClaimResponse.ndjson").read_bytes(), AuditFile.append
    times = Counter[str]()

    def once(self: AuditFile, lines: list[bytes]) -> None:
        times["append"] += 1
        if times["append"] > 1:
            raise AuditError("no room")
        append(self, lines)

    monkeypatch.setattr(AuditFile, "append", once)
    result = command("sync", "in", "--out", "out", "--now", "2030-01-01T00:00:00Z")
    assert (result.code, "no room" in result.stderr) == (3, True)
    assert (result.out / "ClaimResponse.ndjson").read_bytes() == before


@pytest.mark.parametrize(("form", "said"), [("table", "BROKEN after 1 whole line:"), ("json", '"whole": false')])
def test_verify_tells_the_first_broken_line(command: Command, folder: Path, ledger: Path, form: str, said: str) -> None:
    command.sync()
    path = ledger.parent / "audit.ndjson"
    path.write_text(path.read_text().replace('"APPROVE"', '"DENY"'))
    result = command("audit", "verify", "--format", form)
    assert (result.code, said in result.stdout, "line 2" in result.stdout) == (3, True, True)


def test_verify_with_a_head_noted_elsewhere(command: Command, folder: Path) -> None:
    command.sync()
    head = json.loads(command("audit", "verify", "--format", "json").stdout)["head"]
    command.sync()
    assert command("audit", "verify", "--expect-head", head).code == 0
    assert command("audit", "verify", "--expect-head", f"99{head}").code == 3
    assert command("audit", "verify", "--expect-head", "nonsense").code == 2


def test_a_key_in_a_file(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "key"
    monkeypatch.setenv("ADAPTER_AUDIT_KEY_FILE", str(key))
    assert command.sync().code == 2
    key.write_text("fifteen letters")
    assert command.sync().code == 2
    key.write_text("sixteen letters!\n")
    assert command.sync().code == 0
    monkeypatch.delenv("ADAPTER_AUDIT_KEY_FILE")
    assert command("audit", "verify").code == 3
    monkeypatch.setenv("ADAPTER_AUDIT_KEY", "sixteen letters!")
    assert command("audit", "verify").code == 0
    monkeypatch.setenv("ADAPTER_AUDIT_KEY_FILE", str(key))
    result = command("check")
    assert (result.code, "set only one" in result.stderr) == (2, True)


# --- a server


@pytest.fixture
def server() -> FhirServer:
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT))
    return server


async def synced(
    server: FhirServer,
    ledger: Path,
    fault: Fault = nothing_is_wrong,
    *,
    dry_run: bool = False,
    audit: str | None = None,
) -> Report:
    settings = Settings(ledger=ledger, audit=audit)
    transport = Choking(server, fault)
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        with Ledger(ledger) as kept, opened_trail(settings, BASE, client, writes=not dry_run) as trail:
            await client.capabilities()
            adjudicator = shipped().only("r4")
            source = ServerSource(client, adjudicator.mappings.plan, 100, sorted(adjudicator.mappings.scope))
            now = datetime.now(UTC)
            sink = ServerSink(client, adjudicator.identifier_system, kept, now)
            reconciler = Reconciler(source, sink, adjudicator, now, dry_run, witness=trail)
            return await sync_server(reconciler, since=None, ids=(), tell=lambda *_: None)


def answers_of(server: FhirServer) -> list[str]:
    return sorted(f"ClaimResponse/{each['id']}/_history/1" for each in server.of("ClaimResponse"))


@pytest.mark.anyio
async def test_the_events_of_a_server_in_a_file(server: FhirServer, ledger: Path) -> None:
    await synced(server, ledger)
    found = events(ledger.parent / "audit.ndjson")
    assert kinds(found) == ["110120", "search", "search", "batch", *["create"] * 4, "110121"]
    assert references(found[3]) == [f"Claim/{SHORT}", f"Claim/{APPROVED}"]
    written = [references(each)[-1] for each in found[4:8]]
    assert sorted(each for each in written if each.startswith("ClaimResponse")) == answers_of(server)
    assert Counter(each.split("/")[0] for each in written) == {"ClaimResponse": 2, "Provenance": 2}
    assert all("policy" in details(each) and references(each)[0].startswith("Patient/") for each in found[4:8])
    assert server.of("AuditEvent") == []


@pytest.mark.anyio
async def test_a_second_run_reads_and_a_dry_run_announces_nothing(server: FhirServer, ledger: Path) -> None:
    await synced(server, ledger)
    before = len(events(ledger.parent / "audit.ndjson"))
    await synced(server, ledger)
    await synced(server, ledger, dry_run=True)
    again = kinds(events(ledger.parent / "audit.ndjson")[before:])
    assert again == ["110120", "search", "search", "batch", "110121", "110120", "search", "search", "110121"]


@pytest.mark.anyio
async def test_an_answer_that_was_refused_is_an_event_of_its_failure(server: FhirServer, ledger: Path) -> None:
    await synced(server, ledger, write_of(SHORT, "ClaimResponse", 500))
    failed = [each for each in events(ledger.parent / "audit.ndjson") if each["outcome"] != "0"]
    assert [(kinds([each]), details(each)["claim"]) for each in failed] == [(["update"], f"Claim/{SHORT}")]
    assert "meta" not in failed[0]


@pytest.mark.anyio
async def test_nothing_is_written_that_cannot_be_entered(
    server: FhirServer, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise AuditError("no room")

    monkeypatch.setattr(Trail, "writing", fails)
    with pytest.raises(AuditError):
        await synced(server, ledger)
    assert server.answers() == {}


# --- to the server


def owed(ledger: Path) -> int:
    with sqlite3.connect(ledger.parent / "audit-owed.sqlite") as db:
        count: int = db.execute("SELECT count(*) FROM owed").fetchone()[0]
    db.close()
    return count


@pytest.mark.anyio
@pytest.mark.parametrize("release", ["4.0.1", "5.0.0"])
async def test_events_go_to_the_server_after_the_answers(ledger: Path, release: str) -> None:
    server = FhirServer(release)
    server.put(*story(APPROVED), *story(SHORT))
    report = await synced(server, ledger, audit="server")
    assert report.complete
    assert len(server.of("AuditEvent")) == 8
    assert ("category" in server.of("AuditEvent")[0]) is (release == "5.0.0")
    assert owed(ledger) == 1  # that it ended, which the next run sends
    await synced(server, ledger, audit="server")
    assert len(server.of("AuditEvent")) == 8 + 1 + 4
    assert {count for name, count in server.writes.items() if name.startswith("AuditEvent")} == {1}


def events_answered(status: int) -> Fault:
    def fault(request: httpx.Request, said: str) -> httpx.Response | None:
        return httpx.Response(status) if '"AuditEvent/' in said and request.method == "POST" else None

    return fault


@pytest.mark.anyio
@pytest.mark.parametrize("status", [403, 500, 503])
async def test_what_the_server_does_not_take_is_told_and_sent_again(
    server: FhirServer, ledger: Path, status: int
) -> None:
    report = await synced(server, ledger, events_answered(status), audit="server")
    assert (report.complete, len(report.unanswered)) == (False, 2)
    assert "audit events" in report.unanswered[0].problem
    assert server.of("AuditEvent") == []
    assert (len(server.answers()), owed(ledger)) == (2, 9)
    assert (await synced(server, ledger, audit="server")).complete
    assert len(server.of("AuditEvent")) == 9 + 4
    assert {len(each) for each in server.answers().values()} == {1}


@pytest.mark.anyio
async def test_an_event_whose_reference_leads_nowhere_any_more_goes_without_links(
    server: FhirServer, ledger: Path
) -> None:
    def no_such(request: httpx.Request, said: str) -> httpx.Response | None:
        dangling = '"AuditEvent"' in said and f'"reference":"Claim/{SHORT}"' in said
        return httpx.Response(404) if dangling else None

    report = await synced(server, ledger, no_such, audit="server")
    assert report.complete
    assert len(server.of("AuditEvent")) == 8
    assert sum(f"Claim/{SHORT}" in json.dumps(each) for each in server.of("AuditEvent")) > 1
