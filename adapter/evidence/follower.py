"""The references of one claim's evidence followed, and every resource noted that the answer will rest on."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import Sourced


@dataclass
class Follower:
    """Follows references from one claim on. Where no holder of a reference is given, the claim is."""

    store: EvidenceStore
    mapper: Records
    claim: Record
    used: dict[str, Located] = field(default_factory=dict)
    """What was noted as evidence, by its key, in the order it was met."""

    def use(self, located: Located) -> Record | None:
        """Note a resource as evidence and map it; None for a type that no mapping reads."""
        self.used.setdefault(located.key, located)
        return self.mapper.record(located) if self.mapper.knows(located) else None

    def find(self, reference: Sourced[object] | None, holder: Record) -> Located | None:
        """What a reference leads to, not yet noted as evidence."""
        return None if reference is None else self.store.resolve(reference.value, holder.located)

    def resolve(self, reference: Sourced[object] | None, holder: Record | None = None) -> Record | None:
        """What a reference leads to, noted as evidence."""
        found = self.find(reference, holder or self.claim)
        return None if found is None else self.use(found)

    def key(self, reference: Sourced[object] | None, holder: Record | None = None) -> str | None:
        """The key of what a reference names, whether or not it is at hand."""
        return None if reference is None else self.store.key_of(reference.value, (holder or self.claim).located)
