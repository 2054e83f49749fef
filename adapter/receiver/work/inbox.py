"""What was notified and is not worked off yet, in a database: rows of DBOS workflows, so that no crash loses one.

A group of notifications is one row, written in one transaction. What is worked off is deleted; a hint that keeps
failing stays as a failed workflow until somebody retries or drops it. Hints are ``Type/id``: no health data is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dbos import EnqueueOptions, WorkflowStatus
from pydantic import TypeAdapter

from adapter.durable.database import SameFile
from adapter.durable.rows import Application, Rows, arguments
from adapter.notifications.model import Heard

APPLICATION = "coaching-adapter"
FORMAT = "1"
"""Version of what the rows hold. DBOS gives work only to a process of the same, by default one of equal code."""
QUEUE = "notifications"
RECONCILE, RECONSIDER = "reconcile", "reconsider"
PROCESSES, PRESENT = "processes", "present"
"""A queue that nobody works off: its rows only show who is there."""
MOST_TOGETHER = 10_000
"""Groups that are taken together: after an outage they name the same claims again and again."""
SERVING = Application(APPLICATION, FORMAT, (RECONCILE, RECONSIDER), PRESENT, PROCESSES)
_HEARD = TypeAdapter(list[Heard])
_FAILED = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Group(NamedTuple):
    """What one row holds."""

    hints: list[str]
    heard: list[Heard]


@dataclass(frozen=True, slots=True)
class Failure:
    """A hint that was given up."""

    id: str
    hint: str
    attempts: int
    reason: str
    since: float
    """Seconds since 1970."""


class Inbox(Rows):
    """The rows, for whoever adds, takes or looks at them; needs a database that a ``Worker`` has prepared."""

    def __init__(self, url: str) -> None:
        self._file = SameFile(url)
        super().__init__(url, SERVING)

    def check(self) -> None:
        """Raise what the database says when it cannot be reached."""
        self._file.check()
        self._client.check_connection()

    def put(self, hints: Sequence[str], heard: Sequence[Heard] = ()) -> None:
        """Make hints durable, and what was heard with them, in one transaction."""
        self._file.check()
        # As one text: DBOS copies what it stores value by value, a third of the work of storing a group.
        told = _HEARD.dump_json(list(heard), exclude_defaults=True).decode()
        self._client.enqueue(_options(RECONCILE), list(hints), told)

    def put_later(self, hint: str, attempts: int, reason: str, seconds: float) -> None:
        """Have a hint tried again after a while; the same attempt at a hint is put once."""
        options = _options(RECONSIDER)
        options["delay_seconds"] = seconds
        options["deduplication_id"] = f"{hint}:{attempts}"
        options["duplication_policy"] = "return-existing"
        self._client.enqueue(options, hint, attempts, reason)

    def waiting(self) -> dict[str, Group]:
        """Each group that nobody has begun to work on, oldest first."""
        rows = self._client.list_workflows(
            name=RECONCILE, queue_name=QUEUE, status="ENQUEUED", limit=MOST_TOGETHER, load_output=False
        )
        return {row.workflow_id: read_group(*arguments(row)) for row in rows}

    def remove_finished(self) -> None:
        """Forget what was worked off earlier."""
        done = self._client.list_workflows(
            name=[RECONCILE, RECONSIDER], status="SUCCESS", limit=MOST_TOGETHER, load_input=False, load_output=False
        )
        self.remove(each.workflow_id for each in done)

    def depth(self) -> Counter[str]:
        """Rows by ``waiting``, ``in_hand``, ``retrying`` and ``failed``, of the oldest ``MOST_TOGETHER``."""
        rows = self._client.list_workflows(
            name=[RECONCILE, RECONSIDER],
            status=["ENQUEUED", "DELAYED", "PENDING", *_FAILED],
            limit=MOST_TOGETHER,
            load_input=False,
            load_output=False,
        )
        return Counter(_state(row) for row in rows)

    def failures(self) -> list[Failure]:
        """What was given up, oldest first."""
        rows = self._client.list_workflows(name=[RECONCILE, RECONSIDER], status=_FAILED)
        return [failure for row in rows for failure in _failures(row)]

    def succeeded(self, hints: Iterable[str]) -> None:
        """Forget what was given up, and came to a good end after all by a later notification."""
        good, rows = set(hints), dict[str, set[str]]()
        for failure in self.failures():
            rows.setdefault(failure.id, set()).add(failure.hint)
        self.remove(id for id, failed in rows.items() if failed <= good)

    def retry(self, failure: Failure) -> None:
        """Take a hint up again, as if it had just been notified."""
        self.put([failure.hint])
        self.remove([failure.id])


def read_group(hints: Sequence[str], heard: str) -> Group:
    """A row as it was put."""
    return Group(list(hints), _HEARD.validate_json(heard))


def _options(name: str) -> EnqueueOptions:
    return {"workflow_name": name, "queue_name": QUEUE, "app_version": FORMAT}


def _state(row: WorkflowStatus) -> str:
    if row.status in _FAILED:
        return "failed"
    if row.status == "PENDING":
        return "in_hand"
    return "waiting" if row.name == RECONCILE else "retrying"


def _failures(row: WorkflowStatus) -> list[Failure]:
    """A failed row as failures: a group that brought the process down again and again is one for each of its hints."""
    since = (row.created_at or 0) / 1000
    told = arguments(row)
    if row.name == RECONSIDER:
        hint, attempts, reason = told
        return [Failure(row.workflow_id, str(hint), int(attempts), str(row.error or reason), since)]
    reason = str(row.error or "the process ended each time this was worked on")
    return [Failure(row.workflow_id, str(each), 0, reason, since) for each in (told[0] if told else ())]
