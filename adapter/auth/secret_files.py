"""Secrets as they are held: given by a setting, or in a file that somebody else writes anew now and then."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from adapter.errors import AccessRefused, Step, UsageError

MOST_BYTES = 1_000_000
"""A JWK Set or a chain of certificates has some thousands."""
_Stamp = tuple[int, int, int]


class Secret(Protocol):
    """A secret that may be another one tomorrow."""

    def current(self, *, again: bool = False) -> str:
        """The secret as it is now; ``again`` when the last one was refused."""


class Given:
    """A secret that stays as it was given."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def current(self, *, again: bool = False) -> str:
        return self._secret.get_secret_value()


class InFile:
    """The secret in a file: without the line end, and read again when the file changed.

    An empty file is one that somebody writes at this moment: until it holds something, the last secret counts.

    Raises:
        UsageError: at the start there is no secret in it.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path.expanduser(), what
        self._secret = SecretStr(read_text(self._path, what))
        self._stamp: _Stamp | None = None
        if not self._secret.get_secret_value():
            raise UsageError(f"{what} has nothing in it")

    def current(self, *, again: bool = False) -> str:
        """As above.

        Raises:
            AccessRefused: the file went away.
        """
        try:
            stamp = _stamp(self._path)
            if again or stamp != self._stamp:
                written = read_text(self._path, self._what)
                self._secret, self._stamp = (SecretStr(written), stamp) if written else (self._secret, None)
        except (OSError, UsageError) as error:
            problem = f"{self._what} can no longer be read"
            raise AccessRefused(problem, "it is looked for again with the next request", step=Step.TOKEN) from error
        return self._secret.get_secret_value()


def read_small(path: Path, what: str) -> bytes:
    """The whole of a small file, called ``what`` in a message; never waits for a pipe.

    Raises:
        UsageError: it is not there, cannot be read, or is no file of that size.
    """
    try:
        with open(path.expanduser(), "rb", opener=_without_waiting) as file:
            content = file.read(MOST_BYTES + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError as error:
        raise UsageError(f"{what} cannot be read ({error.strerror})") from error
    if content is None:
        raise UsageError(f"{what} is no regular file")
    if len(content) > MOST_BYTES:
        raise UsageError(f"{what} has more than {MOST_BYTES} bytes")
    return content


def read_text(path: Path, what: str) -> str:
    """The text of a small file, without the line end.

    Raises:
        UsageError: as above, or it is no text.
    """
    try:
        return read_small(path, what).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError(f"{what} is no text in UTF-8") from None  # the cause quotes it


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _stamp(path: Path) -> _Stamp:
    """What changes with a file: secrets are often replaced by another file of the same name."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns, found.st_size
