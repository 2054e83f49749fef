"""The event log of each Subscription, in the database of the inbox, so that several nodes count as one.

What stands there is numbers and times; it can be lost without harm, for a sweep finds what the numbers would have told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import sha256
from types import TracebackType
from typing import NamedTuple, Self

from pydantic import TypeAdapter
from sqlalchemy import Column, MetaData, String, Table, Text, create_engine, select, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema, CreateTable

from adapter.errors import UsageError
from adapter.notifications.model import Heard
from adapter.notifications.sequence import EventLog, noted

_SCHEMA = "coaching_adapter"
_STORED = TypeAdapter(EventLog)
_BUSY_SECONDS = 10.0


class Key(NamedTuple):
    """The end of an address that is notified, and the id of the Subscription; empty where senders tell none."""

    name: str
    subscription: str


class EventLogs:
    """The logs, for the worker that writes them and whoever looks at them."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        is_file = address.drivername.startswith("sqlite")
        self._schema = None if is_file else _SCHEMA
        self._prepared = False
        self._table = Table(
            "event_log",
            MetaData(schema=self._schema),
            Column("name", String(64), primary_key=True),
            Column("subscription", String(64), primary_key=True),
            Column("log", Text, nullable=False),
        )
        self._owner = Table("owner", self._table.metadata, Column("server", String(64), primary_key=True))
        self._engine = create_engine(
            address if is_file else address.set(drivername="postgresql+psycopg"),
            connect_args={"timeout": _BUSY_SECONDS} if is_file else {"connect_timeout": int(_BUSY_SECONDS)},
            pool_pre_ping=not is_file,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    def _prepare(self) -> None:
        """Make the table where there is none; at the first use, when DBOS has made the database."""
        if self._prepared:
            return
        with self._engine.begin() as connection:
            if self._schema is not None:
                # Two nodes may start at once; the second waits, and finds all there.
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": _SCHEMA})
                connection.execute(CreateSchema(self._schema, if_not_exists=True))
            for table in (self._table, self._owner):
                connection.execute(CreateTable(table, if_not_exists=True))
        self._prepared = True

    def belong_to(self, server: str) -> None:
        """See to it that the database is used for one server only: ids alone do not tell whose claim one is.

        Raises:
            UsageError: it is another's.
        """
        self._prepare()
        digest = sha256(server.encode()).hexdigest()
        with self._engine.begin() as connection:
            owners = connection.execute(select(self._owner.c.server)).scalars().all()
            if not owners:
                connection.execute(self._owner.insert().values(server=digest))
        if owners and digest not in owners:
            raise UsageError(
                "the database of notifications is another FHIR server's: name one for each by ADAPTER_DATABASE_URL."
            )

    def check(self) -> None:
        """Write what stands there already; raises what the database says when it cannot be written."""
        self._prepare()
        with self._engine.begin() as connection:
            connection.execute(self._owner.update().values(server=self._owner.c.server))

    def all(self) -> dict[Key, EventLog]:
        """Every log, as it is now."""
        self._prepare()
        with self._engine.connect() as connection:
            rows = connection.execute(select(self._table)).all()
        return {Key(row.name, row.subscription): _STORED.validate_json(row.log) for row in rows}

    def by_subscription(self) -> dict[str, EventLog]:
        """The logs by the id of the Subscription; none where ``serve`` never ran on this database."""
        try:
            return {key.subscription: log for key, log in self.all().items()}
        except SQLAlchemyError:
            return {}

    def note(self, heard: Iterable[Heard]) -> None:
        """Enter notifications, in their order."""
        each_of: dict[Key, list[Heard]] = {}
        for each in heard:
            each_of.setdefault(Key(each.name, each.subscription), []).append(each)
        for key in sorted(each_of):  # always in one order, so that two nodes never wait for each other
            self.change(key, partial(_all_noted, each_of[key]))

    def change(self, key: Key, change: Callable[[EventLog], EventLog]) -> EventLog:
        """Read, change and write one log as one step; returns it as it was written."""
        self._prepare()
        with self._engine.begin() as connection:
            return self._changed(connection, key, change)

    def _changed(self, connection: Connection, key: Key, change: Callable[[EventLog], EventLog]) -> EventLog:
        table, here = self._table, (self._table.c.name == key.name, self._table.c.subscription == key.subscription)
        # Written first, so that SQLite takes its lock before it reads.
        connection.execute(
            text(
                f"INSERT INTO {table.fullname} (name, subscription, log) "  # noqa: S608 - our own table's name
                "VALUES (:name, :subscription, :log) ON CONFLICT DO NOTHING"
            ),
            {**key._asdict(), "log": _written(EventLog())},
        )
        stored = connection.execute(select(table.c.log).where(*here).with_for_update()).scalar_one()
        changed = change(_STORED.validate_json(stored))
        connection.execute(table.update().where(*here).values(log=_written(changed)))
        return changed


def counts(log: EventLog) -> dict[str, int]:
    """What an operator wants to know of a log; ``gaps`` are events that never came, ``open`` those that still may."""
    return {
        "received": log.received,
        "duplicates": log.duplicates,
        "gaps": log.missed,
        "recovered": log.recovered,
        "restarts": log.restarts,
        "open": sum(each.size for each in log.gaps),
    }


def totals(logs: Mapping[Key, EventLog]) -> dict[str, int]:
    """The counts of all Subscriptions together."""
    sums = Counter(counts(EventLog()))
    for each in logs.values():
        sums.update(counts(each))
    return dict(sums)


def _all_noted(heard: Iterable[Heard], log: EventLog) -> EventLog:
    for each in heard:
        log = noted(log, each)
    return log


def _written(log: EventLog) -> str:
    return _STORED.dump_json(log).decode()
