"""Where every resource of a folder stands: an SQLite file of its own, which goes when the run ends.

What it keeps are places, ids and tokens, no resource. SQLite holds as much of it in memory as it is allowed and the
rest on the disk, so that a folder may be larger than memory; processes that share the work read the same file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from adapter.sources.folder.unchanged import Entered

T = TypeVar("T")
AT_ONCE = 5000
"""Rows written together."""
MOST_VALUES = 500
"""Values of one query."""
_TABLES = """
CREATE TABLE file (id INTEGER PRIMARY KEY, path BLOB NOT NULL, shown TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE unit (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    line INTEGER, bundle INTEGER NOT NULL, plain INTEGER NOT NULL
);
CREATE TABLE aside (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, file INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    line INTEGER NOT NULL
);
CREATE TABLE resource (
    unit INTEGER NOT NULL, key TEXT NOT NULL, scope TEXT NOT NULL, patient TEXT, ours INTEGER NOT NULL,
    claim INTEGER NOT NULL
);
CREATE TABLE link (token TEXT NOT NULL, unit INTEGER NOT NULL);
"""
_INDEXES = """
CREATE INDEX aside_key ON aside (key);
CREATE INDEX resource_key ON resource (key, unit);
CREATE INDEX resource_patient ON resource (patient, unit) WHERE patient IS NOT NULL;
CREATE INDEX resource_ours ON resource (key, unit, patient) WHERE ours;
CREATE INDEX resource_claim ON resource (key) WHERE claim;
CREATE INDEX link_token ON link (token, unit);
"""
_ASIDE = "-id, file, start, length, line, 0, 0"
"""A row of ``aside`` as a ``Unit``."""
_COUNT = """
SELECT (SELECT COUNT(*) FROM resource) + (SELECT COUNT(*) FROM aside),
(SELECT COUNT(*) FROM (SELECT DISTINCT key FROM aside))
+ (SELECT COUNT(*) FROM (SELECT DISTINCT scope, key FROM resource) r
WHERE r.scope <> '' OR NOT EXISTS (SELECT 1 FROM aside a WHERE a.key = r.key))
"""
"""Distinct keys of what is aside, the many, in the order of their index; then those of the rest that are not there."""
_CLAIMS = """
SELECT (SELECT COUNT(*) FROM (SELECT DISTINCT key FROM aside WHERE key >= 'Claim/' AND key < 'Claim0'))
+ (SELECT COUNT(*) FROM (SELECT DISTINCT key FROM resource WHERE claim) r
WHERE NOT EXISTS (SELECT 1 FROM aside a WHERE a.key = r.key))
"""
"""What is aside has an id, and so its type in its key; else a Claim may be known by any address."""
_DUE = """
SELECT patient, key, iif(unit.line IS NULL, unit.file, NULL), MIN(claim.unit) OVER (PARTITION BY patient) AS first
FROM (SELECT patient, key, MIN(unit) AS unit FROM resource WHERE ours GROUP BY key) claim
JOIN unit ON unit.id = claim.unit ORDER BY first, patient, key
"""


class Unit(NamedTuple):
    """What is read in one go: one line of NDJSON, or a whole document.

    ``start`` and ``length`` are bytes in the file; ``length`` is 0 of a document, ``line`` None. ``bundle`` is the
    number of the first Bundle inside it. ``plain`` is a line that is one resource, in which nothing was wrong.
    """

    id: int
    file: int
    start: int
    length: int
    line: int | None
    bundle: int
    plain: bool = False


class Due(NamedTuple):
    """A claim in scope that is to be answered, the patient it is decided with, and the document it may stand in."""

    patient: str
    key: str
    document: int | None


class Index:
    """Entered once, then only asked. ``memory`` is in bytes; close it."""

    def __init__(self, path: Path, memory: int) -> None:
        self._path = path
        self._memory = memory
        self._db = self._opened(f"file:{path}")
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES}")
        self._units: list[tuple[int, int, int, int, int | None, int, bool]] = []
        self._resources: list[tuple[int, str, str, str | None, bool, bool]] = []
        self._links: list[tuple[str, int]] = []
        self._aside: list[tuple[int, str, int, int, int, int]] = []
        self._next = 0

    def close(self) -> None:
        """The file stays; whoever made its folder takes it away."""
        self._db.close()

    def reopen(self) -> None:
        """For a process that was forked off: a connection must not be shared, nor closed by two."""
        self._inherited = self._db
        self._db = self._opened(f"file:{self._path}?mode=ro")

    def _opened(self, address: str) -> sqlite3.Connection:
        db = sqlite3.connect(address, uri=True, isolation_level=None)
        db.execute(f"PRAGMA cache_size = -{max(self._memory // 1024, 1)}")
        return db

    # --- entering

    def file(self, path: Path, shown: str, state: str) -> int:
        """Enter a file as it stands now (``state``); returns its number."""
        number = self._db.execute(
            "INSERT INTO file (path, shown, state) VALUES (?, ?, ?)", (os.fsencode(path), shown, state)
        ).lastrowid
        assert number is not None  # noqa: S101 - SQLite numbers every row it inserts
        return number

    def unit(self, file: int, start: int, length: int, line: int | None, bundle: int, *, plain: bool = False) -> int:
        """Enter a place; returns its number."""
        self._next += 1
        self._units.append((self._next, file, start, length, line, bundle, plain))
        if len(self._units) >= AT_ONCE:
            self._write()
        return self._next

    def resource(
        self,
        unit: int,
        key: str,
        patient: str | None,
        *,
        scope: str = "",
        ours: bool = False,
        claim: bool = False,
    ) -> None:
        """Enter a resource of a place; ``scope`` is its service base where it is another; ``ours`` a Claim in scope.

        ``claim`` tells of any Claim, whatever its key.
        """
        self._resources.append((unit, key, scope, patient, ours, claim))

    def aside(self, key: str, file: int, start: int, length: int, line: int, tokens: Iterable[str] = ()) -> None:
        """Enter a line that only counts where something leads to it: in one row, for these are the many."""
        number = self._next = self._next + 1
        self._aside.append((number, key, file, start, length, line))
        self._links += [(token, -number) for token in tokens]
        if len(self._aside) >= AT_ONCE:
            self._write()

    def link(self, unit: int, tokens: Iterable[str]) -> None:
        """Enter by which tokens a resource of a place is found."""
        self._links += [(token, unit) for token in tokens]

    def complete(self) -> None:
        """Everything is entered: now it can be asked."""
        self._write()
        self._db.executescript(f"{_INDEXES} ANALYZE;")

    def _write(self) -> None:
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO unit VALUES (?, ?, ?, ?, ?, ?, ?)", self._units)
        self._db.executemany("INSERT INTO aside VALUES (?, ?, ?, ?, ?, ?)", self._aside)
        self._db.executemany("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)", self._resources)
        self._db.executemany("INSERT INTO link VALUES (?, ?)", self._links)
        self._db.execute("COMMIT")
        for rows in (self._units, self._aside, self._resources, self._links):
            rows.clear()

    # --- asking

    def files(self) -> dict[int, Entered]:
        """Every file, by number."""
        rows = self._db.execute("SELECT * FROM file")
        return {number: Entered(Path(os.fsdecode(path)), shown, state) for number, path, shown, state in rows}

    def units(self) -> Iterator[Unit]:
        """Every place."""
        yield from (Unit(*row) for row in self._db.execute("SELECT * FROM unit"))
        yield from (Unit(*row) for row in self._db.execute(f"SELECT {_ASIDE} FROM aside"))  # noqa: S608 - a constant

    def due(self) -> Iterator[Due]:
        """The claims in scope, those of one patient together, patients in the order of their first claim."""
        return (Due(*row[:3]) for row in self._db.execute(_DUE))

    def count_due(self) -> int:
        """How many claims are in scope."""
        return int(self._db.execute("SELECT COUNT(DISTINCT key) FROM resource WHERE ours").fetchone()[0])

    def count(self) -> tuple[int, int]:
        """How many resources there are, and how many under keys of their own."""
        row = self._db.execute(_COUNT).fetchone()
        return int(row[0]), int(row[1])

    def claims(self) -> int:
        """How many Claims there are, each counted once."""
        return int(self._db.execute(_CLAIMS).fetchone()[0])

    def known(self, keys: Iterable[str]) -> Iterator[str]:
        """Those of the keys under which there is something."""
        for some in portions(sorted(keys), MOST_VALUES):
            both = (f"SELECT key FROM {each} WHERE key IN ({_marks(some)})" for each in ("resource", "aside"))  # noqa: S608 - constants, values are bound
            yield from (key for query in both for (key,) in self._db.execute(query, some))

    def about(self, patients: Iterable[str]) -> Iterator[Unit]:
        """Where what is about these patients stands."""
        return self._where("resource", "patient", patients)

    def keyed(self, keys: Iterable[str]) -> Iterator[Unit]:
        """Where every version of these resources stands."""
        keys = sorted(keys)
        yield from self._where("resource", "key", keys)
        for some in portions(keys, MOST_VALUES):
            query = f"SELECT {_ASIDE} FROM aside WHERE key IN ({_marks(some)})"  # noqa: S608 - constants, values are bound
            yield from (Unit(*row) for row in self._db.execute(query, some))

    def numbered(self, units: Iterable[int]) -> Iterator[Unit]:
        """Places by their numbers; those of lines that were put aside are negative."""
        units = list(units)
        for some in portions([each for each in units if each > 0], MOST_VALUES):
            query = f"SELECT * FROM unit WHERE id IN ({_marks(some)})"  # noqa: S608 - values are bound
            yield from (Unit(*row) for row in self._db.execute(query, some))
        for some in portions([-each for each in units if each < 0], MOST_VALUES):
            query = f"SELECT {_ASIDE} FROM aside WHERE id IN ({_marks(some)})"  # noqa: S608 - constants, values are bound
            yield from (Unit(*row) for row in self._db.execute(query, some))

    def linked(self, tokens: Iterable[str]) -> Iterator[Unit]:
        """Where what is found by these tokens stands."""
        for some in portions(sorted(tokens), MOST_VALUES):
            query = f"SELECT unit FROM link WHERE token IN ({_marks(some)})"  # noqa: S608 - values are bound
            yield from self.numbered(unit for (unit,) in self._db.execute(query, some).fetchall())

    def owned(self, tokens: Iterable[str]) -> Iterator[Unit]:
        """Where what is found by these tokens stands; one that ends in ``|`` is what the tokens begin with."""
        whole = set(tokens)
        beginnings = {each for each in whole if each.endswith("|")}
        yield from self.linked(whole - beginnings)
        for each in sorted(beginnings):
            query = "SELECT unit FROM link WHERE token >= ? AND token < ?"
            bounds = (each, f"{each[:-1]}}}")  # the sign that follows "|"
            yield from self.numbered(unit for (unit,) in self._db.execute(query, bounds).fetchall())

    def _where(self, table: str, column: str, values: Iterable[str]) -> Iterator[Unit]:
        for some in portions(sorted(values), MOST_VALUES):
            query = f"SELECT u.* FROM {table} t JOIN unit u ON u.id = t.unit WHERE t.{column} IN ({_marks(some)})"  # noqa: S608 - names from above, values are bound
            yield from (Unit(*row) for row in self._db.execute(query, some))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def portions(values: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """The values in runs of ``size``."""
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some
