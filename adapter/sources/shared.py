"""What many claims share, kept for one run: the same practice, coach and payer come with claim after claim.

Whoever decides must not rest on less than an answer that is there already rests on. So what is kept is dropped as soon
as an answer turns up that was written since (``forget_before``), and before a claim is decided again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta

from adapter.evidence.references import Json

SHARED = frozenset({"Coverage", "Location", "Organization", "Practitioner", "PractitionerRole"})
MOST_KEPT = 5_000
"""Answers kept; about as many resources, of 2 kB each."""
_RESOLUTION = timedelta(seconds=1)
"""Of the clock in the head of an answer."""

Key = tuple[str, str, str]
"""Type, search parameter and value."""


class Shared:
    """Answers to searches for one value each; the ones not used for longest go first."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[Key, Sequence[Json]] = OrderedDict()
        self._since: datetime | None = None

    def get(self, key: Key) -> Sequence[Json] | None:
        """What was found; None when it is not known."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Key, found: Sequence[Json], now: datetime | None) -> None:
        """Keep an answer that the server gave by ``now`` on its clock; one without a clock is never relied on."""
        if now is None or key[0] not in SHARED:
            return
        self._since = self._since or now
        self._kept[key] = found
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        self._kept.clear()
        self._since = None

    def forget_before(self, written: datetime | None) -> None:
        """Forget all when an answer was written, on the server's clock, since the first of it was read."""
        if self._since is not None and written is not None and written >= self._since - _RESOLUTION:
            self.forget()
