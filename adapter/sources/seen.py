"""Which versions of which resources a walk has brought, so that each is handed on once."""

from __future__ import annotations

from adapter.evidence.references import Json

MOST_REMEMBERED = 50_000
"""Resources by which one is known that comes again; pages shift by a few, and a load has one instant for many."""
MOST_AGAIN = 1_000
"""Resources that come again in another version, beyond as many as came for the first time."""


class Seen:
    """The versions that came last, and the resources, at most ``MOST_REMEMBERED`` of each."""

    def __init__(self) -> None:
        self._versions: dict[int, int] = {}
        """Each with its ``lastUpdated``."""
        self._resources: dict[int, int] = {}
        self.first = 0
        """How many resources came for the first time, as far as is remembered."""
        self.again = 0
        """How many came in another version than before."""
        self.made_up = False
        """Whether a version came with another ``lastUpdated`` than before: that is no time at which it changed."""

    @property
    def is_full(self) -> bool:
        """Whether something may be forgotten."""
        return len(self._versions) >= MOST_REMEMBERED

    @property
    def taken(self) -> int:
        """Versions that were new."""
        return self.first + self.again

    @property
    def is_endless(self) -> bool:
        """Whether what was read is changed as fast as it is read, as where reading it counts as a change."""
        return self.again > self.first + MOST_AGAIN

    def has(self, resource: Json) -> bool:
        """Whether this version is known."""
        return _version(resource) in self._versions

    def add(self, resource: Json, *, late: bool = False) -> bool:
        """Whether this version is a new one. One ``late`` in the walk may be of a resource that is forgotten."""
        name, version, changed = (
            hash(resource.get("id")),
            _version(resource),
            hash(str(_meta(resource).get("lastUpdated"))),
        )
        if version in self._versions:
            self.made_up = self.made_up or self._versions[version] != changed
            return False
        if name in self._resources or (late and self.is_full):
            self.again += 1
        else:
            self.first += 1
        _remember(self._versions, version, changed)
        _remember(self._resources, name, changed)
        return True


def _remember(known: dict[int, int], key: int, changed: int) -> None:
    known[key] = changed
    if len(known) > MOST_REMEMBERED:
        del known[next(iter(known))]


def _version(resource: Json) -> int:
    meta = _meta(resource)
    return hash((resource.get("id"), str(meta.get("versionId") or meta.get("lastUpdated"))))


def _meta(resource: Json) -> Json:
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}
