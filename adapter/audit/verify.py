"""Whether an audit file, with those that were put aside before it, is whole: every line follows the one before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapter.audit.chain import Chain, Head, read_link
from adapter.audit.file import aside, head_path, last_line
from adapter.audit.head import Ends, Unreadable, read_ends


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is, and the first thing that is wrong with it."""

    files: int
    lines: int
    head: Head
    fault: str = ""
    place: str = ""
    """File and line of the fault."""
    torn: int = 0
    """Bytes behind the last whole line: what a killed process had begun to write. The next event cuts them off."""

    @property
    def whole(self) -> bool:
        return not self.fault


class _Broken(Exception):
    """``place`` is where."""

    def __init__(self, fault: str, place: str) -> None:
        self.fault, self.place = fault, place


@dataclass
class _Walk:
    chain: Chain
    before: Head | None
    must: Head
    """A line that has to be there."""
    found: bool = False
    lines: int = 0
    torn: int = 0

    def through(self, path: Path) -> None:
        for number, line, is_whole in _lines(path):
            place = f"{path}, line {number}"
            if self.torn:
                raise _Broken("its file does not end with a whole line, and another follows", place)
            if not is_whole:
                self.torn = len(line)
                return
            if fault := self.chain.fault(line, self.before):
                raise _Broken(fault, place)
            link = read_link(line)
            assert link is not None  # noqa: S101 - a line without fault can be read
            self._meet(link.head, place)
            self.lines, self.before = self.lines + 1, link.head

    def _meet(self, head: Head, place: str) -> None:
        if head.number == self.must.number:
            if head.hash != self.must.hash:
                raise _Broken("another line stands where the head was: the chain was written anew", place)
            self.found = True


def verify(path: Path, chain: Chain, expected: Head | None = None) -> Verdict:
    """The whole chain of a path: what was put aside, then the file itself, held against the file of its ends.

    Args:
        expected: a head noted elsewhere; the chain must have that line.
    """
    files = [each for each in (*aside(path), path) if each.exists()]
    try:
        ends = _ends(path, chain)
    except Unreadable:
        return Verdict(len(files), 0, Head(), "it was changed, or another key made it", str(head_path(path)))
    if ends is None:
        fault = "the file of its ends is missing, so that nobody knows where it ended" if files else "there is no audit"
        return Verdict(len(files), 0, Head(), fault, str(head_path(path)))
    files = [each for each in files if not _is_gone(each, ends.base)]
    must = max(ends.head, expected or Head(), key=lambda head: head.number)
    verdict = _walked(files, _Walk(chain, ends.base, must, found=must.number <= ends.base.number))
    if verdict.whole and expected is not None and must is not expected and not _has(files, expected, ends):
        return Verdict(verdict.files, verdict.lines, verdict.head, f"line {expected.number} is not the one expected")
    return verdict


def verify_files(files: Sequence[Path], chain: Chain, expected: Head | None = None) -> Verdict:
    """Files in the order given, whatever came before them: copies, or such as were put aside."""
    return _walked(files, _Walk(chain, None, expected or Head(), found=expected is None))


def _walked(files: Sequence[Path], walk: _Walk) -> Verdict:
    try:
        for each in files:
            walk.through(each)
        if not walk.found:
            place = str(files[-1]) if files else "no file"
            raise _Broken(f"it ends before line {walk.must.number}, which was there: lines were removed", place)
    except _Broken as broken:
        return Verdict(len(files), walk.lines, walk.before or Head(), broken.fault, broken.place)
    return Verdict(len(files), walk.lines, walk.before or Head(), torn=walk.torn)


def _has(files: Sequence[Path], expected: Head, ends: Ends) -> bool:
    """Whether an earlier line is the one expected; of one that is no longer kept nobody can tell."""
    if expected.number <= ends.base.number:
        return expected.number < ends.base.number or expected == ends.base
    links = (read_link(line) for path in files for _, line, is_whole in _lines(path) if is_whole)
    return any(link is not None and link.head == expected for link in links)


def _is_gone(path: Path, base: Head) -> bool:
    """Whether a file was to be removed, and only its process was killed before."""
    link = read_link(last_line(path) or b"")
    return link is not None and link.number <= base.number


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Number, content and whether it has an end, of each line."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            yield number, line.rstrip(b"\n") if line.endswith(b"\n") else line, line.endswith(b"\n")


def _ends(path: Path, chain: Chain) -> Ends | None:
    try:
        handle = os.open(head_path(path), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return read_ends(handle, chain)
    finally:
        os.close(handle)
