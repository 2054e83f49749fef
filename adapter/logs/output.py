"""The one way out: whatever is logged, by us or by a library, becomes a line of listed keys on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from adapter.logs.events import Event
from adapter.logs.faults import kind
from adapter.logs.foreign import fields_of
from adapter.logs.keys import only_listed
from adapter.logs.settings import LogFormat

Fields = dict[str, str | int | float]


class SafeFormatter(logging.Formatter):
    """Writes what is on the allow-list. It never asks a record for its message, which would fill in the arguments."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._render = _as_json if form is LogFormat.JSON else _for_people

    def format(self, record: logging.LogRecord) -> str:
        said: Mapping[str, Any] = record.msg if isinstance(record.msg, Event) else fields_of(record)
        instant = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"timestamp": instant.replace("+00:00", "Z"), "level": record.levelname.lower()}
        return self._render(only_listed({**head, **said}))


class StderrHandler(logging.StreamHandler[TextIO]):
    """Stderr as it is when something is said."""

    def __init__(self, form: LogFormat) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(SafeFormatter(form))

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        """Stderr it stays."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - its name in the library
        """Say that a line is lost; the library would print the record with its arguments."""
        error = sys.exc_info()[1]
        why = kind(error) if error else "unknown"
        try:
            sys.stderr.write(f"a log line of {record.filename}:{record.lineno} is lost: {why}\n")
        except (OSError, ValueError):  # stderr is closed: nobody is left to be told
            return


def _as_json(fields: Fields) -> str:
    return str(structlog.processors.JSONRenderer()(None, "", fields))


def _for_people(fields: Fields) -> str:
    """``2026-01-31T12:00:00.000Z warning  database.away  attempt=1 failed=OperationalError``."""
    head = " ".join(str(fields.pop(name, "?")) for name in ("timestamp", "level", "event"))
    return f"{head} {structlog.processors.LogfmtRenderer(sort_keys=True)(None, '', fields)}".rstrip()
