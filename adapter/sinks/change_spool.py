"""What would become of each answer, on the disk while a dry run lasts: NDJSON as it comes, read by claim.

A claim that is created takes a kilobyte there and nothing in memory, so that a million take the room of a thousand. The
file has no name and is gone when the process ends, however it ends; it holds ids of claims, codes and amounts.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import IO, NamedTuple

import orjson

from adapter.evidence.references import Json
from adapter.sinks.told import told_of_temporary

MOST_HELD = 1000
"""Rows in memory; what a few claims come to never touches the disk."""
_SCHEMA = "PRAGMA journal_mode = OFF; CREATE TABLE row (claim BLOB, place INTEGER, length INTEGER);"


class Row(NamedTuple):
    """The line of one answer, and the claim that it is sorted by."""

    claim: bytes
    """In UTF-8, which sorts as its text does."""
    line: bytes


class _Disk:
    """The rows that memory has no room for: the lines in a file, and which claim each is of in a database."""

    def __init__(self) -> None:
        with ExitStack() as opening:
            self.lines: IO[bytes] = tempfile.TemporaryFile(prefix="adapter-")  # noqa: SIM115 - closed with self
            opening.callback(_close, self.lines)
            self.index = sqlite3.connect("", isolation_level=None)  # a temporary database of its own
            opening.callback(self.index.close)
            self.index.executescript(_SCHEMA)
            self.end = 0
            # A report is shown long after the run that filled it, and sometimes never.
            self.close = weakref.finalize(self, opening.pop_all().close)

    def add(self, rows: Iterable[Row]) -> None:
        self.index.execute("BEGIN")
        self.index.executemany("INSERT INTO row VALUES (?, ?, ?)", map(self._written, rows))
        self.index.execute("COMMIT")
        self.lines.flush()

    def _written(self, row: Row) -> tuple[bytes, int, int]:
        place, length = self.end, len(row.line)
        self.lines.write(row.line)
        self.end += length
        return row.claim, place, length

    def rows(self, order: str) -> Iterator[Row]:
        query = f"SELECT claim, place, length FROM row ORDER BY {order}"  # noqa: S608 - one of two texts of this file
        for claim, place, length in self.index.execute(query):
            yield Row(claim, os.pread(self.lines.fileno(), length, place))


class ChangeSpool:
    """Rows in any number; the first ``MOST_HELD`` in memory, and more of them in the folder for temporary files."""

    def __init__(self) -> None:
        self._held: list[Row] = []
        self._disk: _Disk | None = None

    @property
    def held(self) -> int:
        """How many rows are in memory."""
        return len(self._held)

    def add(self, claim: str | None, change: Json) -> None:
        """Keep what would become of the answer to a claim.

        Raises:
            UsageError: the folder for temporary files takes no more.
        """
        self._add(
            Row((claim or "").encode(errors="surrogatepass"), orjson.dumps(change, option=orjson.OPT_APPEND_NEWLINE))
        )

    def absorb(self, other: ChangeSpool) -> None:
        """Take over what another one keeps, behind what came before; it is empty afterwards.

        Raises:
            UsageError: as of ``add``.
        """
        for row in other._rows("place"):
            self._add(row)
        other.close()

    def in_order(self) -> Iterator[Json]:
        """All that was kept, by claim, and of one claim as it came; one at a time in memory.

        Raises:
            UsageError: the folder for temporary files takes no more.
        """
        if self._disk is None:
            rows: Iterable[Row] = sorted(self._held, key=lambda each: each.claim)
        else:
            self._spill()
            rows = self._rows("claim, place")
        yield from (orjson.loads(each.line) for each in rows)

    def close(self) -> None:
        """Let go of everything."""
        self._held = []
        if self._disk is not None:
            self._disk.close()
            self._disk = None

    def _add(self, row: Row) -> None:
        self._held.append(row)
        if len(self._held) > MOST_HELD:
            self._spill()

    def _spill(self) -> None:
        with told_of_temporary():
            self._disk = self._disk or _Disk()
            self._disk.add(self._held)
        self._held = []

    def _rows(self, order: str) -> Iterator[Row]:
        """In that order where they are on the disk; those in memory came last, and come as they are."""
        if self._disk is not None:
            with told_of_temporary():
                yield from self._disk.rows(order)
        yield from self._held


def _close(lines: IO[bytes]) -> None:
    with suppress(OSError):  # on a full disk what is not written yet; nobody reads it any more
        lines.close()
