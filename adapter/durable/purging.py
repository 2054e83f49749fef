"""Rows of finished work that may go, and making a database file forget what was deleted from it.

Needs no prepared database: where DBOS made no tables yet, there is nothing to remove.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from dbos import WorkflowStatus
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url

from adapter.durable.database import named_url
from adapter.settings import Settings

FAILED = ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
FINISHED = ("SUCCESS", "CANCELLED")
_BUSY_SECONDS = 10.0
IN_USE = "in use, so the space was not given back: run it again when nothing runs"
POSTGRES = "deleted rows stay on the disk until VACUUM (FULL), and in the log and backups of PostgreSQL"


def known_database(settings: Settings) -> str | None:
    """The database of the settings; None for a file that is not there, which is not made.

    Raises:
        UsageError: what is written is the address of none.
    """
    written = settings.database_url
    url = named_url(written.get_secret_value() if written else None, settings.ledger.expanduser().parent)
    path = sqlite_path(url)
    return url if path is None or path.is_file() else None


def sqlite_path(url: str) -> Path | None:
    """The file of a database; None for PostgreSQL."""
    return Path(make_url(url).database or "") if url.startswith("sqlite:") else None


def is_prepared(url: str) -> bool:
    """Whether there are tables of DBOS in a database.

    Raises:
        SQLAlchemyError: it cannot be reached.
    """
    is_file = url.startswith("sqlite:")
    address = make_url(url)
    engine = create_engine(address if is_file else address.set(drivername="postgresql+psycopg"))
    try:
        return inspect(engine).has_table("workflow_status", schema=None if is_file else "dbos")
    finally:
        engine.dispose()


def ended_before(row: WorkflowStatus, before: datetime) -> bool:
    """Whether a finished row ended before an instant; by the time of its last change where none is noted."""
    ended = row.completed_at or row.updated_at or row.created_at
    return ended is not None and ended / 1000 < before.timestamp()


def old(rows: Sequence[WorkflowStatus], states: Sequence[str], before: datetime) -> list[str]:
    """The ids of rows that are in one of the states since before an instant."""
    return [row.workflow_id for row in rows if row.status in states and ended_before(row, before)]


def give_back(path: Path) -> str:
    """Write an SQLite file anew, without what was deleted; returns what could not be done."""
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as db:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("VACUUM")
            busy: tuple[Any, ...] = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return IN_USE
    return IN_USE if busy[0] else ""
