"""The FHIR version of every resource of a store, for input that may hold more than one.

A resource is in the version that it states or shows. Where it could be either (a Claim mostly can), it is in that of
its surroundings: its Bundle, its file, its folder, the folders above. The nearest of these in which a majority tells a
version decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.version import foreign_release, stated_releases, told_version

STATEMENTS = ("CapabilityStatement", "Parameters")
"""Resources that name the version of what stands beside them."""


@dataclass
class Versions:
    """Tells the version of each resource; ``default`` where nothing does. Ask when the store is filled."""

    store: EvidenceStore
    default: str
    _found: dict[Located, str] = field(default_factory=dict)
    _told: dict[Located, str | None] = field(default_factory=dict)
    _places: dict[str | None, tuple[str, ...]] = field(default_factory=dict)
    """By file: the names of what its resources stand in, outside of any Bundle."""

    def of(self, located: Located) -> str:
        """``r4`` or ``r5``; a contained resource is in the version of its container."""
        outer = located.container or located
        version = self._found.get(outer)
        if version is None:
            version = self._found[outer] = self._tells(outer) or self._around(outer)
        return version

    def foreign(self, located: Located) -> str | None:
        """The release, named by the resource or by a statement beside it or above, that the adapter does not read."""
        outer = located.container or located
        stated = stated_releases(outer.resource)
        if not stated and self._statements:
            around = (self._statements[each] for each in self._surroundings(outer) if each in self._statements)
            stated = next(around, ())
        return foreign_release(stated)

    @cached_property
    def _statements(self) -> Mapping[str, tuple[str, ...]]:
        """What a CapabilityStatement or Parameters says of its Bundle and file, and of the folder with all below."""
        found: dict[str, tuple[str, ...]] = {}
        for located in self.store.everything():
            if located.kind in STATEMENTS and (releases := stated_releases(located.resource)):
                beside = [
                    each for each in self._surroundings(located) if each.startswith("Bundle ") or each == located.file
                ]
                above = [each for each in self._surroundings(located) if each not in beside][:1]
                for each in beside + above:
                    found[each] = found.get(each, ()) + releases
        return found

    def _tells(self, located: Located) -> str | None:
        if located not in self._told:
            self._told[located] = told_version(located.resource)
        return self._told[located]

    def _around(self, located: Located) -> str:
        told = (self._majorities.get(each) for each in self._surroundings(located))
        return next((version for version in told if version is not None), self.default)

    @cached_property
    def _majorities(self) -> Mapping[str, str]:
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for located in self.store.everything():
            if version := self._tells(located):
                for each in self._surroundings(located):
                    votes[each][version] += 1
        return {each: version for each, counted in votes.items() if (version := _majority(counted)) is not None}

    def _surroundings(self, located: Located) -> tuple[str, ...]:
        """Names of what a resource stands in, the nearest first."""
        known = self._places.get(located.file)
        if known is None:
            known = self._places[located.file] = tuple(_folders(located.file))
        return known if located.bundle is None else (f"Bundle {located.bundle}", *known)


def _majority(votes: Counter[str]) -> str | None:
    """The version with most votes; None when two have the same."""
    (first, most), *others = votes.most_common(2)
    return None if others and others[0][1] == most else first


def _folders(file: str | None) -> Iterator[str]:
    """A file, and the folders that it lies in, the nearest first."""
    if file is not None:
        yield file
        yield from (f"{folder}/" for folder in PurePath(file).parents if folder != PurePath())
    yield "all input"
