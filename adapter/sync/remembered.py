"""Claims that a run remembers, as many as memory has room for."""

from __future__ import annotations

from collections.abc import Iterable
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

    def first_heard(self, claims: Iterable[Located]) -> list[Located]:
        """Those of the claims that were not remembered; from now on they are."""
        new = [each for each in claims if each not in self]
        for each in new:
            self.add(each)
        return new

    def __contains__(self, claim: Located) -> bool:
        return hash(claim.key) in self._keys
