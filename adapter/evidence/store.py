"""Every resource at hand, found by reference, by identifier and by patient.

Files and servers fill the same store; what gathers evidence never asks where a resource came from. The newest version
of a resource wins. A reference is looked for near its holder first (contained, then the same Bundle), because two
Bundles of one folder may use the same ids for different people; what is found there still gives way to a newer version
of the same resource (``newest``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256

from adapter.errors import Issue
from adapter.evidence.newest import identifiers, newest_of, older
from adapter.evidence.references import Json, Pointer, parse_reference
from adapter.values import value

PATIENT_ELEMENTS = ("subject", "patient", "beneficiary", "for")
"""The elements that say whom a resource is about, in the resources the adapter reads."""


@value(frozen=True, slots=True, eq=False)
class Located:
    """A resource and where it was found.

    ``bundle`` is the same for all entries of one Bundle, None elsewhere; ``file`` and ``line`` (from 1) are None for a
    server; ``container`` is set for a contained resource.
    """

    resource: Json
    full_url: str | None = None
    bundle: int | None = None
    file: str | None = None
    line: int | None = None
    entry: str | None = None
    """FHIRPath of the resource inside its file: ``Bundle.entry[3].resource``."""
    container: Located | None = None
    lines: Callable[[str], int] | None = None
    """Finds the line of an element by its FHIRPath inside the file; slow, so only asked after a fault."""
    faults: tuple[Issue, ...] = ()
    """What was wrong with it when it was read, and is not to be seen in it any more."""
    scope: str = ""
    """The service base, where resources of several servers are at hand; the store sets it."""
    kind: str = field(init=False, repr=False)
    id: str | None = field(init=False, repr=False)
    local: str = field(init=False, repr=False)
    """``Type/id``, as a relative reference has it."""
    key: str = field(init=False, repr=False)
    """``Type/id``, below its server where there are several; a contained resource is ``Type/id-of-container#id``.

    Without an id it is the fullUrl, else the place it stands in: two resources without an id are two resources.
    """

    versioned: str = field(init=False, repr=False)
    """The versioned reference, where the version is known."""

    def __post_init__(self) -> None:
        """Its names are asked for a hundred times as often as it is made."""
        kind, value = str(self.resource.get("resourceType")), self.resource.get("id")
        own = value if isinstance(value, str) and value else None
        remember = partial(object.__setattr__, self)
        remember("kind", kind)
        remember("id", own)
        remember("local", f"{kind}/{own}")
        remember("key", self._key(kind, own))
        remember("versioned", self._versioned(own))

    def _key(self, kind: str, own: str | None) -> str:
        if self.container is not None:
            return f"{self.container.key}#{own}"
        if own is None:
            return self.full_url or f"{kind} without id at {self.file}:{self.line}:{self.entry}"
        return f"{self.scope}/{kind}/{own}" if self.scope else f"{kind}/{own}"

    def _versioned(self, own: str | None) -> str:
        meta = self.resource.get("meta")
        version = meta.get("versionId") if self.container is None and isinstance(meta, dict) else None
        return f"{self.key}/_history/{version}" if version and own else self.key

    def place(self, expression: str = "") -> str:
        """Where the resource, or an element of it, stands: file and line for a person, else the reference."""
        if self.file is None:
            return self.versioned
        line = self.line or 1
        if self.lines is not None:
            line = self.lines(f"{self.entry or ''}{expression.removeprefix(self.kind)}")
        return f"{self.file}, line {line}"

    def within(self, expression: str) -> str:
        """The FHIRPath of an element from the top of the Bundle it stands in; alone, it is its own top."""
        return f"{self.entry}{expression.removeprefix(self.kind)}" if self.entry else expression

    @property
    def base(self) -> str | None:
        """The service base of the fullUrl, against which relative references of a Bundle are read."""
        if not self.full_url:
            return None
        suffix = f"/{self.local}"
        return self.full_url[: -len(suffix)] if self.full_url.endswith(suffix) else None


@dataclass
class EvidenceStore:
    """An index over resources; add all of them, then ask."""

    base: str | None = None
    """The service base of the first resource that has one; resources of another are kept apart from its."""
    majorities: Mapping[str, str | None] | None = None
    """Of a store that holds a part of the input: the FHIR version of each file and folder, told by all there is."""
    version: str | None = None
    """The FHIR version of all input, where part of it tells this one and none of it another."""
    superseded: int = 0
    """Resources that were passed over for a newer version."""
    _by_key: dict[str, Located] = field(default_factory=dict)
    _copies: dict[str, list[Located]] = field(default_factory=lambda: defaultdict(list))
    _by_url: dict[str, Located] = field(default_factory=dict)
    _by_bundle: dict[tuple[int, str], Located] = field(default_factory=dict)
    _by_identifier: dict[tuple[str | None, str], list[Located]] = field(default_factory=lambda: defaultdict(list))
    _about: dict[tuple[str, str], list[Located]] | None = None
    _named: dict[str, dict[str, list[Located]]] = field(default_factory=dict)
    _subjects: dict[Located, str | None] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many resources are in."""
        return len(self._by_key)

    def add(self, located: Located) -> None:
        """Take a resource in; an older version of one that is there is counted and dropped."""
        self._about = None
        self._named.clear()
        self._subjects.clear()
        located = self._scoped(located)
        if located.bundle is not None:
            for name in filter(None, (located.full_url, located.local)):
                near = self._by_bundle.get((located.bundle, name))
                if near is None or not older(located.resource, near.resource):
                    self._by_bundle[located.bundle, name] = located
        self._copies[located.key].append(located)
        known = self._by_key.get(located.key)
        if known is not None:
            self.superseded += 1
            if older(located.resource, known.resource):
                return
        self._by_key[located.key] = located
        if located.full_url:
            self._by_url[located.full_url] = located
        for identifier in identifiers(located.resource):
            self._by_identifier[identifier].append(located)

    def _scoped(self, located: Located) -> Located:
        """The same id on another server is another resource; a Claim keeps its id, by which its answer is named."""
        base = located.base
        if base is None or located.kind == "Claim":
            return located
        self.base = self.base or base
        return located if base == self.base else replace(located, scope=base)

    def extend(self, many: Iterable[Located]) -> None:
        for located in many:
            self.add(located)

    def get(self, key: str) -> Located | None:
        """The resource ``Type/id``."""
        return self._by_key.get(key)

    def everything(self) -> Iterator[Located]:
        """All resources, in no order that means anything."""
        return iter(self._by_key.values())

    def all(self, kind: str) -> Iterator[Located]:
        """All resources of a type, in the order of their keys: the order of files never matters."""
        return (self._by_key[key] for key in sorted(key for key, each in self._by_key.items() if each.kind == kind))

    def resolve(self, reference: object, holder: Located) -> Located | None:
        """The resource a Reference of ``holder`` leads to; None when it leads nowhere, or to more than one."""
        pointer = parse_reference(reference)
        return None if pointer is None else self.follow(pointer, holder)

    def follow(self, pointer: Pointer, holder: Located) -> Located | None:
        """As ``resolve``, of a reference already taken apart."""
        if pointer.contained is not None:
            return _contained(pointer.contained, holder)
        holder = holder.container or holder
        if holder.bundle is None and pointer.local and not pointer.url and not holder.scope:
            return self._by_key.get(pointer.local)  # nearly every reference
        if pointer.identifier is not None:
            return self._identified(pointer)
        near = self._in_bundle(pointer, holder)
        if near is not None:
            return newest_of(near, self._copies[near.key], self.base)
        return self._anywhere(pointer, holder)

    def about(self, kind: str, patient: str) -> list[Located]:
        """Resources of a type whose subject is the patient of that key, ordered by key."""
        if self._about is None:
            self._about = self._index_patients()
        return self._about.get((kind, patient), [])

    def roles_of(self, practitioner: str) -> list[Located]:
        """The PractitionerRoles of a practitioner's key, ordered by key."""
        return self._naming("PractitionerRole", "practitioner").get(practitioner, [])

    def procedures_of(self, encounter: str) -> list[Located]:
        """The Procedures of an Encounter's key, ordered by key, whoever their subject is."""
        return self._naming("Procedure", "encounter").get(encounter, [])

    def _naming(self, kind: str, element: str) -> dict[str, list[Located]]:
        """Resources of a type by the key of what an element of theirs refers to."""
        if kind not in self._named:
            index: dict[str, list[Located]] = defaultdict(list)
            for located in self.all(kind):
                if (key := self.key_of(located.resource.get(element), located)) is not None:
                    index[key].append(located)
            self._named[kind] = index
        return self._named[kind]

    def subject_key(self, located: Located) -> str | None:
        """The key of the patient (or group) a resource is about, whether or not that resource is at hand."""
        if located not in self._subjects:
            self._subjects[located] = self._subject(located)
        return self._subjects[located]

    def _subject(self, located: Located) -> str | None:
        for element in PATIENT_ELEMENTS:
            if element in located.resource:
                subject = located.resource[element]
                # R5 has a list of subjects in a Composition; about several people it is nobody's own.
                if isinstance(subject, list):
                    subject = subject[0] if len(subject) == 1 else None
                return self.key_of(subject, located)
        return None

    def key_of(self, reference: object, holder: Located) -> str | None:
        """The key of what a Reference names: of the resource when it is at hand, else of the reference itself."""
        pointer = parse_reference(reference)
        if pointer is None:
            return None
        found = self.follow(pointer, holder)
        if found is not None:
            return found.key if found.container is None else self._on_its_own(found).key
        if pointer.identifier is not None:  # as a digest: an identifier may be a member number
            written = "|".join(part or "" for part in pointer.identifier)
            return f"{pointer.shown_kind or 'Resource'} by identifier {sha256(written.encode()).hexdigest()[:12]}"
        if pointer.local and not pointer.url and holder.scope:
            return f"{holder.scope}/{pointer.local}"
        if pointer.mark and not pointer.local:
            return f"{pointer.written} {pointer.mark}"  # two that are none are not the same
        return pointer.local or pointer.url or pointer.written

    def _on_its_own(self, found: Located) -> Located:
        """A contained resource is the same as the one on file that shares an identifier with it."""
        pointers = (Pointer("", identifier=each, kind=found.kind) for each in identifiers(found.resource) if each[0])
        return next((same for each in pointers if (same := self._identified(each)) is not None), found)

    def _in_bundle(self, pointer: Pointer, holder: Located) -> Located | None:
        if holder.bundle is None:
            return None
        absolute = f"{holder.base}/{pointer.local}" if holder.base and pointer.local and not pointer.url else None
        names = (pointer.url, absolute, None if pointer.url else pointer.local)
        return next((found for name in names if name and (found := self._by_bundle.get((holder.bundle, name)))), None)

    def _anywhere(self, pointer: Pointer, holder: Located) -> Located | None:
        if pointer.url and (found := self._by_url.get(pointer.url)):
            return self._by_key.get(found.key, found)
        if pointer.local and not pointer.url and holder.scope:
            return self._by_key.get(f"{holder.scope}/{pointer.local}")
        found = self._by_key.get(pointer.local) if pointer.local else None
        if found is not None and pointer.url and found.full_url:
            return None  # the same id on another server is somebody else
        return found

    def _identified(self, pointer: Pointer) -> Located | None:
        """By identifier; several different resources with it are no answer."""
        found = {each.key: each for each in self._by_identifier.get(pointer.identifier or (None, ""), [])}
        fitting = [each for each in found.values() if pointer.kind in (None, each.kind)]
        current = [each for each in fitting if self._by_key.get(each.key) is each]
        return current[0] if len(current) == 1 else None

    def _index_patients(self) -> dict[tuple[str, str], list[Located]]:
        index: dict[tuple[str, str], list[Located]] = defaultdict(list)
        for key in sorted(self._by_key):
            located = self._by_key[key]
            subject = self.subject_key(located)
            if subject is not None:
                index[located.kind, subject].append(located)
        return index


def _contained(name: str, holder: Located) -> Located | None:
    """``#name`` in the holder's outermost resource; ``#`` alone is that resource."""
    outer = holder.container or holder
    if not name:
        return outer
    for resource in outer.resource.get("contained") or []:
        if isinstance(resource, dict) and resource.get("id") == name:
            return Located(resource, file=outer.file, line=outer.line, container=outer)
    return None
