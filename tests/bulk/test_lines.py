"""What comes over the wire, on the disk: whole lines, in parts, unpacked; what is cut short or no NDJSON is told."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from adapter.errors import SourceError
from adapter.limits import Limits
from adapter.sources.bulk.lines import Lines
from adapter.sources.bulk.unpacking import Unpacker
from adapter.sources.wire import CutShort

TWO = b'{"resourceType":"Claim","id":"a"}\n{"resourceType":"Claim","id":"b"}\n'


def written(folder: Path, content: bytes, promised: int | None = None, size: int = 10, **options: int) -> list[bytes]:
    lines = Lines(folder / "x", "Claim", "the file", **options)
    try:
        for start in range(0, len(content), size):
            lines.write(content[start : start + size])
        lines.end(promised)
    finally:
        lines.abandon()
    return [path.read_bytes() for path in sorted((folder / "x").iterdir())]


@pytest.mark.parametrize("size", [1, 7, 33, 34, 35, 1000])
def test_the_bytes_are_the_same_however_they_come(tmp_path: Path, size: int) -> None:
    assert written(tmp_path, TWO, size=size) == [TWO]


@pytest.mark.parametrize(
    ("part_bytes", "parts"),
    [pytest.param(40, 1, id="not before the end of a line is over"), pytest.param(39, 2, id="one byte less")],
)
def test_parts_end_with_a_line(tmp_path: Path, part_bytes: int, parts: int) -> None:
    found = written(tmp_path, TWO, part_bytes=part_bytes)
    assert b"".join(found) == TWO
    assert len(found) == parts
    assert all(each.endswith(b"\n") for each in found)


def test_a_line_longer_than_a_part_stays_whole(tmp_path: Path) -> None:
    assert written(tmp_path, TWO, part_bytes=5) == [line + b"\n" for line in TWO.splitlines()]


@pytest.mark.parametrize(
    ("content", "promised", "whole"),
    [
        pytest.param(TWO, 2, True, id="as many as promised"),
        pytest.param(TWO, 1, True, id="more than promised"),
        pytest.param(TWO, 3, False, id="fewer than promised"),
        pytest.param(TWO.rstrip(), 2, True, id="without an end of the last line"),
        pytest.param(TWO[:-2], None, False, id="the last line is cut"),
        pytest.param(b"", None, True, id="an empty file"),
        pytest.param(b"", 1, False, id="an empty file where one line was promised"),
    ],
)
def test_a_file_that_ends_too_early_is_told(
    tmp_path: Path, content: bytes, promised: int | None, *, whole: bool
) -> None:
    if whole:
        assert b"".join(written(tmp_path, content, promised)) == content
    else:
        with pytest.raises(CutShort):
            written(tmp_path, content, promised)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"<html>log in</html>", "is no NDJSON", id="a page"),
        pytest.param(b'[{"resourceType":"Claim"}]', "is no NDJSON", id="a list"),
        pytest.param(b'{"resourceType":"Binary","data":"e30="}', "wrapped in a Binary", id="a Binary"),
        pytest.param(b'\n {"resourceType":"Binary","data":"e30="}\n', "wrapped in a Binary", id="a Binary, indented"),
    ],
)
def test_what_is_no_ndjson_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        written(tmp_path, content)


def unpacked(content: bytes, encoding: str = "", size: int = 5) -> bytes:
    unpacker = Unpacker(encoding, Limits(), "the file")
    plain = b"".join(unpacker.feed(content[start : start + size]) for start in range(0, len(content), size))
    unpacker.end()
    return plain


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(TWO, "", id="plain"),
        pytest.param(TWO, "identity", id="plain, and said so"),
        pytest.param(gzip.compress(TWO), "gzip", id="gzip"),
        pytest.param(gzip.compress(TWO), "x-gzip", id="gzip by its old name"),
        pytest.param(gzip.compress(TWO), "", id="gzip that nobody told of"),
        pytest.param(gzip.compress(TWO[:40]) + gzip.compress(TWO[40:]), "gzip", id="one gzip after another"),
    ],
)
def test_gzip_is_unpacked(content: bytes, encoding: str) -> None:
    assert unpacked(content, encoding) == TWO


@pytest.mark.parametrize(
    ("content", "encoding", "error"),
    [
        pytest.param(gzip.compress(TWO)[:-1], "gzip", CutShort, id="cut by a byte"),
        pytest.param(gzip.compress(TWO)[:20], "gzip", CutShort, id="cut in the middle"),
        pytest.param(TWO, "gzip", SourceError, id="not gzip at all"),
        pytest.param(TWO, "br", SourceError, id="an encoding that was not asked for"),
        pytest.param(gzip.compress(b" " * 20_000_000), "gzip", SourceError, id="a bomb"),
    ],
)
def test_what_is_not_whole_or_not_honest_is_told(content: bytes, encoding: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        unpacked(content, encoding, size=4096)
