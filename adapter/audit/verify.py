"""Whether an audit file, with those that were put aside before it, is whole: every line follows the one before."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from adapter.audit.chain import Chain, Head, read_link
from adapter.audit.file import aside, head_path, last_line, reading
from adapter.audit.head import Ends, Unreadable, read_ends

T = TypeVar("T")
ALL = -1
"""Read a file to its end, however long."""


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


class Broken(Exception):
    """``place`` is where."""

    def __init__(self, fault: str, place: str) -> None:
        self.fault, self.place = fault, place


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What belonged together at one moment, however much is written and put aside while it is read."""

    path: Path
    ends: Ends
    gone: list[Path]
    """Put aside, and to be removed: only the process that did it was killed before."""
    aside: list[Path]
    live: BinaryIO | None
    size: int
    """Bytes of the live file; what is behind them came later."""

    @property
    def files(self) -> int:
        return len(self.aside) + (self.live is not None)

    @property
    def last(self) -> str:
        """Where something would stand that is missing."""
        return str(self.path if self.live else self.aside[-1] if self.aside else "no file")


@dataclass
class Walk:
    """Goes through files, line by line, in the order of their numbers."""

    chain: Chain
    before: Head | None
    musts: Sequence[Head] = ()
    """Lines that have to be there."""
    lines: int = 0
    torn: int = 0

    def __post_init__(self) -> None:
        self._missing = {each: None for each in self.musts if self.before is None or each.number > self.before.number}

    def through(self, path: Path) -> None:
        """A whole file; raises Broken."""
        with path.open("rb") as file:
            self.through_open(path, file, ALL)

    def through_open(self, path: Path, file: BinaryIO, size: int) -> None:
        """The first bytes of an open file; raises Broken."""
        for number, line, is_whole in _lines(file, size):
            place = f"{path}, line {number}"
            if self.torn:
                raise Broken("its file does not end with a whole line, and another follows", place)
            if not is_whole:
                self.torn = len(line)
                return
            if fault := self.chain.fault(line, self.before):
                raise Broken(fault, place)
            link = read_link(line)
            assert link is not None  # noqa: S101 - a line without fault can be read
            self._meet(link.head, place)
            self.lines, self.before = self.lines + 1, link.head

    def rest(self, snapshot: Snapshot) -> None:
        """The live file, behind all that were put aside; raises Broken."""
        if snapshot.live is not None:
            self.through_open(snapshot.path, snapshot.live, snapshot.size)
        self.end(snapshot.last)

    def end(self, place: str) -> None:
        """Every line was met that has to be there; raises Broken."""
        for each in self._missing:
            raise Broken(f"it ends before line {each.number}, which was there: lines were removed", place)

    def _meet(self, head: Head, place: str) -> None:
        for each in [each for each in self._missing if each.number == head.number]:
            if each.hash != head.hash:
                raise Broken("another line stands where the head was that is known: the chain was written anew", place)
            del self._missing[each]


def verify(path: Path, chain: Chain, expected: Head | None = None) -> Verdict:
    """The whole chain of a path: what was put aside, then the file itself, held against the file of its ends.

    Args:
        expected: a head noted elsewhere; the chain must have that line.
    """
    try:
        return in_snapshot(path, chain, lambda snapshot: _verdict(snapshot, chain, expected))
    except Broken as broken:
        return Verdict(len(_existing(path)), 0, Head(), broken.fault, broken.place)


def _verdict(snapshot: Snapshot, chain: Chain, expected: Head | None) -> Verdict:
    base = snapshot.ends.base
    if expected is not None and expected.number == base.number and expected != base:
        fault = f"the chain begins behind another line {base.number} than the one expected"
        return Verdict(snapshot.files, 0, Head(), fault, str(head_path(snapshot.path)))
    walk = Walk(chain, base, (snapshot.ends.head, *([expected] if expected else [])))

    def walked() -> None:
        for each in snapshot.aside:
            walk.through(each)
        walk.rest(snapshot)

    return _of(walk, walked, snapshot.files)


def verify_files(files: Sequence[Path], chain: Chain, expected: Head | None = None) -> Verdict:
    """Files in the order given, whatever came before them: copies, or such as were put aside."""
    walk = Walk(chain, None, [expected] if expected else [])

    def walked() -> None:
        for each in files:
            walk.through(each)
        walk.end(str(files[-1]) if files else "no file")

    return _of(walk, walked, len(files))


def _of(walk: Walk, walked: Callable[[], None], files: int) -> Verdict:
    try:
        walked()
    except Broken as broken:
        return Verdict(files, walk.lines, walk.before or Head(), broken.fault, broken.place)
    return Verdict(files, walk.lines, walk.before or Head(), torn=walk.torn)


def in_snapshot(path: Path, chain: Chain, look: Callable[[Snapshot], T]) -> T:
    """What ``look`` finds, looked at again when a file was removed meanwhile, by ``purge``.

    Raises:
        Broken: the file of the ends is missing, or not as it was left.
    """
    while True:
        with _snapshot(path, chain) as snapshot:
            try:
                return look(snapshot)
            except FileNotFoundError:
                if all(each.exists() for each in snapshot.aside):
                    raise


@contextmanager
def _snapshot(path: Path, chain: Chain) -> Iterator[Snapshot]:
    """Taken while nobody adds; it is read without keeping anybody from it."""
    with ExitStack() as held:
        try:
            with reading(head_path(path)) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)
                ends, kept = read_ends(lock, chain), aside(path)
                live = held.enter_context(path.open("rb")) if _is_file(path) else None
                size = os.fstat(live.fileno()).st_size if live else 0
        except FileNotFoundError:
            raise _without_ends(path) from None
        except Unreadable as error:
            raise Broken("it was changed, or another key made it", str(head_path(path))) from error
        if ends is None:
            raise _without_ends(path)
        gone = [each for each in kept if _is_gone(each, ends.base)]
        yield Snapshot(path, ends, gone, [each for each in kept if each not in gone], live, size)


def _without_ends(path: Path) -> Broken:
    fault = "the file of its ends is missing, so that nobody knows where it ended"
    return Broken(fault if _existing(path) else "there is no audit", str(head_path(path)))


def _is_file(path: Path) -> bool:
    """Whether there is something that can be read, and ends."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path.exists()


def _existing(path: Path) -> list[Path]:
    return [each for each in (*aside(path), path) if each.exists()]


def _is_gone(path: Path, base: Head) -> bool:
    link = read_link(last_line(path) or b"")
    return link is not None and link.number <= base.number


def _lines(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Number, content and whether it has an end, of each line."""
    number = 0
    while size and (line := file.readline(size)):
        number += 1
        size -= len(line) if size > 0 else 0
        yield number, line.removesuffix(b"\n"), line.endswith(b"\n")
