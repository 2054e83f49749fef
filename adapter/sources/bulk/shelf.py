"""The resources of an export, found by id and by patient without holding them: an index beside the files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import orjson

from adapter.evidence.references import Json, parse_reference
from adapter.evidence.store import PATIENT_ELEMENTS

_SCHEMA = """
CREATE TABLE resource (kind TEXT, id TEXT, patient TEXT, file INTEGER, start INTEGER, length INTEGER);
"""
_INDEXES = """
CREATE INDEX by_id ON resource (kind, id);
CREATE INDEX by_patient ON resource (kind, patient);
"""
AT_ONCE = 10_000
Row = tuple[str, str, str | None, int, int, int]


class Shelf:
    """What lies in files of NDJSON, by type and id, or type and patient."""

    def __init__(self, db: sqlite3.Connection, files: Sequence[Path]) -> None:
        self._db, self._files = db, files

    def has(self, kind: str, id: str) -> bool:
        return self._db.execute("SELECT 1 FROM resource WHERE kind = ? AND id = ?", (kind, id)).fetchone() is not None

    def by_id(self, kind: str, ids: Iterable[str]) -> list[Json]:
        return [each for id in ids for each in self._read("id", kind, id)]

    def of_patient(self, kind: str, patient: str) -> list[Json]:
        """Those whose subject is ``Patient/id``."""
        return self._read("patient", kind, patient)

    def ids(self, kind: str) -> list[str]:
        rows = self._db.execute("SELECT DISTINCT id FROM resource WHERE kind = ? ORDER BY id", (kind,))
        return [id for (id,) in rows]

    def all(self, kind: str) -> Iterator[Json]:
        rows = self._db.execute("SELECT file, start, length FROM resource WHERE kind = ? ORDER BY file, start", (kind,))
        return (self._line(*row) for row in rows)

    def _read(self, column: str, kind: str, value: str) -> list[Json]:
        # The column is one of two words of ours.
        query = f"SELECT file, start, length FROM resource WHERE kind = ? AND {column} = ?"  # noqa: S608 - as said
        return [self._line(*row) for row in self._db.execute(query, (kind, value)).fetchall()]

    def _line(self, file: int, start: int, length: int) -> Json:
        with self._files[file].open("rb") as lines:
            lines.seek(start)
            resource: Json = orjson.loads(lines.read(length))
        return resource


@contextmanager
def indexed(files: Sequence[Path], database: Path) -> Iterator[Shelf]:
    """The shelf of these files; its index is made anew and goes at the end."""
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)  # it can be made again
        rows = (row for number, path in enumerate(files) for row in _rows(number, path))
        while some := list(islice(rows, AT_ONCE)):
            db.execute("BEGIN")
            db.executemany("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)", some)
            db.execute("COMMIT")
        db.executescript(_INDEXES)
        yield Shelf(db, files)
    database.unlink(missing_ok=True)


def _rows(number: int, path: Path) -> Iterator[Row]:
    """One for each line that holds a resource with an id; the others are the matter of whoever decides."""
    start = 0
    with path.open("rb") as lines:
        for line in lines:
            try:
                resource = orjson.loads(line)
            except orjson.JSONDecodeError:
                resource = None
            if isinstance(resource, dict) and isinstance(resource.get("id"), str):
                yield str(resource.get("resourceType")), resource["id"], _patient(resource), number, start, len(line)
            start += len(line)


def _patient(resource: Json) -> str | None:
    pointers = (parse_reference(resource.get(element)) for element in PATIENT_ELEMENTS)
    found = next((each for each in pointers if each is not None), None)
    return found.local if found is not None and not found.contained else None
