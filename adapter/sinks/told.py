"""Where something could not be written: one line that names the place, for the operator to mend."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapter.errors import UsageError

_Refused = (OSError, sqlite3.OperationalError)


@contextmanager
def told_of(out: Path) -> Iterator[None]:
    """A folder that cannot be written is the operator's to mend.

    Raises:
        UsageError: what is wrong with it.
    """
    try:
        yield
    except _Refused as error:
        raise UsageError(f"{out} cannot be written ({_reason(error)}). Name another folder with --out.") from error


@contextmanager
def told_of_temporary() -> Iterator[None]:
    """A run that leaves nothing writes its index where temporary files are, and nowhere else.

    Raises:
        UsageError: what is wrong there.
    """
    try:
        yield
    except _Refused as error:
        place = f"the folder for temporary files{_temporary()}"
        raise UsageError(f"{place} cannot be written ({_reason(error)}). Name another with TMPDIR.") from error


def _temporary() -> str:
    try:
        return f", {tempfile.gettempdir()},"
    except OSError:  # none of those that are tried can be written
        return ""


def _reason(error: Exception) -> object:
    return error.strerror if isinstance(error, OSError) else error
