"""Writes answers to a folder: one NDJSON file per kind, written beside and renamed into place.

A crash leaves the old output or the new (``in_place``). The order of lines depends only on what is in them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from adapter.answers.answer import Answer
from adapter.evidence.references import Json
from adapter.sinks.in_place import FILES, folder_beside, heal, put_in_place, refuse_folders, synced, take_away
from adapter.sinks.spool import NAMES, Order, Spool, Spooled
from adapter.sinks.told import told_of


class AnswerFiles:
    """The answers of one run, collected beside the folder's files and put in their place at the end; a context manager.

    Raises:
        UsageError: the folder cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        with told_of(out):
            self._made = [each for each in (out, *out.parents) if not each.exists()]
            out.mkdir(parents=True, exist_ok=True)
            refuse_folders(out)
            heal(out)
            self.beside = folder_beside(out)
            self._own: Spool | None = None
            try:
                self._order = Order(self.beside)
            except BaseException:
                self._take_away(sys.exception())
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._order.close()
        self._take_away(error)

    def _take_away(self, error: BaseException | None) -> None:
        """Leave nothing beside the answers; a disk may be too full even for what is only waiting to be written."""
        if self._own is not None:
            with suppress(OSError):
                self._own.close()
        take_away(self.beside, self.out)
        if error is not None:  # a folder that was made for the answers, and holds none, is nobody's
            with suppress(OSError):
                for each in self._made:
                    each.rmdir()

    def add(self, answers: Iterable[Answer]) -> None:
        """Take answers that this process decided."""
        with told_of(self.out):
            self._own = self._own or Spool(self.beside, "own")
            self.collect([self._own.add(each) for each in answers])

    def collect(self, spooled: Iterable[Spooled]) -> None:
        """Take answers that stand in a spool beside the files."""
        with told_of(self.out):
            self._order.add(spooled)

    def write(self, summary: Json) -> None:
        """Everything is collected: all files are complete on disk before the first takes its place."""
        with told_of(self.out):
            if self._own is not None:
                self._own.flush()
            for number, name in enumerate(NAMES):
                with synced(self.beside / name) as path, path.open("wb") as file:
                    self._order.write(number, file)
            with synced(self.beside / FILES[-1]) as path:
                path.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            heal(self.out)  # of a run that was killed since: what it completed is older than this
            put_in_place(self.beside, self.out)
