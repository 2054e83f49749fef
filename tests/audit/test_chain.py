"""What is done to an audit file behind our back is found, by the first line that is not as it was."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import orjson
import pytest
from audit.events import KEY, Audit

from adapter.audit.chain import Chain, Head, read_link
from adapter.audit.file import aside, head_path
from adapter.audit.verify import verify, verify_files
from adapter.errors import AuditError

Lines = list[bytes]


@pytest.fixture(params=[None, KEY], ids=["plain", "keyed"])
def audit(request: pytest.FixtureRequest, tmp_path: Path) -> Audit:
    """Five lines, in groups of two, one and two."""
    audit = Audit(tmp_path / "audit.ndjson", request.param)
    for group in ((1, 2), (3,), (4, 5)):
        audit.add(*group)
    return audit


def test_events_are_on_the_disk_when_the_call_returns(audit: Audit, quick_disk: list[int]) -> None:
    before = len(quick_disk)
    audit.add(6)
    assert len(quick_disk) == before + 1


def test_what_we_wrote_is_whole(audit: Audit) -> None:
    verdict = audit.verdict()
    assert (verdict.whole, verdict.files, verdict.lines, verdict.head.number, verdict.torn) == (True, 1, 5, 5, 0)
    assert [orjson.loads(line)["id"] for line in audit.lines()] == ["1", "2", "3", "4", "5"]


def changed(lines: Lines, at: int) -> Lines:
    """One byte of the event, which stays JSON."""
    return [
        each.replace(b'"recorded":"2026-01', b'"recorded":"2026-02') if n == at else each
        for n, each in enumerate(lines)
    ]


TAMPERED: list[tuple[str, Callable[[Lines], Lines], str, str]] = [
    ("a byte of the first line", lambda x: changed(x, 0), "line 1", "does not have its hash"),
    ("a byte in the middle", lambda x: changed(x, 2), "line 3", "does not have its hash"),
    ("a byte of the last line", lambda x: changed(x, 4), "line 5", "does not have its hash"),
    ("a line removed", lambda x: [*x[:2], *x[3:]], "line 3", "number 4, where 3"),
    ("the first line removed", lambda x: x[1:], "line 1", "number 2, where 1"),
    ("two lines swapped", lambda x: [x[0], x[2], x[1], *x[3:]], "line 2", "number 3, where 2"),
    ("a line twice", lambda x: [*x[:2], x[1], *x[2:]], "line 3", "number 2, where 3"),
    ("a foreign line", lambda x: [*x[:2], b'{"resourceType":"AuditEvent"}\n', *x[2:]], "line 3", "no line of an audit"),
    ("an empty line", lambda x: [*x[:2], b"\n", *x[2:]], "line 3", "no line of an audit"),
    ("a number changed", lambda x: [x[0].replace(b'Integer":1}', b'Integer":7}'), *x[1:]], "line 1", "number 7"),
    ("the end removed", lambda x: x[:3], "audit.ndjson", "ends before line 5"),
    ("all removed", lambda _: [], "audit.ndjson", "ends before line 5"),
    ("the end torn off", lambda x: [*x[:4], x[4][:20]], "audit.ndjson", "ends before line 5"),
]


@pytest.mark.parametrize(
    ("tamper", "place", "fault"), [each[1:] for each in TAMPERED], ids=[each[0] for each in TAMPERED]
)
def test_tampering_is_found(audit: Audit, tamper: Callable[[Lines], Lines], place: str, fault: str) -> None:
    audit.write(tamper(audit.lines()))
    verdict = audit.verdict()
    assert not verdict.whole
    assert (place in verdict.place, fault in verdict.fault) == (True, True), (verdict.place, verdict.fault)


@pytest.mark.parametrize("key", [None, b"another key, as long as ours"], ids=["none", "another"])
def test_another_key_does_not_verify_nor_add(tmp_path: Path, key: bytes | None) -> None:
    audit = Audit(tmp_path / "audit.ndjson", KEY)
    audit.add(1)
    other = Audit(audit.path, key)
    assert "another key" in other.verdict().fault
    assert "another key" in verify_files([audit.path], Chain(key)).fault
    with pytest.raises(AuditError, match="another key"):
        other.add(2)
    assert audit.verdict().lines == 1


def forged(audit: Audit, numbers: tuple[int, ...]) -> None:
    """The file and the file of its ends, written anew by somebody who has no key."""
    audit.path.unlink()
    head_path(audit.path).unlink()
    Audit(audit.path).add(*numbers)


def test_who_has_write_access_can_write_all_anew_unless_there_is_a_key(audit: Audit) -> None:
    """Without a key only a head that was noted elsewhere tells."""
    head = audit.verdict().head
    forged(audit, (1, 2, 9, 4, 5))
    assert audit.verdict().whole is (audit.key is None)
    assert not audit.verdict(head).whole


@pytest.mark.parametrize(("number", "whole"), [(3, True), (5, True), (6, False)], ids=["earlier", "the last", "beyond"])
def test_a_head_noted_elsewhere(audit: Audit, number: int, whole: bool) -> None:
    line = audit.lines()[min(number, 5) - 1].rstrip()
    link = read_link(line)
    assert link is not None
    assert audit.verdict(Head(number, link.hash)).whole is whole
    assert not audit.verdict(Head(number, "f" * 64)).whole


def test_both_files_put_back_are_only_told_by_a_head_noted_elsewhere(audit: Audit) -> None:
    before = audit.path.read_bytes(), head_path(audit.path).read_bytes()
    audit.add(6)
    head = audit.verdict().head
    audit.path.write_bytes(before[0])
    head_path(audit.path).write_bytes(before[1])
    assert audit.verdict().whole
    assert not audit.verdict(head).whole


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param(lambda audit: head_path(audit.path).unlink(), "is missing", id="no file of the ends"),
        pytest.param(lambda audit: head_path(audit.path).write_bytes(b"{}"), "was changed", id="ends overwritten"),
        pytest.param(lambda audit: audit.path.unlink(), "lines were removed", id="no audit file"),
        pytest.param(lambda audit: audit.write(audit.lines()[:-1]), "lines were removed", id="last line gone"),
        pytest.param(lambda audit: audit.write(changed(audit.lines(), 4)), "hash", id="last line changed"),
    ],
)
def test_nothing_is_added_to_a_file_that_is_not_as_it_was_left(
    audit: Audit, harm: Callable[[Audit], object], said: str
) -> None:
    harm(audit)
    with pytest.raises(AuditError, match=said) as raised:
        audit.add(6)
    assert raised.value.exit_code == 3
    assert not audit.verdict().whole


@pytest.mark.parametrize("cut", [1, 50, -1], ids=["a byte", "some", "all but the end"])
def test_a_line_torn_by_a_killed_process_is_cut_off_and_told(audit: Audit, cut: int) -> None:
    line = audit.lines()[-1].rstrip()[:cut]
    with audit.path.open("ab") as file:
        file.write(line)
    verdict = audit.verdict()
    assert (verdict.whole, verdict.torn) == (True, len(line))
    audit.add(6)
    told = orjson.loads(audit.lines()[5])
    assert (told["torn"], told["hash"]) == (len(line), Chain(audit.key).digest(line))
    assert (audit.verdict().whole, audit.verdict().lines) == (True, 7)


def test_a_head_that_is_behind_is_caught_up(audit: Audit) -> None:
    """Killed between the lines and the file of the ends."""
    ends = head_path(audit.path).read_bytes()
    audit.add(6)
    head_path(audit.path).write_bytes(ends)
    assert audit.verdict().whole
    audit.add(7)
    assert (audit.verdict().whole, audit.verdict().lines) == (True, 7)


def test_a_group_that_does_not_fit_leaves_nothing(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    before, write = audit.path.read_bytes(), os.write

    def half(handle: int, data: bytes) -> int:
        if len(data) < 500:
            raise OSError(28, "No space left on device")
        return write(handle, bytes(data)[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(AuditError, match="No space left"):
            audit.add(6)
    assert audit.path.read_bytes() == before
    audit.add(6)
    assert (audit.verdict().whole, audit.verdict().lines) == (True, 6)


def test_a_large_file_is_put_aside_and_the_chain_goes_on(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.ndjson", KEY, most_bytes=1000)
    for number in range(1, 8):
        audit.add(number)
    files = aside(audit.path)
    assert [each.name for each in files] == ["audit-000000000003.ndjson", "audit-000000000006.ndjson"]
    verdict = audit.verdict()
    assert (verdict.whole, verdict.files, verdict.lines) == (True, 3, 7)
    assert verify_files([*files, audit.path], Chain(KEY)).whole
    assert verify_files(files[1:], Chain(KEY)).whole
    assert "number 4, where 8" in verify_files([audit.path, files[1]], Chain(KEY)).fault
    files[0].unlink()
    assert "where 1 should stand" in audit.verdict().fault


def test_killed_between_putting_aside_and_the_next_line(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.ndjson")
    audit.add(1, 2)
    audit.path.rename(tmp_path / "audit-000000000002.ndjson")
    assert audit.verdict().whole
    audit.add(3)
    assert (audit.verdict().whole, audit.verdict().lines) == (True, 3)


def _adds(path: Path, first: int) -> None:
    signal.alarm(30)
    file = Audit(path, most_bytes=5_000).opened()
    for number in range(first, first + 20):
        file.append([f'{{"id":"{number}"}}'.encode()])


def test_several_processes_add_to_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    context = get_context("fork")
    adding = [context.Process(target=_adds, args=(path, first)) for first in (0, 100, 200)]
    for each in adding:
        each.start()
    for each in adding:
        each.join()
    verdict = verify(path, Chain())
    assert ([each.exitcode for each in adding], verdict.whole, verdict.lines) == ([0, 0, 0], True, 60)
    assert verdict.files > 1
