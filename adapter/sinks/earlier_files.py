"""What a folder holds of earlier answers, and what writing new ones over them would change. Nothing is written.

The old files are gone through once, and of each answer only its id and its place in the file are kept, in a temporary
database that SQLite moves to disk when it grows; an answer is read when its claim's turn comes. So looking at old
answers takes the same memory for a million as for a thousand, and new ones may come in any order; what the comparison
finds is kept by ``sync/foreseen.py``, in the same way.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.claim_response import response_id
from adapter.answers.difference import difference
from adapter.answers.operation_outcome import NAMELESS, UNREADABLE, fhir_id
from adapter.errors import UsageError
from adapter.evidence.references import Json, parse_reference
from adapter.sinks.in_place import standing
from adapter.sinks.on_server import changed_elements

KINDS = ("ClaimResponse", "OperationOutcome")
_HEAD = re.compile(rb'\{"resourceType":"[A-Za-z]+","id":"([A-Za-z0-9\-.]{1,64})"[,}]')
"""How a line that we wrote begins; any other line is parsed."""

_SCHEMA = """
CREATE TABLE old (kind TEXT, id TEXT, place INTEGER, taken INTEGER DEFAULT 0, PRIMARY KEY (kind, id)) WITHOUT ROWID
"""


class EarlierAnswers:
    """The answers that a folder holds, found by their claim; a context manager.

    ``compare`` takes each new answer once; afterwards ``left`` tells which old ones none of them was compared with.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.unreadable = 0
        self._open = ExitStack()
        self._files: dict[str, BinaryIO] = {}
        self._index = sqlite3.connect("", isolation_level=None)  # a temporary database of its own, gone when closed
        self._open.callback(self._index.close)

    def __enter__(self) -> Self:
        return self.opened()

    def opened(self) -> Self:
        """Ready to compare.

        Raises:
            UsageError: the folder cannot be read.
        """
        try:
            self._read()
        except OSError as error:
            self._open.close()
            raise self._cannot_be_read(error) from error
        return self

    def _cannot_be_read(self, error: OSError) -> UsageError:
        return UsageError(f"the old answers in {self.out} cannot be read ({error.strerror}).")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def compare(self, answer: Answer) -> Written:
        """What writing an answer would do, and what it says otherwise than the old one."""
        new = answer.response or answer.outcome or {}
        old = self._take(answer, new)
        if old is None:
            return Written(answer.claim, Action.CREATED, difference=difference(None, new))
        if {**old, "created": None} == {**new, "created": None}:
            return Written(answer.claim, Action.UNCHANGED)
        return Written(answer.claim, Action.UPDATED, difference=difference(old, new, changed_elements(old, new)))

    def seen(self, claim: str) -> None:
        """That the answer to a claim is compared elsewhere, by another process: what it had is not left."""
        for kind, id in _derived(claim).items():
            self._mark(kind, id)

    def left(self) -> Iterator[Written]:
        """The old answers that nothing would take the place of, in the order of the files."""
        rows = self._index.execute("SELECT kind, place FROM old WHERE NOT taken ORDER BY kind, place")
        for kind, place in rows:
            old = self._at(kind, place)
            if old is not None:
                yield Written(_claim_of(old), Action.REMOVED, difference=difference(old, None))

    def warnings(self) -> list[str]:
        """What somebody has to know of the old answers."""
        if not self.unreadable:
            return []
        return [f"{self.unreadable} lines of the old answers in {self.out} could not be read and count as not there"]

    def _take(self, answer: Answer, new: Json) -> Json | None:
        """The old answer to the claim of a new one, of whichever kind it is."""
        found = [self._take_one(kind, id) for kind, id in _ids(answer, new)]
        return next((each for each in found if each is not None), None)

    def _take_one(self, kind: str, id: str) -> Json | None:
        row = self._index.execute("SELECT place FROM old WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        if row is None:
            return None
        self._mark(kind, id)
        return self._at(kind, row[0])

    def _mark(self, kind: str, id: str) -> None:
        self._index.execute("UPDATE old SET taken = 1 WHERE kind = ? AND id = ?", (kind, id))

    def _at(self, kind: str, place: int) -> Json | None:
        file = self._files[kind]
        try:
            file.seek(place)
            line = file.readline()
        except OSError as error:
            raise self._cannot_be_read(error) from error
        return self._parsed(line)

    def _read(self) -> None:
        self._index.execute("PRAGMA journal_mode = OFF")
        self._index.execute(_SCHEMA)
        self._index.execute("BEGIN")
        for kind in KINDS:
            path = standing(self.out, f"{kind}.ndjson")
            if path.is_file():
                self._files[kind] = self._open.enter_context(path.open("rb"))
                rows = ((kind, id, place) for id, place in self._places(self._files[kind]))
                self._index.executemany("INSERT OR REPLACE INTO old (kind, id, place) VALUES (?, ?, ?)", rows)

    def _places(self, file: BinaryIO) -> Iterator[tuple[str, int]]:
        """The id of each answer of a file, and the byte at which its line begins."""
        place = 0
        for line in file:
            if match := _HEAD.match(line):
                yield match[1].decode(), place
            elif line.strip() and (resource := self._parsed(line)) is not None:
                yield str(resource["id"]), place
            place += len(line)

    def _parsed(self, line: bytes) -> Json | None:
        try:
            resource = orjson.loads(line)
        except orjson.JSONDecodeError:
            resource = None
        if isinstance(resource, dict) and "id" in resource:
            return resource
        self.unreadable += 1
        return None


def _ids(answer: Answer, new: Json) -> list[tuple[str, str]]:
    """Under which kinds and ids the answer to the claim may stand; its own kind comes first."""
    kind = str(new.get("resourceType"))
    ids = {kind: str(new.get("id"))}
    if answer.claim:
        ids = ids | {each: id for each, id in _derived(answer.claim).items() if each != kind}
    return list(ids.items())


def _derived(claim: str) -> dict[str, str]:
    return {"ClaimResponse": response_id(claim), "OperationOutcome": str(fhir_id(claim))}


def _claim_of(old: Json) -> str | None:
    """The claim that an old answer is to; an outcome has its claim's id, or one that says that there was none."""
    if old.get("resourceType") == "ClaimResponse":
        pointer = parse_reference(old.get("request"))
        return pointer.local.removeprefix("Claim/") if pointer is not None and pointer.local else None
    id = str(old.get("id"))
    return None if id.startswith((UNREADABLE, NAMELESS)) else id
