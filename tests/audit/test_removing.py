"""`purge` and `audit verify` believe nothing that the chain does not prove, and touch no other audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from audit.events import KEY, Audit, event
from command_line import Command, command, folder

from adapter.audit.chain import Chain, Head
from adapter.audit.file import aside, head_path
from adapter.audit.purging import purge_audit
from adapter.audit.verify import Snapshot, in_snapshot
from adapter.errors import AuditError
from adapter.purged import Purged

__all__ = ["command", "folder"]
CUT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(params=[None, KEY], ids=["plain", "keyed"])
def audit(request: pytest.FixtureRequest, tmp_path: Path) -> Audit:
    """Four files put aside, of which three are old, and the live one."""
    audit = Audit(tmp_path / "audit[prod].ndjson", request.param, most_bytes=400)
    for number, day in enumerate(("01-01", "01-02", "02-28", "03-01", "03-02"), start=1):
        audit.opened().append([event(number, f"2026-{day}T00:00:00.000+00:00")])
    return audit


def purged(audit: Audit, *, dry_run: bool = False) -> Purged:
    return purge_audit(audit.opened(), CUT, lambda _files, _last: event(99), dry_run=dry_run)


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new)


TAMPERED = [
    pytest.param(0, replaced(b'"1"', b'"9"'), "line 1: its content", id="the first file changed"),
    pytest.param(2, replaced(b"2026-02-28", b"2026-02-27"), "line 1: its content", id="the last that would go changed"),
    pytest.param(3, replaced(b"2026-03-01", b"2026-01-01"), "line 1: its content", id="one that is made older"),
    pytest.param(1, lambda _: b"", "nobody put it aside", id="one emptied"),
    pytest.param(1, lambda _: b"{}\n", "no line of an audit chain", id="one that is none of ours"),
    pytest.param(0, lambda data: data + b"torn", "does not end with a whole line", id="one torn"),
]


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry", "real"])
@pytest.mark.parametrize(("at", "tamper", "said"), TAMPERED)
def test_a_tampered_audit_is_not_purged(
    audit: Audit, at: int, tamper: Callable[[bytes], bytes], said: str, dry_run: bool
) -> None:
    file = aside(audit.path)[at]
    file.write_bytes(tamper(file.read_bytes()))
    before = {each: each.read_bytes() for each in audit.path.parent.iterdir()}
    with pytest.raises(AuditError, match="is broken, so nothing is removed of it") as raised:
        purged(audit, dry_run=dry_run)
    assert (raised.value.exit_code, said in str(raised.value)) == (3, True), raised.value
    assert {each: each.read_bytes() for each in audit.path.parent.iterdir()} == before


def test_a_file_missing_between_is_no_reason_to_forget_it(audit: Audit) -> None:
    aside(audit.path)[1].unlink()
    with pytest.raises(AuditError, match="number 3, where 2 should stand"):
        purged(audit)
    assert len(aside(audit.path)) == 3


@pytest.mark.parametrize("name", ["audit[prod]-2026.ndjson", "auditp-000000000001.ndjson", "audit[prod]-1.ndjson"])
def test_the_file_of_another_audit_is_not_ours(audit: Audit, name: str) -> None:
    other = audit.path.with_name(name)
    other.write_bytes(aside(audit.path)[0].read_bytes())
    assert (audit.verdict().whole, purged(audit).removed, other.exists()) == (True, 3, True)
    assert (audit.verdict().whole, len(aside(audit.path))) == (True, 2)


def test_a_file_of_another_number_than_its_name_is_not_removed(audit: Audit) -> None:
    first = aside(audit.path)[0]
    first.rename(first.with_name("audit[prod]-000000000000.ndjson"))
    with pytest.raises(AuditError, match="its name is not the number of its last line"):
        purged(audit)


def test_another_purge_meanwhile_keeps_the_later_beginning(audit: Audit) -> None:
    late = audit.opened()
    assert purged(audit).removed == 3
    late.forget([], Head(1, "0" * 64), event(100))
    assert audit.verdict().whole


def test_verify_sees_one_moment_while_others_write(audit: Audit) -> None:
    """Between the list of files and their reading, lines are added, files put aside, and old ones removed."""
    looks = []

    def look(snapshot: Snapshot) -> int:
        looks.append(snapshot.files)
        if len(looks) == 1:
            audit.add(6)
            audit.add(7)
            purged(audit)
        data = [each.read_bytes() for each in snapshot.aside]
        assert snapshot.live is not None
        return b"".join([*data, snapshot.live.read(snapshot.size)]).count(b"\n")

    assert in_snapshot(audit.path, Chain(audit.key), look) == 5
    assert looks == [5, 5]


def test_a_head_of_another_chain_has_its_place(audit: Audit) -> None:
    verdict = audit.verdict(Head(3, "f" * 64))
    assert (verdict.whole, "000000000003.ndjson, line 1" in verdict.place) == (False, True), verdict
    purged(audit)
    verdict = audit.verdict(Head(3, "f" * 64))
    assert (verdict.whole, verdict.place) == (False, str(head_path(audit.path)))


@pytest.mark.parametrize("kind", ["folder", "device"])
def test_what_is_no_file_is_refused_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "audit.ndjson"
    path.mkdir() if kind == "folder" else path.symlink_to("/dev/null")
    with pytest.raises(AuditError, match="is no regular file"):
        Audit(path).add(1)
    assert [each.name for each in tmp_path.iterdir()] == ["audit.ndjson"]


def test_purge_refuses_a_malformed_database(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_DATABASE_URL", "postgresql://me:s3cr/et@db:port/x")
    for arguments in (("purge", "--before", "2026-01-01"), ("check", "--settings"), ("check",)):
        done = command(*arguments)
        assert (done.code, "ADAPTER_DATABASE_URL is malformed" in done.stderr, "s3cr" in done.stderr) == (
            2,
            True,
            False,
        )


def test_numbers_agree_with_their_nouns(command: Command, folder: Path) -> None:
    command.sync()
    assert " in 1 file; head " in command("audit", "verify").stdout
