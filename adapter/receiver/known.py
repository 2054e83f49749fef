"""Which Subscriptions may notify us: those that are on our server, and name the address they call."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from adapter.errors import SourceError
from adapter.evidence.references import Json
from adapter.receiver.door import NotAdmitted
from adapter.subscriptions.endpoint import is_below
from adapter.subscriptions.found import Found

MOST_KNOWN = 1000
"""Subscriptions that are remembered; the longest unheard of is forgotten."""
SECONDS_KNOWN, SECONDS_UNKNOWN = 300.0, 10.0
"""How long the server's word is taken for true."""
SECONDS_TO_ASK = 3.0
"""A sender waits for us meanwhile."""


Read = Callable[[str], Awaitable[Json | None]]
"""The Subscription of an id, None when the server has none; raises SourceError."""


class _Word(NamedTuple):
    until: float
    ours: bool
    period: int | None = None


class KnownSubscriptions:
    """Asks the server, by ``read``, for each Subscription that it does not remember."""

    def __init__(self, read: Read, public_url: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._public_url = public_url
        self._clock = clock
        self._words: OrderedDict[tuple[str, str], _Word] = OrderedDict()

    async def period(self, name: str, id: str) -> int | None:
        """The heartbeat period of a Subscription that notifies ``name``, in seconds; None when it promises none.

        A server that cannot be asked now is believed: whoever calls has shown the secret, and only makes us read.

        Raises:
            NotAdmitted: 404, for the server has no such Subscription, or one that leads elsewhere.
        """
        word = self._words.get((name, id))
        if word is None or word.until < self._clock():
            word = await self._asked(name, id)
        if not word.ours:
            raise NotAdmitted("no subscription of that id notifies this address", "not-found", status=404)
        return word.period

    async def _asked(self, name: str, id: str) -> _Word:
        try:
            async with asyncio.timeout(SECONDS_TO_ASK):
                word = self._word(name, await self._read(id))
        except (SourceError, TimeoutError):
            word = _Word(self._clock() + SECONDS_UNKNOWN, ours=True)
        self._words[name, id] = word
        self._words.move_to_end((name, id))
        while len(self._words) > MOST_KNOWN:
            self._words.popitem(last=False)
        return word

    def _word(self, name: str, resource: Json | None) -> _Word:
        found = Found(resource or {})
        if self._is_ours(found.endpoint, name):
            return _Word(self._clock() + SECONDS_KNOWN, ours=True, period=found.heartbeat)
        return _Word(self._clock() + SECONDS_UNKNOWN, ours=False)

    def _is_ours(self, endpoint: str, name: str) -> bool:
        """A proxy may know us by another path than the one that reached us, so either is enough."""
        known_as = self._public_url is not None and is_below(endpoint, self._public_url.rstrip("/"))
        return known_as or endpoint.endswith(f"/subscriptions/{name}")
