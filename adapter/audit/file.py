"""An audit file that is only ever added to, by any number of processes of one machine, and survives their deaths.

A group of events is one write under a lock, and on the disk before the call returns. What was left torn by a process
that was killed in the middle is cut off, and the cut entered as an event of its own: nobody was told that it is
written. A file that grew large is put aside under the number of its last line, and the chain goes on in a new one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

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
        self._chain, self._torn, self._most_bytes = chain, torn, most_bytes
        self._known: tuple[tuple[int, int], Head] | None = None
        """The file (inode and size) as we left it, and its head then."""
        self._turn = Lock()  # a lock on the file is the process's, and does not keep its threads apart

    def append(self, events: Sequence[bytes]) -> None:
        """Enter events; when it returns they are on the disk.

        Raises:
            AuditError: they are not, or the file is not as we left it.
        """
        with self._turn, self.told(), locked(self.path) as lock:
            ends = self._ends(lock)
            head = self._rotated(self._ready(ends))
            data, head = self._chain.lines([*self._repairs, *events], head)
            self._write(data, head)
            write_ends(lock, Ends(ends.base, head), self._chain)

    def forget(self, files: Sequence[Path], base: Head, event: bytes) -> None:
        """Remove files that were put aside, the oldest first; the chain begins behind ``base`` from now on.

        The event that says so is on the disk before the first of them goes.
        """
        self.append([event])
        with self._turn, self.told(), locked(self.path) as lock:
            write_ends(lock, Ends(base, self._ends(lock).head), self._chain)
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

    _repairs: Sequence[bytes] = ()

    def _ends(self, lock: int) -> Ends:
        try:
            ends = read_ends(lock, self._chain)
        except Unreadable as error:
            raise self._not_ours("the file of its ends was changed, or another key made it") from error
        if ends is None:
            if (self.path.exists() and self.path.stat().st_size) or aside(self.path):
                raise self._not_ours("the file of its ends is missing")
            ends = Ends()
            write_ends(lock, ends, self._chain)
        return ends

    def _ready(self, ends: Ends) -> Head:
        """The last line there is, with nothing torn behind it."""
        self._repairs = ()
        try:
            found = self.path.stat()
            if self._known is not None and self._known[0] == (found.st_ino, found.st_size):
                return self._known[1]
        except FileNotFoundError:
            pass
        torn = self._cut()
        line = next((line for path in (self.path, *reversed(aside(self.path))) if (line := last_line(path))), None)
        head = self._head_of(line) if line is not None else ends.base
        if head.number < ends.head.number:
            raise self._not_ours(f"it ends at line {head.number} of {ends.head.number}: lines were removed")
        if torn:
            log.warning("audit.torn_line_cut_off", count=len(torn))
            self._repairs = (self._torn(len(torn), self._chain.digest(torn)),)
        return head

    def _head_of(self, line: bytes) -> Head:
        link = read_link(line)
        if link is None or (fault := self._chain.fault(line, None)):
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

    def _rotated(self, head: Head) -> Head:
        """Put a file aside that has grown large; the head is the same."""
        try:
            large = self.path.stat().st_size >= self._most_bytes
        except FileNotFoundError:
            large = False
        if large:
            self.path.rename(self.path.with_name(f"{self.path.stem}-{head.number:012}{self.path.suffix}"))
        return head

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
            _sync_folder(self.path.parent)
        self._known = ((found.st_ino, found.st_size), head)


def aside(path: Path) -> list[Path]:
    """The files that were put aside for a path, the oldest first."""
    return sorted(path.parent.glob(f"{path.stem}-[0-9]*{path.suffix}"))


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
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        end = os.fstat(handle).st_size - 1
        return _behind_last_end(handle, end) if end > 0 else None
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


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
