"""What a decision depends on besides the evidence, and which claims are ours to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from adapter.evidence.faults import Faults
from adapter.evidence.store import EvidenceStore, Located
from adapter.evidence.versions import Versions
from adapter.fhir.version import READ_AS
from adapter.limits import DEFAULT, Limits
from adapter.mapping.loader import Mappings
from adapter.mapping.versioned import VersionedMapper
from adapter.policy.book import PolicyBook
from adapter.terminology.icd10cm import Icd10Cm

NO_WORDS = ("system", "version", "url", "id", "reference")
"""Elements that name no service, whatever stands in them; a bare text where an element belongs still counts."""


@dataclass(frozen=True, slots=True)
class Adjudicator:
    """Everything a decision depends on besides the evidence."""

    mappings: Mappings
    book: PolicyBook
    icd10cm: Icd10Cm
    identifier_system: str
    site_timezone: str | None = None
    others: Mapping[str, Mappings] = field(default_factory=dict)
    """The mappings of further FHIR versions, where resources may be in any of them; each is then told by itself."""
    limits: Limits = DEFAULT
    lenient: bool = False
    """Whether an element that FHIR does not know is noted in the answer, in place of refusing the claim."""
    trust_structure: bool = False
    """Whether resources are not validated, because somebody did before; the Provenance of each answer then says so."""

    @property
    def loaded(self) -> list[Mappings]:
        """The mappings of every version, the default first."""
        return [self.mappings, *self.others.values()]

    @property
    def versions(self) -> tuple[str, ...]:
        """The FHIR versions that there are mappings for."""
        served = {READ_AS[each] for each in (self.mappings.version, *self.others)}
        return tuple(version for version, read_as in READ_AS.items() if read_as in served)

    def only(self, version: str) -> Adjudicator:
        """For a source that is known to be in one of the versions, and in no other."""
        here = READ_AS[self.mappings.version] == READ_AS[version]
        return replace(self, mappings=self.mappings if here else self.others[version], others={})

    def version_of(self, store: EvidenceStore) -> Callable[[Located], str]:
        """Tells the FHIR version of each resource of a store."""
        default = self.mappings.version
        return Versions(store, default).of if self.others else lambda _located: default

    def faults(self, store: EvidenceStore, mapper: VersionedMapper) -> Faults:
        """Finds the faults of the resources of a store."""
        found = Faults(mapper, mapper.version_of, self.lenient, self.limits, trust_structure=self.trust_structure)
        return replace(found, foreign=Versions(store, self.mappings.version).foreign) if self.others else found

    def mapper(self, store: EvidenceStore) -> VersionedMapper:
        """Maps the resources of a store, each by the mappings of its version."""
        mappings = {self.mappings.version: self.mappings, **self.others}
        return VersionedMapper(mappings, self.version_of(store))

    def in_scope(self, claim: Located) -> bool:
        """Whether a line of the claim carries, or by text claims to carry, one of our codes."""
        return any(self._is_ours(element) for element in _services(claim.resource.get("item")))

    def _is_ours(self, concept: Any) -> bool:
        for key, value in _texts(concept):
            if key == "code" and (value.strip().upper() in self.mappings.scope or value in self.mappings.local_codes):
                return True
            if key not in NO_WORDS and self.mappings.names_scope(value):
                return True
        return False


def _services(items: Any) -> Iterator[Any]:
    """productOrService of every line, in R5 also the end of a range of services.

    Where the shape is wrong it is everything below, so that no claim slips away.
    """
    if isinstance(items, list) and all(isinstance(each, dict) for each in items):
        yield from (each.get(name) for each in items for name in ("productOrService", "productOrServiceEnd"))
    else:
        yield items


def _texts(element: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text below an element with the name it stands under."""
    if isinstance(element, str):
        yield key, element
    elif isinstance(element, dict):
        for name, value in element.items():
            yield from _texts(value, name)
    elif isinstance(element, list):
        for value in element:
            yield from _texts(value, key)
