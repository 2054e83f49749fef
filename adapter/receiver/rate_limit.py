"""How fast anybody may knock: a token bucket for each address of ours.

A bucket holds up to ``burst`` tokens and gets ``rate`` of them a second; a request takes one. The clock is handed in:
a bucket is nothing but arithmetic. Nobody is locked out for what another shows from the same address: behind a proxy a
stale Subscription would silence the good ones. Against guessing stands the length of the secrets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from adapter.receiver.door import Credentials, Door, NotAdmitted

Clock = Callable[[], float]
"""Seconds from any beginning, never going back."""


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
