"""``coaching-adapter failures``: what ``serve`` gave up, for a person to retry or drop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from adapter.cli.commands import OK
from adapter.cli.console import console, folding, print_json
from adapter.durable.database import configured_database
from adapter.errors import SourceError, UsageError
from adapter.evidence.references import Json
from adapter.receiver.work.inbox import Failure, Inbox
from adapter.settings import load_settings


def show(hint: str | None, output_format: str) -> int:
    """Print the failures, or those of one resource."""
    with opened_inbox() as inbox:
        failures = _chosen(inbox, hint)
    if output_format == "json":
        print_json([as_json(each) for each in failures])
        return OK
    table = folding("Changed", "Attempts", "Since", "Reason")
    for each in failures:
        table.add_row(*map(Text, (each.hint, str(each.attempts), since(each), each.reason)))
    console().print(table if failures else "Nothing was given up.")
    return OK


def retry(hint: str | None) -> int:
    """Take one failure up again, or all of them; a running ``serve`` sees to it."""
    with opened_inbox() as inbox:
        for each in _chosen(inbox, hint):
            inbox.retry(each)
    return OK


def drop(hint: str) -> int:
    """Forget the failures of one resource."""
    with opened_inbox() as inbox:
        inbox.remove(dict.fromkeys(each.id for each in _of(inbox, hint)))
    return OK


def _chosen(inbox: Inbox, hint: str | None) -> Sequence[Failure]:
    return inbox.failures() if hint is None else _of(inbox, hint)


def _of(inbox: Inbox, hint: str) -> list[Failure]:
    """The failures of one resource.

    Raises:
        UsageError: it has none.
    """
    found = [each for each in inbox.failures() if each.hint == hint]
    if not found:
        raise UsageError("there is no such failure; `coaching-adapter failures list` prints them.")
    return found


@contextmanager
def opened_inbox() -> Iterator[Inbox]:
    """The inbox of the settings.

    Raises:
        SourceError: its database cannot be read.
    """
    with read_or_refused(), Inbox(configured_database(load_settings())) as inbox:
        yield inbox


@contextmanager
def read_or_refused() -> Iterator[None]:
    """Around what looks into the database.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        yield
    except SQLAlchemyError as error:
        hint = "Was serve ever started with these settings, and is the database there?"
        raise SourceError("the database of notifications cannot be read", hint) from error


def since(failure: Failure) -> str:
    """When it was given up."""
    return datetime.fromtimestamp(failure.since, UTC).isoformat(timespec="seconds")


def as_json(failure: Failure) -> Json:
    """As the commands print it."""
    return {
        "changed": failure.hint,
        "attempts": failure.attempts,
        "since": since(failure),
        "reason": failure.reason,
    }
