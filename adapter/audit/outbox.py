"""Audit events on their way to a server: on the disk before the answers go out, removed when the server has them.

Each has an id of its own and is put under it, so that a second attempt ends as one. The file holds only what is owed.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from adapter.audit.r5 import as_r5
from adapter.errors import AuditError, SourceError
from adapter.evidence.references import Json
from adapter.processes import is_alive
from adapter.sources.faults import issue_codes
from adapter.sources.fhir_client import FhirClient, batched
from adapter.sources.refusals import Refused

MOST_ENTRIES = 100
_BUSY_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS owed (
    number INTEGER PRIMARY KEY, server TEXT NOT NULL, process INTEGER NOT NULL, event TEXT NOT NULL
);
"""
_LINKS = frozenset({400, 404, 409, 412, 422})
"""What servers answer when a reference leads nowhere any more."""


class Outbox:
    """What one process owes to one server, and what processes that ended left."""

    def __init__(self, path: Path, server: str) -> None:
        self._path, self._server, self._turn = path, server, Lock()
        self._client: FhirClient | None = None
        self._sending = asyncio.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._db.executescript(f"PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; {_SCHEMA}")
        except (OSError, sqlite3.Error) as error:
            raise self._unusable() from error

    def close(self) -> None:
        """Nothing more is put or sent; what is owed stays."""
        self._db.close()

    def through(self, client: FhirClient) -> None:
        """Send by this client from now on; a run may use several, one after the other."""
        self._client, self._sending = client, asyncio.Lock()

    def put(self, events: Sequence[bytes]) -> None:
        """Make events durable.

        Raises:
            AuditError: they are not.
        """
        rows = [(self._server, os.getpid(), each.decode()) for each in events]
        self._run("INSERT INTO owed (server, process, event) VALUES (?, ?, ?)", rows)

    async def settle(self) -> str:
        """Send what is owed; returns why some of it is owed still, empty when nothing is."""
        client = self._client
        if client is None:
            return ""
        async with self._sending:  # two would put the same event at a time
            owed = self._owed()
            try:
                for some in batched(owed, MOST_ENTRIES):
                    if problem := await self._sent(client, some):
                        return problem
            except SourceError as error:
                return f"{len(owed)} audit events could not be sent: {error}"
        return ""

    def _owed(self) -> list[tuple[int, Json]]:
        rows = self._rows("SELECT number, process, event FROM owed WHERE server = ? ORDER BY number", self._server)
        alive = {process: is_alive(process) for _, process, _ in rows}
        mine = ((number, event) for number, process, event in rows if process == os.getpid() or not alive[process])
        return [(number, orjson.loads(event)) for number, event in mine]

    async def _sent(self, client: FhirClient, some: Sequence[tuple[int, Json]]) -> str:
        in_r5 = str((await client.capabilities()).get("fhirVersion")).startswith("5")
        events = [as_r5(event) if in_r5 else event for _, event in some]
        replies = await _put_all(client, events)
        done = [(number,) for (number, _), status in zip(some, replies, strict=True) if status.startswith("2")]
        self._run("DELETE FROM owed WHERE number = ?", done)
        refused = sorted({status for status in replies if not status.startswith("2")})
        left = len(some) - len(done)
        return f"{left} audit events were refused by the server ({', '.join(refused)})" if left else ""

    def _run(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            with self._turn:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(statement, rows)
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise self._unusable() from error

    def _rows(self, query: str, value: str) -> list[tuple[int, int, str]]:
        try:
            with self._turn:
                return self._db.execute(query, (value,)).fetchall()
        except sqlite3.Error as error:
            raise self._unusable() from error

    def _unusable(self) -> AuditError:
        return AuditError(
            f"the audit events that wait for the server cannot be kept in {self._path}, so nothing more is read or "
            "written. Make room, or name another place by ADAPTER_LEDGER"
        )


async def _put_all(client: FhirClient, events: Sequence[Json]) -> list[str]:
    """The status of each; what is refused for what it refers to goes again without links."""
    replies = await _submit(client, events)
    again = [at for at, status in enumerate(replies) if _code(status) in _LINKS]
    second = await _submit(client, [unlinked(events[at]) for at in again]) if again else []
    for at, status in zip(again, second, strict=True):
        replies[at] = status
    return replies


async def _submit(client: FhirClient, events: Sequence[Json]) -> list[str]:
    requests = [{"method": "PUT", "url": f"AuditEvent/{each['id']}"} for each in events]
    entries = [{"resource": each, "request": request} for each, request in zip(events, requests, strict=True)]
    try:
        replies = await client.batch(entries)
    except Refused as refused:
        if len(events) > 1 and refused.status in _LINKS:  # HAPI refuses a batch whole for one entry
            middle = len(events) // 2
            return [*await _submit(client, events[:middle]), *await _submit(client, events[middle:])]
        return [f"{refused.status} {refused.codes}".strip()] * len(events)
    return [_status(each) for each in replies]


def unlinked(event: Json) -> Json:
    """The same with every reference as words: what it leads to may have been deleted meanwhile."""
    entities = [
        {**each, "what": {"display": each["what"]["reference"]}} if "reference" in each.get("what", {}) else each
        for each in event["entity"]
    ]
    # A pattern wants the patient's reference, so it is no such pattern any more.
    kept = {name: value for name, value in event.items() if name not in ("meta", "patient")}
    return {**kept, "entity": entities}


def _status(reply: Json) -> str:
    """Status and issue codes; the server's own words may quote the record."""
    codes = issue_codes(reply.get("outcome"))
    return f"{str(reply.get('status') or 'no status')[:3]} {codes}".strip()


def _code(status: str) -> int:
    return int(status[:3]) if status[:3].isdecimal() else 0
