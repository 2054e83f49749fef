"""What the adapter remembers by itself: OperationOutcomes a server does not take, and how far a sync has read."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from adapter.answers.answer import Action
from adapter.errors import UsageError, WriteError
from adapter.evidence.references import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outcome (
    server TEXT NOT NULL, claim TEXT NOT NULL, digest TEXT NOT NULL, outcome TEXT NOT NULL, instant TEXT NOT NULL,
    PRIMARY KEY (server, claim)
);
CREATE TABLE IF NOT EXISTS checkpoint (
    server TEXT NOT NULL, query TEXT NOT NULL, instant TEXT NOT NULL,
    PRIMARY KEY (server, query)
);
CREATE TABLE IF NOT EXISTS run (
    server TEXT NOT NULL, query TEXT NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (server, query)
);
"""
_BUSY_SECONDS = 10.0
_OTHERS = "query GLOB 'Claim*' AND query <> ? AND query NOT GLOB ? || ' *'"
"""Queries by other rules than those of one; ``Claim 1 bulk`` is a further one by the rules of ``Claim 1``."""
_SEVERAL = "Claim several"
"""Stands for rules that have written at the same time, until those of one query take over."""


class Ledger:
    """One SQLite file, shared by any number of adapters on one machine; close it, or use it as a context manager.

    With ``copy`` it is read once and then left alone, for dry runs: whatever is noted stands in the copy, and is gone
    when that is closed. Where there is no file, none is made.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), copy: bool = False
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self._db = _copied(self.path) if copy else _opened(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def record(self, server: str, claim: str | None, outcome: Json) -> Action:
        """Keep the latest outcome of a claim; the same outcome again changes nothing, not even its instant."""
        digest = _digest(outcome)
        with self._transaction():
            action = self._compare(server, claim, digest)
            if action is not Action.UNCHANGED:
                row = (server, _key(claim, digest), digest, orjson.dumps(outcome).decode(), self._clock().isoformat())
                self._db.execute("INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?, ?)", row)
        return action

    def compare(self, server: str, claim: str | None, outcome: Json) -> Action:
        """What ``record`` would do."""
        with self._transaction():
            return self._compare(server, claim, _digest(outcome))

    def forget(self, server: str, claims: Iterable[str | None]) -> None:
        """Drop the outcomes of claims that have a ClaimResponse now."""
        rows = [(server, claim) for claim in claims if claim]
        if rows:
            with self._transaction():
                self._db.executemany("DELETE FROM outcome WHERE server = ? AND claim = ?", rows)

    def outcomes(self, server: str) -> list[Json]:
        """All outcomes kept for a server, ordered by claim."""
        with self._transaction():
            rows = self._db.execute("SELECT outcome FROM outcome WHERE server = ? ORDER BY claim", (server,))
            return [orjson.loads(outcome) for (outcome,) in rows]

    def outcomes_of(self, server: str, claims: Iterable[str]) -> dict[str, Json]:
        """The outcomes kept for these claims, by claim."""
        select = "SELECT outcome FROM outcome WHERE server = ? AND claim = ?"
        with self._transaction():
            rows = {each: self._db.execute(select, (server, each)).fetchone() for each in claims}
        return {claim: orjson.loads(row[0]) for claim, row in rows.items() if row}

    def checkpoint(self, server: str, query: str) -> str | None:
        """The instant up to which a query was read, None before its first time."""
        with self._transaction():
            select = "SELECT instant FROM checkpoint WHERE server = ? AND query = ?"
            row = self._db.execute(select, (server, query)).fetchone()
        return row[0] if row else None

    def checkpoints(self, server: str) -> dict[str, str]:
        """The instants up to which the queries of a server were read, by query."""
        with self._transaction():
            rows = self._db.execute("SELECT query, instant FROM checkpoint WHERE server = ? ORDER BY query", (server,))
            return dict(rows.fetchall())

    def set_checkpoint(self, server: str, query: str, instant: str) -> None:
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)", (server, query, instant))

    def run_state(self, server: str, query: str) -> Json:
        """What the last run of a query left for the next one; empty before its first."""
        with self._transaction():
            row = self._db.execute("SELECT state FROM run WHERE server = ? AND query = ?", (server, query)).fetchone()
        return dict(orjson.loads(row[0])) if row else {}

    def take_over(self, server: str, query: str) -> None:
        """Answers are written by the rules of this query from now on: what others have answered, stands no more."""
        with self._transaction():
            self._void(server, query)
            self._db.execute("INSERT OR IGNORE INTO run VALUES (?, ?, '{}')", (server, query))

    def set_run_state(
        self, server: str, query: str, state: Json | None, checkpoints: Mapping[str, str] | None = None
    ) -> None:
        """Leave it, and where queries are now, to the next run: all or nothing of it.

        Where the rules of another query have taken over meanwhile, both have written, and neither is known to have
        answered anything.
        """
        with self._transaction():
            said = orjson.dumps(state).decode() if state is not None else None
            update = "UPDATE run SET state = coalesce(?, state) WHERE server = ? AND query = ?"
            if not self._db.execute(update, (said, server, query)).rowcount:
                self._void(server, "")
                self._db.execute("INSERT OR REPLACE INTO run VALUES (?, ?, '{}')", (server, _SEVERAL))
                return
            rows = [(server, each, instant) for each, instant in (checkpoints or {}).items()]
            self._db.executemany("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)", rows)

    def was_taken_over(self, server: str, query: str) -> bool:
        """Whether the last to write, as far as is known here, were the rules of another query."""
        select = f"SELECT 1 FROM run WHERE server = ? AND {_OTHERS}"  # noqa: S608 - a constant of ours, no value
        with self._transaction():
            return self._db.execute(select, (server, query, query)).fetchone() is not None

    def _void(self, server: str, query: str) -> None:
        """Forget how far all queries have come that decide by other rules than this one."""
        for table in ("checkpoint", "run"):
            delete = f"DELETE FROM {table} WHERE server = ? AND {_OTHERS}"  # noqa: S608 - names of ours, no value
            self._db.execute(delete, (server, query, query))

    def _compare(self, server: str, claim: str | None, digest: str) -> Action:
        select = "SELECT digest FROM outcome WHERE server = ? AND claim = ?"
        row = self._db.execute(select, (server, _key(claim, digest))).fetchone()
        if row is None:
            return Action.CREATED
        return Action.UNCHANGED if row[0] == digest else Action.UPDATED

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Reading and writing as one step: another adapter may hold the same file."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise WriteError(f"the ledger {self.path} could not be used: {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # claim ids are nobody else's business
        db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_SCHEMA)
    except sqlite3.Error as error:
        db.close()
        raise _unusable(path, error) from error
    return db


def _copied(path: Path) -> sqlite3.Connection:
    """What the ledger holds, in a temporary database of its own; SQLite moves it to disk when it grows."""
    copy = sqlite3.connect("", isolation_level=None)
    try:
        if path.is_file():
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)) as db:
                db.execute("PRAGMA query_only = ON")
                db.backup(copy)
        copy.executescript(_SCHEMA)
    except (OSError, sqlite3.Error) as error:
        copy.close()
        raise _unusable(path, error) from error
    return copy


def _unusable(path: Path, error: Exception) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else error
    return UsageError(f"the ledger {path} cannot be opened: {reason}. Name a file that can be written")


def _digest(outcome: Json) -> str:
    content = {name: value for name, value in outcome.items() if name not in ("id", "meta", "text")}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _key(claim: str | None, digest: str) -> str:
    """Input in which no claim was recognised is told apart by what is wrong with it."""
    return claim if claim is not None else f"sha256:{digest}"
