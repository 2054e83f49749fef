"""NDJSON written to disk as it comes, in parts that end with a line, so that no part is too large to read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import orjson

from adapter.errors import SourceError
from adapter.sources.wire import CutShort

PART_BYTES = 64_000_000
LONGEST_HEAD = 1_000_000
"""Bytes in which the first line tells what the file holds; of a longer one nothing is asked."""


class Lines:
    """Writes the lines of one file of a type below a folder: ``Claim.0000.ndjson``, ``Claim.0001.ndjson``, ...

    Raises:
        SourceError: what comes is no NDJSON, or a Binary in which the file is wrapped.
        CutShort: at the end, when the last line or a promised one is missing.
    """

    def __init__(self, folder: Path, kind: str, what: str, part_bytes: int = PART_BYTES, longest: int = 0) -> None:
        self._folder, self._kind, self._what, self._part_bytes = folder, kind, what, part_bytes
        self._longest = longest or part_bytes
        self._parts = self._size = self._count = 0
        self._head, self._last = b"", bytearray()
        self._looked = False
        self._file: BinaryIO | None = None
        folder.mkdir(parents=True)

    def write(self, piece: bytes) -> None:
        if not piece:
            return
        self._look_at_beginning(piece)
        self._keep_last(piece)
        self._count += piece.count(b"\n")
        cut = piece.rfind(b"\n") + 1 if self._size + len(piece) > self._part_bytes else 0
        self._put(piece[: cut or len(piece)])
        if cut:
            self._close()
            self._put(piece[cut:])

    def end(self, promised: int | None) -> None:
        """Close the last part; ``promised`` is how many lines the manifest tells of."""
        self._close()
        if not self._looked:
            self._refuse_wrapped(self._head)
        if self._last.strip():
            self._count += 1
            if len(self._last) <= self._longest:
                try:
                    orjson.loads(self._last)
                except orjson.JSONDecodeError as error:
                    raise CutShort("the last line is not whole") from error
        if promised is not None and self._count < promised:
            raise CutShort("fewer lines than the manifest tells of")

    def abandon(self) -> None:
        self._close()

    def _put(self, some: bytes) -> None:
        if not some:
            return
        if self._file is None:
            path = self._folder / f"{self._kind}.{self._parts:04}.ndjson"
            self._file = path.open("wb")
            self._parts += 1
        self._file.write(some)
        self._size += len(some)

    def _close(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._file, self._size = None, 0

    def _keep_last(self, piece: bytes) -> None:
        """What came since the last end of a line, but no more of it than a line may have."""
        cut = piece.rfind(b"\n")
        if cut >= 0:
            self._last.clear()
        self._last += piece[cut + 1 :]
        del self._last[self._longest + 1 :]

    def _look_at_beginning(self, piece: bytes) -> None:
        if self._looked:
            return
        self._head += piece[:LONGEST_HEAD]
        line, ended, _ = self._head.lstrip().partition(b"\n")
        if line and not line.startswith(b"{"):
            raise SourceError(f"{self._what} is no NDJSON")
        if ended or len(self._head) >= LONGEST_HEAD:
            self._looked = True
            self._refuse_wrapped(line)
            self._head = b""

    def _refuse_wrapped(self, line: bytes) -> None:
        try:
            first = orjson.loads(line)
        except orjson.JSONDecodeError:
            return  # one damaged line is the matter of whoever reads it
        if first.get("resourceType") == "Binary" and self._kind != "Binary":
            raise SourceError(f"{self._what} comes wrapped in a Binary, not as NDJSON")
