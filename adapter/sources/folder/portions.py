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
from typing import NamedTuple

import orjson

from adapter.errors import InputError
from adapter.evidence.store import EvidenceStore, Located
from adapter.limits import Limits
from adapter.sources.folder.index import Due, Index, Unit
from adapter.sources.folder.names import aliases, is_number, is_plain, references
from adapter.sources.folder.tokens import about, days, days_around, held, links, owners, patients, roles
from adapter.sources.folder.unchanged import Entered, changed, refuse_changed
from adapter.sources.guarded import read_guarded
from adapter.sources.reader import FileReader
from adapter.sources.walk import Reading

COACHES = ("Practitioner/", "PractitionerRole/")
OF_SESSIONS = frozenset({"Encounter", "Procedure", "Practitioner", "PractitionerRole", "Patient", "Group"})
"""What tells who was with whom, and when; whatever else has an identifier may be what one of these names by it."""
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
    at_once: bool
    """Whether a portion has to be all there is."""
    other_names: bool
    """Whether anything refers by another name than ``Type/id``."""
    kinds: frozenset[str]
    """The types on which a decision can rest."""


class Portion(NamedTuple):
    """Claims, in the order they were asked for, with all that may speak about them, and the files it was read from."""

    claims: Sequence[Located]
    store: EvidenceStore
    files: frozenset[int]


@dataclass
class Portions:
    """Reads portions of a folder; one for each process, for it keeps files open. Close it."""

    index: Index
    whole: Whole
    _files: dict[int, Entered] = field(default_factory=dict)
    _open: dict[int, int] = field(default_factory=dict)
    _used: set[int] = field(default_factory=set)
    """The files that the portion in hand was read from."""

    def close(self) -> None:
        for handle in self._open.values():
            os.close(handle)
        self._open.clear()

    def of(self, claims: Sequence[Due]) -> Portion:
        """These claims, and the store from which they are decided as they would be from all there is.

        Raises:
            SourceError: a file is not as it was when the folder was scanned.
        """
        self._used.clear()
        store = self._gathered(claims)
        found = [self._claim(each.key, store) for each in claims]
        refuse_changed(map(self._file, sorted(self._used)))  # it may have been written in the meantime
        return Portion(found, store, frozenset(self._used))

    def _claim(self, key: str, store: EvidenceStore) -> Located:
        """A claim that was seen by the scan, and so has to be there."""
        found = store.get(key)
        if found is None:
            raise changed(self._file(next(self.index.keyed([key])).file).shown)
        return found

    def _gathered(self, claims: Sequence[Due]) -> EvidenceStore:
        if self.whole.at_once:
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
        file = self._file(unit.file)
        if unit.file not in self._used:
            refuse_changed([file])
            self._used.add(unit.file)
        try:
            return self._resources(unit, file.path, file.shown)
        except (OSError, InputError, orjson.JSONDecodeError) as error:
            raise changed(file.shown) from error

    def _resources(self, unit: Unit, path: Path, shown: str) -> tuple[list[Located], bytes]:
        if unit.plain:
            content = os.pread(self._handle(unit.file, path), unit.length, unit.start)
            resource = orjson.loads(content)
            if not isinstance(resource, dict):
                raise changed(shown)
            return [Located(resource, file=shown, line=unit.line)], content
        reader = FileReader(path, self.whole.root, shown, Reading(), self.whole.limits, count(unit.bundle))
        if unit.line is None:
            content = read_guarded(path, self.whole.root, self.whole.limits)
            return list(reader.document(content)), content
        content = os.pread(self._handle(unit.file, path), unit.length, unit.start)
        return list(reader.line(content, unit.line)), content

    def _file(self, number: int) -> Entered:
        if not self._files:
            self._files = self.index.files()
        return self._files[number]

    def _handle(self, number: int, path: Path) -> int:
        if number not in self._open:
            if len(self._open) >= MOST_OPEN:
                os.close(self._open.pop(next(iter(self._open))))
            self._open[number] = os.open(path, os.O_RDONLY)
        return self._open[number]


@dataclass
class _Gathering:
    """One portion while it is being gathered: what is wanted, and what was asked for already."""

    source: Portions
    store: EvidenceStore
    _read: set[int] = field(default_factory=set)
    _keys: set[str] = field(default_factory=set)
    _patients: set[str] = field(default_factory=set)
    _tokens: set[str] = field(default_factory=set)
    _asked: tuple[set[str], ...] = field(default_factory=lambda: (set(), set(), set()))
    """What was looked for of each: a patient's key is looked for as such, too."""
    _people: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Who may be a coach and is named in what is about a patient, by a name of the patient, and ..."""
    _days: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """... the days it speaks of."""
    _same: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Names of one resource, or of one person, each with all."""
    _bearers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Which resources have a name that is no ``Type/id``."""

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
        while any(wanted := [each - asked for each, asked in zip(self._wanted(), self._asked, strict=True)]):
            for asked, each in zip(self._asked, wanted, strict=True):
                asked.update(each)
            patients, keys, tokens = wanted
            # A key is also a token of what refers to it from the other end.
            self._take(index.about(patients), only)
            self._take(index.keyed(keys | patients), only)
            self._take(index.linked(tokens | patients | keys), only)
            if self.source.whole.other_names:
                self._take(index.linked(map(about, patients)), only)
                self._take(index.owned({each for key in keys for each in owners(key)}), only)

    def _wanted(self) -> tuple[set[str], set[str], set[str]]:
        self._patients |= {name for each in self._patients for name in self._also(each)}
        return self._patients, self._keys, self._tokens

    def _take(self, units: Iterable[Unit], follow: tuple[str, ...] = ()) -> None:
        for unit in units:
            if unit.id not in self._read:
                self._read.add(unit.id)
                found, content = self.source.read(unit)
                if follow and len(found) > 1:  # the Bundle of somebody else, of whom only the sessions matter
                    found = [each for each in found if each.kind in OF_SESSIONS or "identifier" in each.resource]
                self.store.extend(found)
                self._follow(found, content, follow)

    def _follow(self, found: Sequence[Located], content: bytes, only: tuple[str, ...]) -> None:
        for located in found:
            self._keys.add(located.local)  # a newer version may say otherwise
            if self.source.whole.other_names:
                self._note_names(located)
            if len(found) == 1:
                self._note(located, references(content, located.resource), only)
            elif located.kind in self.source.whole.kinds:
                self._note(located, references(orjson.dumps(located.resource), located.resource), only)

    def _note(self, located: Located, named: set[str], only: tuple[str, ...]) -> None:
        """``named`` is what it refers to."""
        if only:
            self._keys |= {each for each in named if _may_be(each, only)}
            return
        self._keys |= named
        if located.kind == "Claim":
            self._tokens.update(links("Claim", located.resource))
            self._patients.update(patients(located.resource))
        if located.kind in ("Claim", "Encounter", "Procedure"):
            whose = next(iter(patients(located.resource)), located.key)
            self._people[whose].update(each for each in named if _may_be(each, COACHES))
            self._days[whose] |= days(located.resource)

    def _note_names(self, located: Located) -> None:
        """Look for what refers to it by another name."""
        others = aliases(located)
        self._tokens |= others
        for each in others:
            self._bearers[each].add(located.key)
        self._name_together({*others, located.local} if located.id else others)

    def _name_together(self, names: set[str]) -> None:
        if len(names) > 1:
            for each in names:
                self._same[each] |= names

    def _sessions_elsewhere(self) -> Iterator[str]:
        """The tokens of the sessions that the coaches of a patient held on the patient's days."""
        for role in self.store.all("PractitionerRole"):  # a practitioner and the roles of one are the same person
            self._name_together({role.local, *roles(role.resource)})
        of_one: dict[str, set[str]] = defaultdict(set)
        for whose in self._people:
            of_one[min(self._all_names(whose))].add(whose)
        for several in of_one.values():
            around = {near for each in several for day in self._days[each] for near in days_around(day)}
            names = {name for each in several for person in self._people[each] for name in self._all_names(person)}
            yield from (held(name, day) for name in names for day in around)

    def _also(self, name: str) -> set[str]:
        """The other names of whom a name means; a number that several have means none of them."""
        return set() if is_number(name) and len(self._bearers[name]) > 1 else self._same.get(name, set())

    def _all_names(self, name: str) -> set[str]:
        """All names of whom one name means, by way of any they share."""
        found, waiting = {name}, [name]
        while waiting:
            new = self._also(waiting.pop()) - found
            found |= new
            waiting += new
        return found


def _may_be(name: str, kinds: tuple[str, ...]) -> bool:
    """Whether a name may mean a resource of these types; most that are no ``Type/id`` do not tell the type."""
    return name.startswith(kinds) or not is_plain(name)
