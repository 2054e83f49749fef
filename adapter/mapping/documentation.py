"""Finds the documentation of a session: its note, and the coded elements that ``documentation.yaml`` names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.expression import Expression
from adapter.session.model import Documentation, Origin, Sourced


@dataclass(frozen=True, slots=True)
class Place:
    """One place where documentation may stand: a resource type, a condition, and how it is tied to the session."""

    resource: str
    where: str
    condition: Expression
    linked_by: tuple[tuple[str, Expression], ...]

    def holds(self, located: Located) -> bool:
        """Whether the condition is true of the resource; an element of the wrong shape shows nothing."""
        try:
            return list(self.condition(located.resource)) == [True]
        except Exception:  # noqa: BLE001 - the evaluator raises anything on elements of the wrong shape
            return False


@dataclass(frozen=True, slots=True)
class DocumentationMapping:
    """``note``: places of the session's note. ``elements``: places of each element, ``labels`` the words for it."""

    note: tuple[Place, ...]
    elements: Mapping[str, tuple[Place, ...]]
    labels: Mapping[str, str]


def find_documentation(
    mappings: Mapping[str, DocumentationMapping],
    version_of: Callable[[Located], str],
    store: EvidenceStore,
    patient: str,
    session: Sequence[Located],
    reports: Iterable[Located],
) -> tuple[Documentation, tuple[Located, ...]]:
    """What documents a session, and the resources that show it.

    Args:
        mappings: where documentation stands, by FHIR version; each resource is looked at by the places of its own.
        version_of: the version of a resource.
        patient: key of the patient.
        session: the Encounter and Procedure of the session.
        reports: documents that the Procedure itself names.
    """
    keys = {located.key for located in session}
    named = {located.key for located in reports}

    def first(places: Iterable[tuple[str, Place]]) -> tuple[Located, Place] | None:
        for version, place in places:
            for located in store.about(place.resource, patient):
                if version_of(located) != version:
                    continue
                linked = located.key in named | keys or _belongs(place, located, store, keys)
                if linked and place.holds(located):
                    return located, place
        return None

    note = first((version, place) for version, mapping in mappings.items() for place in mapping.note)
    elements = {name: found for name, places in _elements(mappings).items() if (found := first(places))}
    documentation = Documentation(
        note_on_file=None if note is None else Sourced(True, _origin(*note)),
        elements=tuple(Sourced(name, _origin(*found)) for name, found in elements.items()),
    )
    used = [*([note] if note else []), *elements.values()]
    return documentation, tuple({located.key: located for located, _ in used}.values())


def _elements(mappings: Mapping[str, DocumentationMapping]) -> Mapping[str, list[tuple[str, Place]]]:
    """The places of each element, each with its version."""
    found: dict[str, list[tuple[str, Place]]] = {}
    for version, mapping in mappings.items():
        for name, places in mapping.elements.items():
            found.setdefault(name, []).extend((version, place) for place in places)
    return found


def _belongs(place: Place, located: Located, store: EvidenceStore, session: set[str]) -> bool:
    """Tied to the session by a reference; a place without links takes whatever is about the patient."""
    if not place.linked_by:
        return True
    references = (reference for _, link in place.linked_by for reference in link(located.resource))
    return any(store.key_of(reference, located) in session for reference in references)


def _origin(located: Located, place: Place) -> Origin:
    return Origin(located.versioned, f"{place.resource}.where({place.where})")
