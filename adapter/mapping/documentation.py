"""Finds the documentation of a session: its note, and the coded elements that ``documentation.yaml`` names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.fhirpath.expression import Expression
from adapter.mapping.tables import CodeSystems
from adapter.mapping.values import indefinite, minutes
from adapter.session.model import Documentation, Origin, Sourced
from adapter.values import value


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One place where documentation may stand: a resource type, a condition, and how it is tied to the session."""

    resource: str
    where: str
    condition: Expression
    linked_by: tuple[tuple[str, Expression], ...]
    version: str = ""
    """The FHIR version of the resources that are looked at."""

    def holds(self, located: Located) -> bool:
        """Whether the condition is true of the resource; an element of the wrong shape shows nothing."""
        try:
            return list(self.condition(located.resource)) == [True]
        except Exception:  # noqa: BLE001 - the evaluator raises anything on elements of the wrong shape
            return False


@value(frozen=True, slots=True)
class StatedLength:
    """What a document says of the session's length.

    ``minutes`` to the whole second, None where nobody can tell them: ``unclear``, or no value in a unit of time.
    """

    located: Located
    origin: Origin
    minutes: Decimal | None
    unclear: bool


@value(frozen=True, slots=True)
class LengthPlace:
    """A place that states how long the session was, and where in it the length stands."""

    place: Place
    path: str
    value: Expression

    def stated(self, located: Located, systems: CodeSystems) -> Iterator[StatedLength]:
        """The lengths that a resource states here; one that cannot be read is unclear, never passed over."""
        origin = Origin(located.versioned, f"{located.kind}.{self.path}")
        try:
            if list(self.place.condition(located.resource)) != [True]:
                return
            found = list(self.value(located.resource)) or [None]
            read = [StatedLength(located, origin, minutes(each, systems), indefinite(each, systems)) for each in found]
        except Exception:  # noqa: BLE001 - the evaluator raises anything on elements of the wrong shape
            read = [StatedLength(located, origin, None, unclear=True)]
        yield from read


@value(frozen=True, slots=True)
class DocumentationMapping:
    """``note``: places of the session's note. ``elements``: places of each element, ``labels`` the words for it.

    ``minutes``: places that state the session's length, for sites whose Encounters do not.
    """

    note: tuple[Place, ...]
    elements: Mapping[str, tuple[Place, ...]]
    labels: Mapping[str, str]
    minutes: tuple[LengthPlace, ...] = ()
    types: frozenset[str] = frozenset()
    """The types of resources that note and elements are looked for in, filled in by ``together``."""


def together(mappings: Mapping[str, DocumentationMapping]) -> DocumentationMapping:
    """The places of several FHIR versions as one mapping; each is only asked of resources of its version."""
    elements: dict[str, tuple[Place, ...]] = {}
    for version, each in mappings.items():
        for name, places in each.elements.items():
            elements[name] = elements.get(name, ()) + _of(version, places)
    note = tuple(place for version, each in mappings.items() for place in _of(version, each.note))
    return DocumentationMapping(
        note=note,
        elements=elements,
        labels={name: label for each in mappings.values() for name, label in each.labels.items()},
        minutes=tuple(
            replace(length, place=replace(length.place, version=version))
            for version, each in mappings.items()
            for length in each.minutes
        ),
        types=frozenset(each.resource for places in (note, *elements.values()) for each in places),
    )


def _of(version: str, places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(replace(each, version=version) for each in places)


@dataclass
class Papers:
    """What the resources of a store say of sessions, place by place; each is looked at once.

    ``version_of``: the FHIR version of a resource.
    """

    store: EvidenceStore
    version_of: Callable[[Located], str]
    _of_patient: dict[tuple[str, Place], _Filed] = field(default_factory=dict)
    _tied: dict[tuple[object, ...], _Filed] = field(default_factory=dict)
    _holding: dict[Place, dict[Located, bool]] = field(default_factory=dict)
    _bare: dict[str, frozenset[str]] = field(default_factory=dict)

    def holds(self, place: Place, located: Located) -> bool:
        """Whether the condition of a place is true of a resource."""
        known = self._holding.setdefault(place, {})
        if located not in known:
            known[located] = place.holds(located)
        return known[located]

    def none_of(self, patient: str, mapping: DocumentationMapping) -> frozenset[str]:
        """The types of resources that are asked for and that nothing about the patient is of: nearly all."""
        known = self._bare.get(patient)
        if known is None:
            empty = (each for each in mapping.types if not self.store.about(each, patient))
            known = self._bare[patient] = frozenset(empty)
        return known

    def filed(self, patient: str, place: Place) -> _Filed:
        """The resources of a place's type and version that are about a patient."""
        filed = self._of_patient.get((patient, place))
        if filed is None:
            filed = self._of_patient[patient, place] = self._filed(patient, place)
        return filed

    def _filed(self, patient: str, place: Place) -> _Filed:
        """Filed once for all places that look at the same resources and tie them by the same links."""
        alike = (patient, place.resource, place.version, tuple(steps for steps, _ in place.linked_by))
        if alike not in self._tied:
            papers = self.store.about(place.resource, patient)
            fitting = [each for each in papers if self.version_of(each) == place.version]
            self._tied[alike] = _Filed.of(fitting, lambda each: self._ties(place, each))
        return self._tied[alike]

    def _ties(self, place: Place, located: Located) -> frozenset[str]:
        """The keys of what the resource says it belongs to."""
        references = (reference for _, link in place.linked_by for reference in link(located.resource))
        keys = (self.store.key_of(reference, located) for reference in references)
        return frozenset(key for key in keys if key is not None)


@value(frozen=True, slots=True)
class _Filed:
    """Resources in their order, and where each stands in it by what it is tied to and by its own key."""

    papers: Sequence[Located]
    tied: Mapping[str, Sequence[int]]
    own: Mapping[str, int]

    @classmethod
    def of(cls, papers: Sequence[Located], ties: Callable[[Located], Iterable[str]]) -> _Filed:
        tied: dict[str, list[int]] = {}
        for index, each in enumerate(papers):
            for key in ties(each):
                tied.setdefault(key, []).append(index)
        return cls(papers, tied, {each.key: index for index, each in enumerate(papers)})

    def of_session(self, session: Iterable[str], named: Iterable[str]) -> Sequence[Located]:
        """Those tied to one of the keys of a session, or named themselves."""
        found = {index for key in session for index in self.tied.get(key, ())}
        found.update(self.own[key] for key in named if key in self.own)
        return [self.papers[index] for index in sorted(found)]


@dataclass(frozen=True, slots=True)
class SessionPapers:
    """Everything about one patient that may speak about one session.

    ``session``: keys of the session's Encounter and Procedure; ``named``: these and what the Procedure itself names.
    """

    papers: Papers
    patient: str
    session: frozenset[str]
    named: frozenset[str]

    @classmethod
    def of(cls, papers: Papers, patient: str, session: Iterable[Located], reports: Iterable[Located]) -> SessionPapers:
        held = frozenset(each.key for each in session)
        return cls(papers, patient, held, held.union(each.key for each in reports))

    def at(self, place: Place) -> Iterator[Located]:
        """The resources at a place that belong to the session and count."""
        return (each for each in self.linked(place) if self.papers.holds(place, each))

    def linked(self, place: Place) -> Sequence[Located]:
        """The resources of a place's type that belong to the session, whether or not they count.

        A place without links takes whatever is about the patient.
        """
        filed = self.papers.filed(self.patient, place)
        if not place.linked_by or not filed.papers:
            return filed.papers
        return filed.of_session(self.session, self.named)


def find_documentation(
    mapping: DocumentationMapping, papers: SessionPapers
) -> tuple[Documentation, tuple[Located, ...]]:
    """What documents a session, and the resources that show it."""

    none_of = papers.papers.none_of(papers.patient, mapping)

    def first(places: Iterable[Place]) -> tuple[Located, Place] | None:
        for place in places:
            if place.resource not in none_of:
                for located in papers.at(place):
                    return located, place
        return None

    note = first(mapping.note)
    elements = {name: found for name, places in mapping.elements.items() if (found := first(places))}
    documentation = Documentation(
        note_on_file=None if note is None else Sourced(True, _origin(*note)),
        elements=tuple(Sourced(name, _origin(*found)) for name, found in elements.items()),
    )
    used = [*([note] if note else []), *elements.values()]
    return documentation, tuple({located.key: located for located, _ in used}.values())


def find_lengths(
    mapping: DocumentationMapping, papers: SessionPapers, systems: CodeSystems
) -> tuple[StatedLength, ...]:
    """Every length that a document of the session states: where they differ, nothing chooses between them."""
    return tuple(
        stated
        for each in mapping.minutes
        for located in papers.linked(each.place)
        for stated in each.stated(located, systems)
    )


def _origin(located: Located, place: Place) -> Origin:
    return Origin(located.versioned, f"{place.resource}.where({place.where})")
