"""``purge`` removes what is older and finished, and nothing that is owed; afterwards a run does what it would have."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from audit.events import Audit, event
from command_line import Command, command

from adapter.audit.chain import Chain, Head
from adapter.audit.file import aside
from adapter.audit.purging import purge_audit
from adapter.durable import pauses
from adapter.durable.database import database_url
from adapter.receiver.work import worker as worker_module
from adapter.receiver.work.inbox import Inbox
from adapter.receiver.work.worker import Worker
from adapter.runs.board import Board
from adapter.runs.model import Basis, Item, Look, Plan, Reached
from adapter.runs.purging import removable
from adapter.sinks.ledger import Ledger
from adapter.sources.bulk.folder import opened

__all__ = ["command"]
Json = dict[str, Any]
DAY = timedelta(days=1)
CUT = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = "2026-03-01"
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"code": "MARKER-IN-THE-LEDGER"}]}


@pytest.fixture
def state(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path / "state" / "ledger.sqlite"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "state"


def purged(command: Command, *options: str, before: str = BEFORE) -> dict[str, tuple[int, int]]:
    result = command("purge", "--before", before, "--format", "json", *options)
    assert result.code == 0, result.stderr
    return {each["store"]: (each["removed"], each["kept"]) for each in json.loads(result.stdout)["stores"]}


def test_where_nothing_is_kept_there_is_nothing_to_do(command: Command, state: Path) -> None:
    assert set(purged(command).values()) == {(0, 0)}
    assert not state.exists()


@pytest.mark.parametrize(("date", "said"), [("soon", "is no date"), ("2999-01-01", "still to come")])
def test_a_date_that_is_none_or_still_to_come(command: Command, state: Path, date: str, said: str) -> None:
    result = command("purge", "--before", date)
    assert (result.code, said in result.stderr) == (2, True)


# --- the ledger


def test_outcomes_of_the_ledger(command: Command, state: Path) -> None:
    path = state / "ledger.sqlite"
    instants = [CUT - timedelta(microseconds=1), CUT, CUT + DAY]
    for number, instant in enumerate(instants):
        with Ledger(path, clock=lambda at=instant: at) as ledger:  # type: ignore[misc] # a default of a lambda
            ledger.record("https://fhir.test", f"c{number}", OUTCOME | {"id": f"old{number}-marker"})
            ledger.set_checkpoint("https://fhir.test", "Claim", "2020-01-01T00:00:00Z")
    assert purged(command, "--dry-run")["OperationOutcomes in the ledger"] == (1, 2)
    assert purged(command)["OperationOutcomes in the ledger"] == (1, 2)
    assert purged(command)["OperationOutcomes in the ledger"] == (0, 2)
    with Ledger(path) as ledger:
        assert sorted(ledger.outcomes_of("https://fhir.test", ["c0", "c1", "c2"])) == ["c1", "c2"]
        assert ledger.checkpoint("https://fhir.test", "Claim") == "2020-01-01T00:00:00Z"
        assert ledger.record("https://fhir.test", "c1", OUTCOME | {"id": "again"}).value == "unchanged"
    bytes_left = b"".join(each.read_bytes() for each in state.glob("ledger.sqlite*"))
    assert (b"old0-marker" in bytes_left, b"old1-marker" in bytes_left) == (False, True)


# --- notifications and runs


@pytest.fixture
def inbox(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """A database in which one group was worked off, one claim given up, and one group waits; nobody works any more."""
    monkeypatch.setattr(worker_module, "MOST_ATTEMPTS", 1)
    monkeypatch.setattr(pauses, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(worker_module, "GRACE_SECONDS", 0)
    monkeypatch.setattr(Inbox, "remove_finished", lambda _self: None)
    url = database_url(None, state)
    with Inbox(url) as inbox:
        worker = Worker(url, inbox, _fails_of_bad, lambda _heard: None, "local")
        worker.start()
        inbox.put(["Claim/good", "Claim/bad"])
        end = time.monotonic() + 60
        while not inbox.failures():
            assert time.monotonic() < end, "nothing was given up"
            time.sleep(0.05)
        worker.stop()
        inbox.put(["Claim/waits"])
        yield inbox


def _fails_of_bad(hints: Sequence[str]) -> dict[str, str]:
    return {each: "the server answered 500" for each in hints if each == "Claim/bad"}


def dated(state: Path, instant: datetime) -> None:
    """Every row is of this instant."""
    stamp = round(instant.timestamp() * 1000)
    with closing(sqlite3.connect(state / "notifications.sqlite", timeout=10)) as db, db:
        db.execute("UPDATE workflow_status SET created_at = ?, updated_at = ?", (stamp, stamp))
        db.execute("UPDATE workflow_status SET completed_at = ? WHERE completed_at IS NOT NULL", (stamp,))


def a_run(server: str, reaches: str | None) -> Plan:
    basis = Basis("p", "m", "s")
    return Plan(
        server, None, None, None, "2026-01-01T00:00:00Z", basis, (), reaches=Reached(reaches) if reaches else None
    )


def test_the_database(command: Command, inbox: Inbox, state: Path) -> None:
    """One database, for it takes seconds to make: both sides of the date, what waits, failures, and runs."""
    url = database_url(None, state)
    with Board(url) as board:
        over, going = board.begin(a_run("https://a.test", None)), board.begin(a_run("https://b.test", None))
        board.put([Item(each, 1, Look.WINDOW, "https://a.test", "2026-01-01T00:00:00Z") for each in (over, going)], "x")
        board.cancel(over)
        dated(state, CUT)
        assert purged(command, "--failures")["notifications"][0] == 0
        dated(state, CUT - timedelta(milliseconds=1))
        found = purged(command, "--dry-run", "--failures")
        assert (found["notifications"], found["failures"]) == ((1, 1), (1, 0))
        assert purged(command, "--dry-run") == {**found, "failures": (0, 1)}
        assert purged(command)["failures"] == (0, 1)
        assert [each.hint for each in inbox.failures()] == ["Claim/bad"]
        assert purged(command, "--failures")["failures"] == (1, 0)
        assert (inbox.failures(), [each.hints for each in inbox.waiting().values()]) == ([], [["Claim/waits"]])
        assert (found["items of runs"], found["runs"]) == ((1, 1), (0, 2))
        assert (board.items(over), len(board.items(going))) == ([], 1)
    left = b"".join(each.read_bytes() for each in state.glob("notifications.sqlite*"))
    assert (b"Claim/good" in left, b"Claim/bad" in left, b"Claim/waits" in left) == (False, False, True)


def state_of(name: str, server: str, begun: int, ended: int | None, *, reaches: bool) -> Any:
    from adapter.runs.model import RunState, State

    totals: Json = {"no_answer": [], "unread": [], "given_up": []}
    plan = a_run(server, "2026-01-01T00:00:00Z" if reaches else None)
    return RunState(name, plan, State.RUNNING if ended is None else State.DONE, begun, ended, totals)


def test_how_far_a_server_was_read_rests_on_the_last_complete_run_and_what_ended_since() -> None:
    runs = [
        state_of("long ago", "a", 1, 2, reaches=True),
        state_of("ended when the last began", "a", 3, 5, reaches=True),
        state_of("last", "a", 5, 6, reaches=True),
        state_of("ended after", "a", 4, 7, reaches=False),
        state_of("going on", "a", 8, None, reaches=False),
        state_of("of another server", "b", 1, 2, reaches=False),
    ]
    ended = [each for each in runs if each.ended]
    assert [each.id for each in removable(runs, ended)] == ["long ago"]


# --- folders


def test_exports_and_what_killed_runs_left(command: Command, state: Path, tmp_path: Path) -> None:
    for name in ("old", "new", "at work"):
        with opened(state / "bulk", name) as export:
            (export.path / "output").mkdir()
    (tmp_path / "adapter-left").mkdir()
    (tmp_path / "adapter-left" / "index.sqlite").touch()
    (tmp_path / "adapter-other").mkdir()
    (tmp_path / "adapter-other" / "report.docx").touch()
    spool = tmp_path / "adapter-out" / f".adapter-999999999@{os.uname().nodename}-x"
    spool.mkdir(parents=True)
    with opened(state / "bulk", "new") as new, opened(state / "bulk", "at work") as at_work:
        for each in [*tmp_path.rglob("*"), at_work.path]:
            if new.path not in (each, *each.parents):
                os.utime(each, (CUT.timestamp() - 1, CUT.timestamp() - 1))
    with opened(state / "bulk", "at work") as at_work:
        os.utime(at_work.path / "lock", (CUT.timestamp() - 1, CUT.timestamp() - 1))
        assert purged(command, "--dry-run")["bulk exports"] == (1, 2)
        found = purged(command)
    assert (found["bulk exports"], found["folders that killed runs left"]) == ((1, 2), (2, 0))
    assert (tmp_path / "adapter-other").is_dir()
    assert not spool.exists()


# --- the audit


def test_whole_audit_files_and_the_chain_stays_whole(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.ndjson", most_bytes=400)
    for number, recorded in enumerate(("2026-01-01", "2026-01-02", "2026-02-28", "2026-03-01", "2026-03-02"), start=1):
        audit.opened().append([event(number, f"{recorded}T00:00:00.000+00:00")])
    assert len(aside(audit.path)) == 4
    told: list[tuple[int, Head]] = []

    def tell(files: int, last: Head) -> bytes:
        told.append((files, last))
        return event(99)

    for dry_run, removed, left in ((True, 3, 4), (False, 3, 2)):
        found = purge_audit(audit.opened(), CUT, tell, dry_run=dry_run)
        assert found.removed == removed
        assert len(aside(audit.path)) == left, dry_run
    assert (told[0][0], told[0][1].number) == (3, 3)
    assert (audit.verdict().whole, audit.verdict().lines) == (True, 3)
    audit.add(6)
    assert audit.verdict().whole
    aside(audit.path)[0].unlink()
    assert not audit.verdict().whole


def test_files_that_should_be_gone_do_not_break_the_chain(tmp_path: Path) -> None:
    """Killed between noting where the chain begins and removing the files."""
    audit = Audit(tmp_path / "audit.ndjson", most_bytes=100)
    audit.add(1)
    audit.add(2)
    content = aside(audit.path)[:1] or [audit.path]
    first = content[0].read_bytes()
    audit.add(3)
    oldest = aside(audit.path)[0]
    purge_audit(audit.opened(), CUT, lambda *_: event(99), dry_run=False)
    oldest.write_bytes(first)
    assert audit.verdict().whole
    assert Chain().fault(first.rstrip(b"\n"), None) is None
