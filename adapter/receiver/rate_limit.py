"""How fast anybody may knock: token buckets, one for each address of ours, and one for each client that was refused.

A bucket holds up to ``burst`` tokens and gets ``rate`` of them a second; a request takes one. The clock is handed in:
a bucket is nothing but arithmetic. Memory is bounded: names are those of the settings, clients the latest few.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from adapter.receiver.door import Credentials, Door, NotAdmitted

Clock = Callable[[], float]
"""Seconds from any beginning, never going back."""

REFUSALS_PER_SECOND = 0.2
REFUSALS_AT_ONCE = 10
"""Wrong credentials that one client may show in a row before each further one costs it five seconds."""
MOST_CLIENTS = 10_000
"""Clients whose refusals are remembered; the one refused longest ago is forgotten first."""


class TokenBucket:
    """``rate`` tokens a second, ``burst`` at most; full at ``now``."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._tokens = self._burst
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until a token is there; 0 when one is."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = max(self._at, now)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def take(self, now: float) -> float:
        """Take a token and return 0, or take none and return the seconds until one is there."""
        wait = self.wait(now)
        if wait == 0:
            self._tokens -= 1
        return wait


class PacedDoor(Door):
    """A door through which each name's requests come at no more than a rate; who is not let in costs nobody else."""

    def __init__(
        self, secrets: Mapping[str, SecretStr], rate: float, burst: float, clock: Clock = time.monotonic
    ) -> None:
        super().__init__(secrets)
        self._buckets = {name: TokenBucket(rate, burst, clock()) for name in secrets}
        self._clock = clock

    def check(self, name: str, shown: Credentials, body: bytes) -> None:
        """As of any door; 429 to whoever proved who it is and comes too fast."""
        super().check(name, shown, body)
        wait = self._buckets[name].take(self._clock())
        if wait > 0:
            raise NotAdmitted("too many requests", "throttled", status=429, retry_after=wait)


class Refusals:
    """How often each client was refused of late, so that guessing is slow."""

    def __init__(self, clock: Clock = time.monotonic, most: int = MOST_CLIENTS) -> None:
        self._clock = clock
        self._most = most
        self._buckets = OrderedDict[str, TokenBucket]()

    def wait(self, address: str | None) -> float:
        """Seconds for which the client at an IP address is not listened to; 0 when it is."""
        bucket = self._buckets.get(client_of(address))
        return 0.0 if bucket is None else bucket.wait(self._clock())

    def count(self, address: str | None) -> None:
        """The client at an IP address was refused."""
        client, now = client_of(address), self._clock()
        bucket = self._buckets.pop(client, None) or TokenBucket(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE, now)
        bucket.take(now)
        self._buckets[client] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)


def client_of(address: str | None) -> str:
    """Who counts as one client: an IPv4 address, or the /64 that an IPv6 host may choose any address of."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
