"""Which versions of which resources a walk has brought, so that each is handed on once."""

from __future__ import annotations

from adapter.evidence.references import Json

MOST_REMEMBERED = 50_000
"""Resources by which one is known that comes again; pages shift by a few, and a load has one instant for many."""
MOST_AGAIN = 1_000
"""Resources that come again in another version, beyond as many as came for the first time."""


class Seen:
    """The versions that came last, of at most ``MOST_REMEMBERED`` resources."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}
        self.first = 0
        """How many resources came for the first time, as far as is remembered."""
        self.again = 0
        """How many came in another version than before."""
        self.made_up = False
        """Whether a version came with another ``lastUpdated`` than before: that is no time at which it changed."""

    @property
    def is_full(self) -> bool:
        """Whether something may be forgotten."""
        return len(self._known) >= MOST_REMEMBERED

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
        known = self._known.get(_name(resource))
        return known is not None and known[0] == _version(resource)

    def add(self, resource: Json, *, late: bool = False) -> bool:
        """Whether this version is a new one. One ``late`` in the walk may be of a resource that is forgotten."""
        name, changed = _name(resource), hash(str(_meta(resource).get("lastUpdated")))
        if self.has(resource):
            self.made_up = self.made_up or self._known[name][1] != changed
            return False
        if name in self._known or (late and self.is_full):
            self.again += 1
        else:
            self.first += 1
        self._known.pop(name, None)
        self._known[name] = _version(resource), changed
        if len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        return True


def _name(resource: Json) -> int:
    return hash(resource.get("id"))


def _version(resource: Json) -> int:
    meta = _meta(resource)
    return hash(str(meta.get("versionId") or meta.get("lastUpdated")))


def _meta(resource: Json) -> Json:
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}
