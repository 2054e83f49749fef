"""Answers on their way into files: each process writes what it decided as it comes; at the end they are put in order.

The order of the lines depends only on what is in them, however many processes decided, and no more is held in memory
than the places of a few answers.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

import orjson

from adapter.answers.answer import Answer
from adapter.answers.decisions import decision_lines

NAMES = ("ClaimResponse.ndjson", "OperationOutcome.ndjson", "Provenance.ndjson", "decisions.ndjson")
_TABLE = """
CREATE TABLE answer (
    claim TEXT NOT NULL, id TEXT NOT NULL, spool TEXT NOT NULL,
    at0 INTEGER, length0 INTEGER, at1 INTEGER, length1 INTEGER,
    at2 INTEGER, length2 INTEGER, at3 INTEGER, length3 INTEGER
)
"""


class Spooled(NamedTuple):
    """Where the lines of one answer stand: for each of ``NAMES`` the beginning and the length in bytes, one after
    another."""

    claim: str
    id: str
    spool: str
    places: tuple[int, ...]


class Spool:
    """The answers of one process, in files of its own in a folder; close it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._files: tuple[IO[bytes], ...] = tuple((folder / f"{name}-{each}").open("wb") for each in NAMES)
        self._ends = [0] * len(NAMES)

    def add(self, answer: Answer) -> Spooled:
        """Write the lines of an answer."""
        resource = answer.response or answer.outcome or {}
        parts = (answer.response, answer.outcome, answer.provenance)
        contents = [*(_lines([each] if each else ()) for each in parts), _lines(decision_lines(answer))]
        places: list[int] = []
        for number, content in enumerate(contents):
            self._files[number].write(content)
            places += (self._ends[number], len(content))
            self._ends[number] += len(content)
        return Spooled(answer.claim or "", str(resource.get("id", "")), self.name, tuple(places))

    def flush(self) -> None:
        """What was added can be read by others."""
        for each in self._files:
            each.flush()

    def close(self) -> None:
        with ExitStack() as all_of_them:  # also when one of them cannot be
            for each in self._files:
                all_of_them.callback(each.close)


class Order:
    """Where the answers of all spools stand, in the order they are written in; close it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._db = sqlite3.connect(folder / "order.sqlite", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLE}")

    def close(self) -> None:
        self._db.close()

    def add(self, spooled: Iterable[Spooled]) -> None:
        """Enter answers."""
        self._db.execute("BEGIN")
        rows = ((claim, id, spool, *places) for claim, id, spool, places in spooled)
        self._db.executemany("INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def write(self, number: int, file: IO[bytes]) -> None:
        """Write all lines of the file of that number in ``NAMES``."""
        handles: dict[str, int] = {}
        try:
            for spool, at, length in self._places(number):
                if spool not in handles:
                    handles[spool] = os.open(self._folder / f"{spool}-{NAMES[number]}", os.O_RDONLY)
                file.write(os.pread(handles[spool], length, at))
        finally:
            for each in handles.values():
                os.close(each)

    def _places(self, number: int) -> Iterator[tuple[str, int, int]]:
        query = f"SELECT spool, at{number}, length{number} FROM answer WHERE length{number} > 0 ORDER BY claim, id"  # noqa: S608 - a number of NAMES
        return iter(self._db.execute(query))


def _lines(values: Iterable[object]) -> bytes:
    return b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in values)
