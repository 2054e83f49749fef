"""The mappings of several FHIR versions as one: each resource is read by those of the version it is in.

A claim of one version may have evidence in another. Both become the same session, because every mapping gives its
fields the same names and values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from adapter.evidence.store import Located
from adapter.mapping.documentation import DocumentationMapping, together
from adapter.mapping.loader import Mappings
from adapter.mapping.mapper import Mapper
from adapter.mapping.record import Record


@dataclass
class VersionedMapper:
    """Maps resources of every version that there are mappings for; ``version_of`` tells which one a resource is in."""

    mappings: Mapping[str, Mappings]
    version_of: Callable[[Located], str]
    _mappers: dict[str, Mapper] = field(init=False)
    _done: dict[Located, Record] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._mappers = {version: Mapper(each.resources, each.systems) for version, each in self.mappings.items()}

    @cached_property
    def documentation(self) -> DocumentationMapping:
        """Where documentation stands, in every version."""
        return together({version: each.documentation for version, each in self.mappings.items()})

    def knows(self, located: Located) -> bool:
        """Whether a mapping for the resource's type exists."""
        return located in self._done or self.mapper_of(located).knows(located)

    def record(self, located: Located) -> Record:
        """The record of a resource.

        Raises:
            KeyError: no mapping for its type; ask ``knows`` first.
        """
        record = self._done.get(located)
        if record is None:
            record = self._done[located] = self.mapper_of(located).record(located)
        return record

    def mapper_of(self, located: Located) -> Mapper:
        """The mapper of the version that the resource is in."""
        return self._mappers[self.version_of(located)]
