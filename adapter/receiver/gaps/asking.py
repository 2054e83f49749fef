"""What the FHIR server is asked of its Subscriptions: ``$events`` for a gap, ``$status`` after a silence.

https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-events.html
"""

from __future__ import annotations

from collections.abc import Sequence

from adapter.errors import InputError, SourceError
from adapter.logs import events
from adapter.notifications.bundles import read_bundle
from adapter.notifications.model import ANYTHING, Heard, Kind
from adapter.notifications.sequence import Gap
from adapter.receiver.gaps.event_logs import Key
from adapter.sources.fhir_client import FhirClient
from adapter.subscriptions.found import WORKING, Found
from adapter.subscriptions.health import Health
from adapter.subscriptions.manage import health_of

log = events.logger(__name__)

MOST_AT_ONCE = 1000
"""Events that are asked for in one request; a larger gap is swept."""

_RENEW = "coaching-adapter subscribe URL renew"


class Asking:
    """By the connection to the configured server."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    async def events(self, subscription: str, gap: Gap) -> Sequence[str] | None:
        """Hints of the events of a gap; None when the server no longer has them all, or cannot be asked."""
        if gap.size > MOST_AT_ONCE:
            return None
        wanted = {"eventsSinceNumber": str(gap.first), "eventsUntilNumber": str(gap.last)}
        try:
            told = read_bundle(await self._client.operation("Subscription", subscription, "$events", wanted))
        except (SourceError, InputError):
            return None
        whole = set(range(gap.first, gap.last + 1)) <= set(told.numbers)
        return told.hints if whole and ANYTHING not in told.hints else None

    async def status(self, key: Key, at: float) -> Heard:
        """How the Subscription fares; one that stopped is told of, for nobody hears of it otherwise."""
        try:
            health = await self._health(key.subscription)
        except SourceError:  # then nothing is known, but that it is silent
            return Heard(key.name, at, key.subscription, Kind.STATUS)
        if health.status not in WORKING:
            status = health.status or "gone"
            log.warning("subscription.silent", subscription=key.subscription, status=status, do=_RENEW)
        return Heard(key.name, at, key.subscription, Kind.STATUS, since_start=health.events)

    async def _health(self, id: str) -> Health:
        """By ``$status`` where the server knows it, else by the resource."""
        health = await health_of(self._client, id)
        return health or Health(Found(await self._client.read("Subscription", id) or {}).status, None)
