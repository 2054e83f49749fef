"""One pass over a folder: everything is entered in the index, and what cannot be read is told.

A line of one of the masses (``relevance``) that cannot matter by itself is parsed and entered under its key, no more.
That is the bulk of a payer's export, so this loop is what the pass costs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import IO

import orjson

from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.evidence.versions import majority, surroundings
from adapter.fhir.paths import is_type_name
from adapter.fhir.version import STATEMENTS, told_version
from adapter.limits import Limits
from adapter.sources.folder.index import Index
from adapter.sources.folder.names import by_another_name
from adapter.sources.folder.relevance import Relevance
from adapter.sources.folder.tokens import about, entered, links, numbered, patients, sessions
from adapter.sources.folder.unchanged import Entered, refuse_changed
from adapter.sources.guarded import state_of
from adapter.sources.json_text import is_all_of
from adapter.sources.oversize import within_limits
from adapter.sources.reader import FileReader
from adapter.sources.walk import Reading, files_under, is_ndjson

Tell = Callable[[int], None]
"""Hears how many bytes are read."""


@dataclass
class Contents:
    """What the pass found that is not in the index."""

    reading: Reading
    votes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How many resources of a file or folder tell which FHIR version they are in."""
    told: Counter[str] = field(default_factory=Counter)
    """How many resources tell each version."""
    statements: list[int] = field(default_factory=list)
    """Places of resources that name the version of what stands beside them."""
    bytes: int = 0
    """How much was read, unpacked."""
    base: str | None = None
    """The service base that resources without another are of."""
    other_names: bool = False
    """Whether something that matters refers, or is referred to, by another name than ``Type/id``."""

    def version(self) -> str | None:
        """The version that some resources tell, where none tells another."""
        return next(iter(self.told)) if len(self.told) == 1 else None

    def versions(self) -> dict[str, str | None]:
        """The version that most resources of each file and folder tell; None where two have as many."""
        return {name: majority(votes) for name, votes in self.votes.items()}


@dataclass
class Scan:
    """``in_scope`` tells of a Claim whether it is ours; ``spools`` makes the copy of a packed file's text."""

    source: Path
    index: Index
    relevance: Relevance
    in_scope: Callable[[Located], bool]
    limits: Limits
    spools: Callable[[Path], IO[bytes]]
    contents: Contents
    _bundles: Iterator[int] = field(default_factory=count)
    _aside: Counter[str] = field(default_factory=Counter)
    """How many lines of this file that are put aside tell each version."""
    _bundle: int = 0
    """The number of the next Bundle."""

    def run(self, tell: Tell) -> None:
        """Enter everything; faults go to the reading."""
        done = 0
        for path, shown in files_under(self.source, self.contents.reading):
            reader = FileReader(path, self.source, shown, self.contents.reading, self.limits, self._numbers())
            if is_ndjson(path):
                done = self._lines(reader, done, tell)
            else:
                done += self._document(reader)
                tell(done)
            reader.finish()
        self.contents.bytes = done
        self.index.complete()

    def _numbers(self) -> Iterator[int]:
        """Numbers for Bundles, remembering the next."""
        for bundle in self._bundles:
            self._bundle = bundle + 1
            yield bundle

    def _document(self, reader: FileReader) -> int:
        state = state_of(reader.path)  # before it is read: what is written in the meantime is seen afterwards
        content = reader.content()
        if content is None:
            return 0
        refuse_changed([Entered(reader.path, reader.shown, state)])
        file = self.index.file(reader.path, reader.shown, state)
        unit = self.index.unit(file, 0, 0, None, self._bundle)
        self._enter(unit, list(reader.document(content)), content)
        return len(content)

    def _lines(self, reader: FileReader, before: int, tell: Tell) -> int:
        spool = self.spools(reader.path) if reader.path.name.lower().endswith(".gz") else None
        scanned = Entered(reader.path, reader.shown, state_of(reader.path))
        entered = Entered(Path(spool.name), reader.shown, "") if spool else scanned
        file = self.index.file(*entered)
        end = 0
        for start, line, row in reader.lines(spool):
            end = start + len(line)
            resource = _resource_in(line) if len(line) <= self.limits.max_json_bytes else None
            if resource is None or not self._passed_over(resource, file, start, line, row):
                self._line(reader, resource, file, start, line, row)
            if row % 1000 == 0:
                tell(before + end)
        if spool:
            spool.close()
        refuse_changed([scanned])
        for name in surroundings(Located({}, file=reader.shown)) if self._aside else ():
            self.contents.votes[name].update(self._aside)
        self.contents.told.update(self._aside)
        self._aside.clear()
        return before + end

    def _passed_over(self, resource: Json, file: int, start: int, line: bytes, row: int) -> bool:
        """Enter a line that cannot matter by itself under its key; False of any other, and of what is not plain."""
        kind, id = resource["resourceType"], resource.get("id")
        if kind not in self.relevance.masses or not isinstance(id, str) or not id:
            return False
        if self.relevance.matters(kind, resource, line):
            return False
        self._notice(kind, resource, line)
        if (version := told_version(resource)) is not None:
            self._aside[version] += 1
        self.contents.reading.resources += 1
        tokens = links(kind, resource) if kind == "Claim" else numbered(resource)
        self.index.aside(f"{kind}/{id}", file, start, len(line), row, tokens)
        return True

    def _line(self, reader: FileReader, resource: Json | None, file: int, start: int, line: bytes, row: int) -> None:
        """Enter what stands on a line; most are one resource with nothing wrong, and need no second look."""
        if resource is None or not _is_plain(resource["resourceType"]) or not is_all_of(line, resource):
            unit = self.index.unit(file, start, len(line), row, self._bundle)
            self._enter(unit, list(reader.line(line, row)), line)
            return
        located = Located(resource, file=reader.shown, line=row)
        within = within_limits(located, self.limits)
        self.contents.reading.resources += 1
        unit = self.index.unit(file, start, len(line), row, 0, plain=within is located)
        self._enter(unit, [within], line)

    def _enter(self, unit: int, found: list[Located], content: bytes) -> None:
        for located in found:
            if located.full_url and located.base is None:
                self.contents.other_names = True
            self._notice(located.kind, located.resource, content)
            self._resource(unit, located, content if len(found) == 1 else None)

    def _notice(self, kind: str, resource: Json, content: bytes) -> None:
        """Remember that tokens of other names are needed, when they are; one resource that says so is enough."""
        if not self.contents.other_names and kind in self.relevance.kinds:
            self.contents.other_names = by_another_name(content, resource)

    def _resource(self, unit: int, located: Located, content: bytes | None) -> None:
        """Enter a resource; ``content`` is its text where it stands alone in it."""
        resource, kind = located.resource, located.kind
        self._count_version(unit, located)
        key = located.local if located.id else located.key
        ours = kind == "Claim" and self.in_scope(located)
        subject, *others = patients(resource) or ((key,) if ours else (None,))
        self.index.resource(unit, key, subject, scope=self._scope(located), ours=ours, claim=kind == "Claim")
        self.index.link(unit, (about(each) for each in others if each))
        self.index.link(unit, links(kind, resource))
        self.index.link(unit, entered(located))
        if kind in ("Procedure", "Encounter") and self._may_be_held(kind, resource, content):
            self.index.link(unit, sessions(kind, resource))

    def _may_be_held(self, kind: str, resource: Json, content: bytes | None) -> bool:
        """Whether it may be a session of ours with somebody; a line that cannot was put aside."""
        return content is not None or self.relevance.matters(kind, resource, orjson.dumps(resource))

    def _scope(self, located: Located) -> str:
        """As the store tells servers apart."""
        if located.base is None or located.kind == "Claim":
            return ""
        self.contents.base = self.contents.base or located.base
        return "" if located.base == self.contents.base else located.base

    def _count_version(self, unit: int, located: Located) -> None:
        if located.kind in STATEMENTS:
            self.contents.statements.append(unit)
        version = told_version(located.resource)
        if version is not None:
            self.contents.told[version] += 1
            for name in surroundings(located):
                if not name.startswith("Bundle "):
                    self.contents.votes[name][version] += 1


def _resource_in(line: bytes) -> Json | None:
    """The resource that a line holds, if it does; whatever else there is to say of the line is found by ``reader``."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("resourceType"), str) else None


@lru_cache(maxsize=1000)
def _is_plain(kind: str) -> bool:
    return kind != "Bundle" and is_type_name(kind)
