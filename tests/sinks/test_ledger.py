"""The ledger: the same outcome twice is one, and a file that cannot be used is said so."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapter.answers.answer import Action
from adapter.errors import UsageError, WriteError
from adapter.sinks.ledger import Ledger

SERVER = "http://fhir.test/fhir"


def outcome(code: str = "structure", **more: Any) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}], **more}


@pytest.mark.parametrize(
    ("server", "claim", "second", "action", "kept"),
    [
        pytest.param(SERVER, "c1", outcome(), Action.UNCHANGED, 1, id="the same again"),
        pytest.param(SERVER, "c1", outcome(id="x", meta={"versionId": "2"}), Action.UNCHANGED, 1, id="another id"),
        pytest.param(SERVER, "c1", outcome("invalid"), Action.UPDATED, 1, id="another fault"),
        pytest.param(SERVER, "c2", outcome(), Action.CREATED, 2, id="another claim"),
        pytest.param("http://other.test", "c1", outcome(), Action.CREATED, 1, id="another server"),
    ],
)
def test_record(tmp_path: Path, server: str, claim: str, second: dict[str, Any], action: Action, kept: int) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.record(SERVER, "c1", outcome()) is Action.CREATED
        assert ledger.compare(server, claim, second) is action
        assert ledger.record(server, claim, second) is action
        assert len(ledger.outcomes(SERVER)) == kept
        assert ledger.record(server, claim, second) is Action.UNCHANGED


def test_comparing_records_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert [ledger.compare(SERVER, "c1", outcome()) for _ in range(2)] == [Action.CREATED, Action.CREATED]
        assert ledger.outcomes(SERVER) == []


def test_input_without_a_claim_is_told_apart_by_its_fault(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        first, other = outcome("structure"), outcome("invalid")
        actions = [ledger.record(SERVER, None, each) for each in (first, other, first)]
    assert actions == [Action.CREATED, Action.CREATED, Action.UNCHANGED]


def test_an_unchanged_outcome_keeps_its_instant(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    instants = []
    for day in (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)):
        with Ledger(path, clock=partial(datetime.fromtimestamp, day.timestamp(), UTC)) as ledger:
            ledger.record(SERVER, "c1", outcome())
            instants += ledger._db.execute("SELECT instant FROM outcome").fetchone()
    assert instants == ["2026-03-01T00:00:00+00:00"] * 2


def test_checkpoints_are_kept_per_server_and_query(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "ledger.db"
    with Ledger(path) as ledger:
        assert ledger.checkpoint(SERVER, "Claim") is None
        ledger.set_checkpoint(SERVER, "Claim", "2026-03-01T00:00:00Z")
        ledger.set_checkpoint(SERVER, "Claim", "2026-03-02T00:00:00Z")
        assert ledger.checkpoint(SERVER, "ClaimResponse") is None
    with Ledger(path) as ledger:
        assert ledger.checkpoint(SERVER, "Claim") == "2026-03-02T00:00:00Z"


def test_two_adapters_share_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as one, Ledger(path) as other:
        assert one.record(SERVER, "c1", outcome()) is Action.CREATED
        assert other.record(SERVER, "c1", outcome()) is Action.UNCHANGED


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and longer than the header of one would have to be" * 20)
    with pytest.raises(UsageError, match=r"notes\.txt cannot be opened: file is not a database"):
        Ledger(path)


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        Ledger(tmp_path)


def test_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be opened"):
        Ledger(tmp_path / "file" / "ledger.db")


def test_a_ledger_that_breaks_later_is_a_write_error(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.close()
    with pytest.raises(WriteError, match="could not be used"):
        ledger.record(SERVER, "c1", outcome())


# --- the copy of a dry run


def test_a_copy_reads_and_leaves_the_ledger_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.record(SERVER, "c1", outcome())
        ledger.set_checkpoint(SERVER, "Claim", "2026-01-01T00:00:00Z")
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with Ledger(path, copy=True) as copy:
        assert copy.compare(SERVER, "c1", outcome()) is Action.UNCHANGED
        assert copy.checkpoint(SERVER, "Claim") == "2026-01-01T00:00:00Z"
        copy.forget(SERVER, ["c1"])
        copy.record(SERVER, "c2", outcome())
        copy.set_checkpoint(SERVER, "Claim", "2027-01-01T00:00:00Z")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_a_copy_of_nothing_is_empty_and_makes_no_file(tmp_path: Path) -> None:
    with Ledger(tmp_path / "deep" / "ledger.db", copy=True) as copy:
        assert copy.outcomes(SERVER) == []
        assert copy.checkpoint(SERVER, "Claim") is None
    assert list(tmp_path.iterdir()) == []


def test_a_copy_may_be_taken_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.record(SERVER, "c1", outcome())
        with Ledger(path, copy=True) as copy:
            ledger.record(SERVER, "c2", outcome())
            assert len(copy.outcomes(SERVER)) == 1


def test_a_copy_of_what_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all, but long enough to be read as the head of one" * 20)
    with pytest.raises(UsageError, match="cannot be opened"):
        Ledger(path, copy=True)


def test_outcomes_of_some_claims(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        for claim in ("c1", "c2"):
            ledger.record(SERVER, claim, outcome(id=claim))
        assert ledger.outcomes_of(SERVER, ["c2", "c3"]) == {"c2": outcome(id="c2")}
        assert ledger.outcomes_of("http://other.test", ["c2"]) == {}
