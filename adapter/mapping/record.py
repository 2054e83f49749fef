"""What a mapping makes of one resource: named values, each with its origin, and nothing that no mapping lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from adapter.errors import Issue
from adapter.evidence.references import parse_reference
from adapter.evidence.store import EvidenceStore, Located
from adapter.session.model import Origin, Sourced
from adapter.values import value

Values = tuple[Sourced[Any], ...]


@value(frozen=True, slots=True)
class Record:
    """The mapped values of a resource, or of one repetition of a part of it (``Claim.item[0]``)."""

    located: Located
    origin: Origin
    fields: Mapping[str, Values] = field(default_factory=dict)
    groups: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()

    def one(self, name: str) -> Sourced[Any] | None:
        """The value of a field, the first where there are several; None when absent."""
        values = self.fields.get(name)
        return values[0] if values else None

    def many(self, name: str) -> Values:
        """All values of a field; none where a reference led to a resource of another type."""
        return self.fields.get(name, ())

    def value(self, name: str) -> Any:
        """The bare value of a field, None when absent."""
        values = self.fields.get(name)
        return values[0].value if values else None

    def group(self, name: str) -> tuple[Record, ...]:
        """The repetitions of a part, in the order of the resource."""
        return self.groups.get(name, ())


def key_of(store: EvidenceStore, record: Record, name: str) -> Sourced[str] | None:
    """The key of what a reference names."""
    reference = record.one(name)
    key = None if reference is None else store.key_of(reference.value, record.located)
    return None if reference is None or key is None else Sourced(key, reference.origin)


def as_written(reference: object) -> str:
    """A reference as it stands, never its display; empty when there is nothing to follow."""
    pointer = parse_reference(reference)
    return pointer.written if pointer is not None else ""
