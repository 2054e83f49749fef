"""All that can speak about some patients' claims, read from a folder that was scanned into a store.

It begins with the claims, goes on to what is about their patients, to what anything of it refers to and what refers to
it, until nothing is new; then to what the same coaches did with others at the time.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import orjson

from adapter.errors import InputError, SourceError
from adapter.evidence.store import EvidenceStore, Located
from adapter.limits import Limits
from adapter.sources.folder.index import Due, Index, Unit
from adapter.sources.folder.tokens import (
    days,
    days_around,
    held,
    links,
    patient,
    references,
)
from adapter.sources.guarded import read_guarded, state_of
from adapter.sources.reader import FileReader
from adapter.sources.walk import Reading

COACHES = ("Practitioner/", "PractitionerRole/")
MOST_OPEN = 200
"""Files kept open at once."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What holds of all the input, and a part of it does not tell."""

    root: Path
    limits: Limits
    base: str | None
    versions: Mapping[str, str | None]
    version: str | None
    statements: Sequence[int]
    tangled: bool
    """Whether a portion has to be all there is."""


@dataclass
class Portions:
    """Reads portions of a folder; one for each process, for it keeps files open. Close it."""

    index: Index
    whole: Whole
    _files: dict[int, tuple[Path, str, str]] = field(default_factory=dict)
    _open: dict[int, int] = field(default_factory=dict)

    def close(self) -> None:
        for handle in self._open.values():
            os.close(handle)
        self._open.clear()

    def of(self, claims: Sequence[Due]) -> EvidenceStore:
        """The store from which these claims are decided as they would be from all there is."""
        if self.whole.tangled:
            store = EvidenceStore()
            for unit in self.index.units():
                store.extend(self.read(unit)[0])
            return store
        store = EvidenceStore(base=self.whole.base, majorities=self.whole.versions, version=self.whole.version)
        _Gathering(self, store).gather(claims)
        return store

    def read(self, unit: Unit) -> tuple[list[Located], bytes]:
        """The resources of a place, and the text they stand in; what is wrong with it was told by the scan.

        Raises:
            SourceError: the file is not as it was then.
        """
        path, shown, state = self._file(unit.file)
        try:
            return self._resources(unit, path, shown, state)
        except (OSError, InputError, orjson.JSONDecodeError) as error:
            raise _changed(shown) from error

    def _resources(self, unit: Unit, path: Path, shown: str, state: str) -> tuple[list[Located], bytes]:
        if unit.plain:
            content = os.pread(self._handle(unit.file, path, state), unit.length, unit.start)
            return [Located(orjson.loads(content), file=shown, line=unit.line)], content
        reader = FileReader(path, self.whole.root, shown, Reading(), self.whole.limits, count(unit.bundle))
        if unit.line is None:
            if state_of(path) != state:
                raise _changed(shown)
            content = read_guarded(path, self.whole.root, self.whole.limits)
            return list(reader.document(content)), content
        content = os.pread(self._handle(unit.file, path, state), unit.length, unit.start)
        return list(reader.line(content, unit.line)), content

    def _file(self, number: int) -> tuple[Path, str, str]:
        if not self._files:
            self._files = self.index.files()
        return self._files[number]

    def _handle(self, number: int, path: Path, state: str) -> int:
        if number not in self._open:
            if len(self._open) >= MOST_OPEN:
                os.close(self._open.pop(next(iter(self._open))))
            if state and state_of(path) != state:
                raise _changed(self._file(number)[1])
            self._open[number] = os.open(path, os.O_RDONLY)
        return self._open[number]


def _changed(shown: str) -> SourceError:
    return SourceError(f"{shown} changed while it was read", "run it again when nothing writes to the folder")


@dataclass
class _Gathering:
    """One portion while it is being gathered: what is wanted, and what was asked for already."""

    source: Portions
    store: EvidenceStore
    _read: set[int] = field(default_factory=set)
    _keys: set[str] = field(default_factory=set)
    _patients: set[str] = field(default_factory=set)
    _tokens: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    _people: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Coaches named in what is about a patient, and ..."""
    _days: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """... the days it speaks of."""

    def gather(self, claims: Sequence[Due]) -> None:
        index = self.source.index
        self._keys |= {each.key for each in claims}
        self._patients |= {each.patient for each in claims}
        self._take(index.numbered(self.source.whole.statements))
        self._chase()
        self._take(index.linked(set(self._sessions_elsewhere())), follow=COACHES)
        self._chase(COACHES)

    def _chase(self, only: tuple[str, ...] = ()) -> None:
        """Read what is wanted until nothing more is."""
        index = self.source.index
        while wanted := [each - self._asked for each in (self._patients, self._keys, self._tokens)]:
            if not any(wanted):
                return
            about, keys, tokens = wanted
            self._asked |= about | keys | tokens
            # A key is also a token of what refers to it from the other end.
            self._take(index.about(about), only)
            self._take(index.keyed(keys | about), only)
            self._take(index.linked(tokens | about | keys), only)

    def _take(self, units: Iterable[Unit], follow: tuple[str, ...] = ()) -> None:
        for unit in units:
            if unit.id not in self._read:
                self._read.add(unit.id)
                found, content = self.source.read(unit)
                self.store.extend(found)
                self._follow(found, content, follow)

    def _follow(self, found: Sequence[Located], content: bytes, only: tuple[str, ...]) -> None:
        named = references(content)
        self._keys.update(each.local for each in found)  # a newer version may say otherwise
        if only:
            self._keys |= {each for each in named if each.startswith(only)}
            return
        self._keys |= named
        for located in found:
            if located.kind == "Claim":
                self._tokens.update(links("Claim", located.resource))
                self._patients.update(filter(None, (patient(located.resource),)))
            self._note_sessions(located, named)

    def _note_sessions(self, located: Located, named: set[str]) -> None:
        if located.kind in ("Claim", "Encounter", "Procedure"):
            whose = patient(located.resource) or located.key
            self._people[whose].update(each for each in named if each.startswith(COACHES))
            self._days[whose] |= days(located.resource)

    def _sessions_elsewhere(self) -> Iterator[str]:
        """The tokens of the sessions that the coaches of a patient held on the patient's days."""
        known_as = self._known_as()
        for whose, people in self._people.items():
            around = {near for day in self._days[whose] for near in days_around(day)}
            names = {name for each in people for name in known_as.get(each, {each})}
            yield from (held(name, day) for name in names for day in around)

    def _known_as(self) -> dict[str, set[str]]:
        """A practitioner and the roles of one are the same person."""
        found: dict[str, set[str]] = defaultdict(set)
        for role in self.store.all("PractitionerRole"):
            owner = self.store.key_of(role.resource.get("practitioner"), role)
            if owner is not None:
                found[owner] |= {owner, role.local}
        return found | {name: names for owner, names in list(found.items()) for name in names}
