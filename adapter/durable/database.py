"""Where durable work is kept: an SQLite file of ours, or a PostgreSQL database."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from adapter.errors import UsageError
from adapter.settings import Settings

CONNECT_SECONDS = "10"
"""Until a connection to PostgreSQL is given up; as libpq writes it."""


def configured_database(settings: Settings) -> str:
    """The database of the settings; by default one beside the ledger.

    Raises:
        UsageError: as below, or the environment would have DBOS use another one.
    """
    if "DBOS__CLOUD" in os.environ:
        problem = "DBOS__CLOUD is set: DBOS would take its database from the environment, and report to a service."
        raise UsageError(f"{problem} Remove it.")
    written = settings.database_url
    return database_url(written.get_secret_value() if written else None, settings.ledger.expanduser().parent)


def database_url(written: str | None, folder: Path) -> str:
    """The database that is written, else an SQLite file in the folder; a file is made.

    Raises:
        UsageError: neither SQLite nor PostgreSQL, no URL, or a folder that cannot be made.
    """
    url = named_url(written, folder)
    address = make_url(url)
    if url.startswith("sqlite:"):
        _make_file(Path(address.database or ""))
        return url
    return _with_timeout(address)


def named_url(written: str | None, folder: Path) -> str:
    """As above, and nothing is made.

    Raises:
        UsageError: neither SQLite nor PostgreSQL, or no URL.
    """
    url = written or f"sqlite:///{folder / 'notifications.sqlite'}"
    if not url.startswith(("sqlite:///", "postgresql://")):
        raise UsageError("ADAPTER_DATABASE_URL must begin with sqlite:/// or postgresql://.")
    try:
        make_url(url)
    except (ArgumentError, ValueError):  # the cause quotes a password with a slash or an @ in it
        problem = "ADAPTER_DATABASE_URL is malformed; write / @ : of a password as %2F %40 %3A."
        raise UsageError(problem) from None
    return url


def check_database(settings: Settings) -> None:
    """Refuse an address that is none; whether something answers there is not asked.

    Raises:
        UsageError: as above.
    """
    written = settings.database_url
    named_url(written.get_secret_value() if written else None, settings.ledger.expanduser().parent)


def _with_timeout(address: URL) -> str:
    """PostgreSQL's library would wait for a connection for as long as the system does, which is minutes."""
    timeout = {"connect_timeout": CONNECT_SECONDS} | address.query
    return address.set(query=timeout).render_as_string(hide_password=False)


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # claim ids are nobody else's business
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = WAL")  # the door writes while the worker reads; it stays so in the file
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"the database {path} cannot be opened: {reason}. Name a file that can be written") from error


class SameFile:
    """An SQLite file that must stay the one that was opened: what is written to a deleted one is written to nothing."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        is_file = address.drivername.startswith("sqlite")
        self._path = Path(address.database or "") if is_file else None
        self._opened = self._identity()

    def check(self) -> None:
        """Do nothing; of PostgreSQL always.

        Raises:
            OSError: another file is there now, or none.
        """
        if self._identity() != self._opened:
            raise OSError("the database was deleted or replaced; start again")

    def _identity(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino
