"""Claims that a run remembers, as many as memory has room for."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapter.evidence.store import Located

MOST_REMEMBERED = 200_000
"""Of more, those heard of first are forgotten, and decided again when their evidence changed too."""


@dataclass
class Remembered:
    """By their keys; one that was forgotten counts as never heard of."""

    _keys: dict[int, None] = field(default_factory=dict)

    def add(self, claim: Located) -> None:
        self._keys[hash(claim.key)] = None
        if len(self._keys) > MOST_REMEMBERED:
            del self._keys[next(iter(self._keys))]

    def __contains__(self, claim: Located) -> bool:
        return hash(claim.key) in self._keys
