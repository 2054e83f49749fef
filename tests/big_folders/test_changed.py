"""Files that somebody writes while a run reads them: nothing is answered from them, and no claim is lost silently."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import NOW, shipped
from big_folders.test_portions import claim_of, renamed, resources
from big_folders.ways import AT_ONCE, ndjson

from adapter.answers.answer import Answer
from adapter.errors import SourceError
from adapter.sources.folder import scan, unchanged
from adapter.sources.folder.index import Due, Unit
from adapter.sources.folder.portions import Portions
from adapter.sources.reader import FileReader
from adapter.sync.files import Keep, Order, Way, sync_files
from adapter.sync.work import Done, Work

ONE_BY_ONE = Way(portion=1)
OLD = b"what an earlier run wrote"


def run(source: Path, way: Way = ONE_BY_ONE, keep: Keep | None = None) -> None:
    sync_files(Order(source, source.parent / "out", datetime.fromisoformat(NOW)), shipped(), lambda *_: None, way, keep)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three claims of as many patients in one file; in OUT stand the answers of an earlier run."""
    one = resources()
    kinds = {each["resourceType"] for each in one}
    ndjson(tmp_path / "in" / "all.ndjson", [*one, *renamed(one, "-b", *kinds), *renamed(one, "-c", *kinds)])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ClaimResponse.ndjson").write_bytes(OLD)
    return tmp_path / "in"


def in_place(path: Path, old: bytes, new: bytes) -> None:
    """Write over a part of a file, as long as it was, and set its time back as a copy does."""
    before, content = path.stat(), path.read_bytes()
    assert old in content
    assert len(old) == len(new)
    with path.open("r+b") as file:
        file.write(content.replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def at_reading(monkeypatch: pytest.MonkeyPatch, number: int, do: Callable[[], None]) -> None:
    """Do something after so many places were read for portions."""
    read, turns = Portions.read, count(1)

    def reading(portions: Portions, unit: Unit) -> Any:
        found = read(portions, unit)
        if next(turns) == number:
            do()
        return found

    monkeypatch.setattr(Portions, "read", reading)


def refused(source: Path, name: str, way: Way = ONE_BY_ONE, keep: Keep | None = None) -> None:
    """The run ends by itself with one line, and what was there stands as it was."""
    with pytest.raises(SourceError) as told:
        run(source, way, keep)
    assert str(told.value) == f"{name} changed while it was read. run it again when nothing writes to the folder"
    assert told.value.exit_code == 4
    out = source.parent / "out"
    assert {each.name: each.read_bytes() for each in out.iterdir()} == {"ClaimResponse.ndjson": OLD}


def other_claim(source: Path) -> None:
    """The first claim gets another id of the same length, so that nothing else moves."""
    claim = claim_of(resources()).encode()
    in_place(source / "all.ndjson", b'"id": "%s"' % claim, b'"id": "%s"' % (b"z" * len(claim)))


@pytest.mark.parametrize("way", [ONE_BY_ONE, AT_ONCE], ids=["one by one", "at once"])
@pytest.mark.parametrize("number", [1, 20])
def test_written_in_place_while_portions_are_read(
    source: Path, monkeypatch: pytest.MonkeyPatch, number: int, way: Way
) -> None:
    at_reading(monkeypatch, number, lambda: other_claim(source))
    refused(source, "all.ndjson", way)


def test_evidence_that_changes_under_a_claim(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every claim is there, and what it is decided from is half old and half new."""
    at_reading(monkeypatch, 1, lambda: in_place(source / "all.ndjson", b'"finished"', b'"planned" '))
    answered: list[Answer] = []
    refused(source, "all.ndjson", AT_ONCE, answered.extend)
    assert answered == []


def test_a_claim_that_is_gone_is_never_left_out(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the system tells of no change."""
    monkeypatch.setattr(unchanged, "state_of", lambda _: "as ever")
    monkeypatch.setattr(scan, "state_of", lambda _: "as ever")
    at_reading(monkeypatch, 1, lambda: other_claim(source))
    refused(source, "all.ndjson")


def test_what_is_no_resource_any_more(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = source / "all.ndjson"
    size = path.stat().st_size
    lines = path.read_bytes().splitlines(keepends=True)
    numbers = b"".join(b"[" + b" " * (len(each) - 3) + b"]\n" for each in lines)
    assert len(numbers) == size
    at_reading(monkeypatch, 1, lambda: in_place(path, path.read_bytes(), numbers))
    refused(source, "all.ndjson")


def test_after_the_last_portion(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = Work.decide

    def deciding(work: Work, due: Sequence[Due]) -> Done:
        done = decide(work, due)
        other_claim(source)
        return done

    monkeypatch.setattr(Work, "decide", deciding)
    refused(source, "all.ndjson", AT_ONCE)


@pytest.mark.parametrize("name", ["more.ndjson", "more.ndjson.gz", "more.json"])
def test_while_it_is_scanned(source: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also where nothing is read from it later: it may have held a claim."""
    path, content = source / name, b'{"resourceType": "AuditEvent", "id": "1"}\n'
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    name_of = "content" if name.endswith(".json") else "lines"
    read = getattr(FileReader, name_of)

    def reading(reader: FileReader, *arguments: Any) -> Any:
        found = read(reader, *arguments)
        if reader.path == path:
            with path.open("ab") as file:
                file.write(b"\n")
        return found

    monkeypatch.setattr(FileReader, name_of, reading)
    refused(source, name)


def test_what_is_not_read_again_may_change(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that grows beside the claims ends no run."""
    log = source / "audit.ndjson"
    ndjson(log, [{"resourceType": "AuditEvent", "id": "1"}])
    at_reading(monkeypatch, 1, lambda: ndjson(log, [{"resourceType": "AuditEvent", "id": "2"}]))
    run(source)
    assert len((source.parent / "out" / "ClaimResponse.ndjson").read_bytes().splitlines()) == 3
