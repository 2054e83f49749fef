"""The FHIR version of every resource of a store, for input that may hold more than one.

A resource is in the version that it states or shows. Where it could be either (a Claim mostly can), it is in that of
its surroundings: its Bundle, its file, its folder, the folders above. The nearest of these in which a majority tells a
version decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import PurePath

from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.version import STATEMENTS, foreign_release, stated_releases, told_version

EVERYWHERE = "all input"
FILES_KNOWN = 1024
"""Files whose folders are remembered; resources come file by file."""


@dataclass
class Versions:
    """Tells the version of each resource; ``default`` where nothing does. Ask when the store is filled."""

    store: EvidenceStore
    default: str
    _found: dict[Located, str] = field(default_factory=dict)
    _told: dict[Located, str | None] = field(default_factory=dict)

    def of(self, located: Located) -> str:
        """``r4`` or ``r5``; a contained resource is in the version of its container."""
        if self.store.version is not None:
            return self.store.version
        outer = located.container or located
        if outer not in self._found:
            self._found[outer] = self._tells(outer) or self._around(outer)
        return self._found[outer]

    def foreign(self, located: Located) -> str | None:
        """The release, named by the resource or by a statement beside it or above, that the adapter does not read."""
        outer = located.container or located
        releases = stated_releases(outer.resource) or self._stated_around(outer)
        return foreign_release(releases) if releases else None

    def _stated_around(self, located: Located) -> tuple[str, ...]:
        if not self._statements:
            return ()
        return next((self._statements[each] for each in surroundings(located) if each in self._statements), ())

    @cached_property
    def _statements(self) -> Mapping[str, tuple[str, ...]]:
        """What a CapabilityStatement or Parameters says of its Bundle and file, and of the folder with all below."""
        found: dict[str, tuple[str, ...]] = {}
        for located in self.store.everything():
            if located.kind in STATEMENTS and (releases := stated_releases(located.resource)):
                beside = [each for each in surroundings(located) if each.startswith("Bundle ") or each == located.file]
                above = [each for each in surroundings(located) if each not in beside][:1]
                for each in beside + above:
                    found[each] = found.get(each, ()) + releases
        return found

    def _tells(self, located: Located) -> str | None:
        if located not in self._told:
            self._told[located] = told_version(located.resource)
        return self._told[located]

    def _around(self, located: Located) -> str:
        told = (self._majorities.get(each) for each in surroundings(located))
        return next((version for version in told if version is not None), self.default)

    @cached_property
    def _majorities(self) -> Mapping[str, str]:
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for located in self.store.everything():
            if version := self._tells(located):
                for each in surroundings(located):
                    votes[each][version] += 1
        here = {each: majority(counted) for each, counted in votes.items()}
        if (told := self.store.majorities) is not None:  # a part of the input tells nothing of its files and folders
            here = {each: version for each, version in here.items() if each.startswith("Bundle ")} | dict(told)
        return {each: version for each, version in here.items() if version is not None}


def majority(votes: Counter[str]) -> str | None:
    """The version with most votes; None when two have the same."""
    (first, most), *others = votes.most_common(2)
    return None if others and others[0][1] == most else first


def surroundings(located: Located) -> tuple[str, ...]:
    """Names of what a resource stands in, the nearest first."""
    around = _around_file(located.file)
    return around if located.bundle is None else (f"Bundle {located.bundle}", *around)


@lru_cache(maxsize=FILES_KNOWN)
def _around_file(file: str | None) -> tuple[str, ...]:
    """A file, its folders, and all input."""
    if file is None:
        return (EVERYWHERE,)
    folders = (f"{folder}/" for folder in PurePath(file).parents if folder != PurePath())
    return (file, *folders, EVERYWHERE)
