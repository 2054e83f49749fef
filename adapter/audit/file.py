"""An audit file that is only ever added to, by any number of processes of one machine, and survives their deaths.

A group of events is one write under a lock, and on the disk before the call returns. What was left torn by a process
that was killed in the middle is cut off, and the cut entered as an event of its own: nobody was told that it is
written. A file that grew large is put aside under the number of its last line, and the chain goes on in a new one.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from adapter import on_disk
from adapter.audit.chain import Chain, Head, read_link
from adapter.audit.head import Ends, Unreadable, read_ends, write_ends
from adapter.errors import AuditError
from adapter.logs import events

log = events.logger(__name__)

TornEvent = Callable[[int, str], bytes]
"""Makes the event that says how many bytes were cut off, and their hash."""
BACKWARDS = 65_536
LONGEST_LINE = 64_000_000


class AuditFile:
    """Adds to the file of a path; ``most_bytes`` is the size from which on a new one is begun."""

    def __init__(self, path: Path, chain: Chain, torn: TornEvent, most_bytes: int) -> None:
        self.path = path
        self.chain, self._torn, self._most_bytes = chain, torn, most_bytes
        self._known: tuple[tuple[int, int], Head] | None = None
        """The file (inode and size) as we left it, and its head then."""
        self._turn = Lock()  # a lock on the file is the process's, and does not keep its threads apart

    def append(self, events: Sequence[bytes]) -> None:
        """Enter events; when it returns they are on the disk.

        Raises:
            AuditError: they are not, or the file is not as we left it.
        """
        self._refuse_no_file()
        with self._turn, self.told(), locked(self.path) as lock:
            ends = self._ends(lock)
            head, repairs = self._ready(ends)
            self._put_aside_when_large(head)
            data, head = self.chain.lines([*repairs, *events], head)
            self._write(data, head)
            write_ends(lock, Ends(ends.base, head), self.chain)

    def forget(self, files: Sequence[Path], base: Head, event: bytes) -> None:
        """Remove files that were put aside, the oldest first; the chain begins behind ``base`` from now on.

        The event that says so is on the disk before the first of them goes.
        """
        self.append([event])
        with self._turn, self.told(), locked(self.path) as lock:
            ends = self._ends(lock)
            base = max(base, ends.base, key=lambda head: head.number)  # somebody else may have removed more meanwhile
            write_ends(lock, Ends(base, ends.head), self.chain)
            os.fsync(lock)
            for each in files:
                each.unlink(missing_ok=True)

    @contextmanager
    def told(self) -> Iterator[None]:
        """What fails in the meantime is an error of one line."""
        try:
            yield
        except OSError as error:
            self._known = None
            raise AuditError(
                f"the audit file {self.path} cannot be written ({error.strerror}), so nothing more is read or written. "
                "Make room or name another by ADAPTER_AUDIT; the next run goes on"
            ) from error

    # --- before

    def _refuse_no_file(self) -> None:
        """A folder or a device is refused before anything is made beside it."""
        if self.path.exists() and not self.path.is_file():
            problem = f"{self.path} is no regular file, so no audit can be kept in it and nothing is read or written"
            raise AuditError(f"{problem}. Name another by ADAPTER_AUDIT")

    def _ends(self, lock: int) -> Ends:
        try:
            ends = read_ends(lock, self.chain)
        except Unreadable as error:
            raise self._not_ours("the file of its ends was changed, or another key made it") from error
        if ends is None:
            if (self.path.exists() and self.path.stat().st_size) or aside(self.path):
                raise self._not_ours("the file of its ends is missing")
            ends = Ends()
            write_ends(lock, ends, self.chain)
        return ends

    def _ready(self, ends: Ends) -> tuple[Head, Sequence[bytes]]:
        """The last line there is, with nothing torn behind it any more, and the events that say what was cut off."""
        try:
            found = self.path.stat()
            if self._known is not None and self._known[0] == (found.st_ino, found.st_size):
                return self._known[1], ()
        except FileNotFoundError:
            pass
        torn = self._cut()
        line = next((line for path in (self.path, *reversed(aside(self.path))) if (line := last_line(path))), None)
        head = self._head_of(line) if line is not None else ends.base
        if head.number < ends.head.number:
            raise self._not_ours(f"it ends at line {head.number} of {ends.head.number}: lines were removed")
        if not torn:
            return head, ()
        log.warning("audit.torn_line_cut_off", count=len(torn))
        return head, (self._torn(len(torn), self.chain.digest(torn)),)

    def _head_of(self, line: bytes) -> Head:
        link = read_link(line)
        if link is None or (fault := self.chain.fault(line, None)):
            raise self._not_ours(f"of its last line: {fault if link else 'it is none of a chain'}")
        return link.head

    def _cut(self) -> bytes:
        """Take away what stands behind the last whole line; returns it."""
        try:
            handle = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return b""
        try:
            size = os.fstat(handle).st_size
            torn = _behind_last_end(handle, size)
            if torn:
                os.ftruncate(handle, size - len(torn))
        finally:
            os.close(handle)
        return torn

    def _put_aside_when_large(self, head: Head) -> None:
        try:
            large = self.path.stat().st_size >= self._most_bytes
        except FileNotFoundError:
            large = False
        if large:
            self.path.rename(aside_path(self.path, head.number))

    def _not_ours(self, problem: str) -> AuditError:
        return AuditError(
            f"the audit file {self.path} is not as it was left: {problem}. Nothing is added to it, nothing read or "
            "written. Look at it by `coaching-adapter audit verify`, keep it, and name another by ADAPTER_AUDIT"
        )

    # --- writing

    def _write(self, data: bytes, head: Head) -> None:
        is_new = not self.path.exists()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            before = os.fstat(handle).st_size
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(handle, left) :]
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, before)  # of a group either all is there or nothing
                raise
            found = os.fstat(handle)
        finally:
            os.close(handle)
        if is_new:
            on_disk.force(self.path.parent)
        self._known = ((found.st_ino, found.st_size), head)


def aside_path(path: Path, number: int) -> Path:
    """Where a file is put whose last line has a number."""
    return path.with_name(f"{path.stem}-{number:012}{path.suffix}")


def aside(path: Path) -> list[Path]:
    """The files that were put aside for a path, the oldest first; another audit's (``audit-2026.ndjson``) is none."""
    name = re.compile(re.escape(path.stem) + "-[0-9]{12}" + re.escape(path.suffix))
    try:
        return sorted(each for each in path.parent.iterdir() if name.fullmatch(each.name))
    except FileNotFoundError:
        return []


def head_path(path: Path) -> Path:
    """The file of the ends of a chain."""
    return path.with_name(f"{path.name}.head")


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Nobody else adds to the file in the meantime; yields the open file of its ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(head_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def last_line(path: Path) -> bytes | None:
    """The last whole line of a file, without its end; None where there is none."""
    try:
        with reading(path) as handle:
            end = os.fstat(handle).st_size - 1
            return _behind_last_end(handle, end) if end > 0 else None
    except FileNotFoundError:
        return None


@contextmanager
def reading(path: Path) -> Iterator[int]:
    """An open file. What fails names it, also where the system does not: a folder can be opened, and not be read."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield handle
    except OSError as error:
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error
    finally:
        os.close(handle)


def _behind_last_end(handle: int, size: int) -> bytes:
    """What stands before ``size`` and behind the last end of a line before it."""
    length = 0
    while length < min(size, LONGEST_LINE):
        length = min(size, length + BACKWARDS)
        data = os.pread(handle, length, size - length)
        if (found := data.rfind(b"\n")) >= 0:
            return data[found + 1 :]
    return os.pread(handle, size, 0)
