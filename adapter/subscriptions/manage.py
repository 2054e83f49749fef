"""Subscriptions on a server: made, looked at, renewed and removed, any number of times with the same end.

Ours are found by endpoint and identifier in the list of all, because not every server can search for either. What is
not ours is never touched; one at our endpoint that somebody else made is only taken over by ``create``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode

from adapter.evidence.references import Json
from adapter.fhir.version import R5
from adapter.sources.fhir_client import FhirClient, search_value
from adapter.sources.refusals import Refused
from adapter.subscriptions.form import Delivery, identifier, subscription
from adapter.subscriptions.found import STOPPED, WORKING, Found
from adapter.subscriptions.health import Health, read_health
from adapter.subscriptions.offer import Offer, Topic, offered, read_topic
from adapter.subscriptions.watches import Plan, Watch, Wish, plan

BASIC_TOPICS = {"code": "http://hl7.org/fhir/fhir-types|SubscriptionTopic"}
_CHANGED_MEANWHILE = frozenset({409, 412})
_NO_CONDITION = frozenset({400, 412})
_NO_OPERATION = frozenset({400, 404, 405, 422, 501})
MOST_TRIES = 3
SECONDS_BETWEEN_TRIES = (0.2, 1.0)


class Done(StrEnum):
    """What became of a Subscription."""

    CREATED = "created"
    CHANGED = "changed"
    KEPT = "kept"
    RENEWED = "renewed"
    DELETED = "deleted"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Row:
    """One Subscription and what was done with it."""

    found: Found
    done: Done | None = None
    problem: str = ""
    health: Health | None = None
    heard: Mapping[str, int] = field(default_factory=dict)
    """Counts of what ``serve`` received from it and missed."""

    @property
    def works(self) -> bool:
        """Whether all is as it was asked for: notifications come, will once the server is ready, or come no more."""
        return not self.problem and (self.done is Done.DELETED or self.status in WORKING)

    @property
    def status(self) -> str:
        """By the server's own word where it has one."""
        return (self.health.status if self.health else "") or self.found.status


class Subscriptions:
    """The Subscriptions of one server that lead to one endpoint."""

    def __init__(self, client: FhirClient, endpoint: str) -> None:
        self.client, self.endpoint = client, endpoint

    async def all(self) -> list[Found]:
        """Every Subscription that the server lets us see."""
        pages = self.client.search("Subscription", {})
        found = [Found(each) async for page in pages for each in page if each["resourceType"] == "Subscription"]
        return sorted(found, key=lambda each: (each.endpoint, each.subject, each.id))

    async def here(self) -> list[Found]:
        """Those that lead to the endpoint, also made by others."""
        return [each for each in await self.all() if each.endpoint == self.endpoint]

    async def ours(self) -> list[Found]:
        return [each for each in await self.here() if each.is_marked]

    async def plan(self, wish: Wish) -> tuple[Offer, Plan]:
        """What to subscribe to, as far as the server can tell of it."""
        offer = offered(await self.client.capabilities())
        return offer, plan(offer, await self._topics(offer), wish)

    async def _topics(self, offer: Offer) -> list[Topic]:
        if offer.topic_kind is None:
            return []
        parameters = BASIC_TOPICS if offer.topic_kind == "Basic" else {}
        try:
            pages = self.client.search(offer.topic_kind, parameters)
            topics = [read_topic(each) async for page in pages for each in page]
        except Refused:  # it may name topics without letting us read them
            return []
        return [each for each in topics if each is not None]

    async def create(self, offer: Offer, watches: Sequence[Watch], delivery: Delivery) -> list[Row]:
        """One Subscription for each watch: a new one, the one there is, or that one changed to what is wanted."""
        wanted = [(watch, subscription(watch, delivery, offer.version)) for watch in watches]
        there = _by_subject(await self.here())
        rows = [await self._settle(offer, watch, each, there.get(watch.subject), delivery) for watch, each in wanted]
        now = _by_subject(await self.here())
        return [Row(now.get(row.found.subject, row.found), row.done, row.problem) for row in rows]

    async def _settle(self, offer: Offer, watch: Watch, wanted: Json, there: Found | None, delivery: Delivery) -> Row:
        if there is None:
            condition = _condition(offer, watch, delivery)
            return await _tried(Found(wanted), Done.CREATED, lambda: self._make(wanted, condition))
        if there.is_marked and there.delivers_as(wanted):
            if there.status not in STOPPED:
                return Row(there, Done.KEPT)
            return await self._change(there, Done.RENEWED, lambda now: now.renewed(delivery.end))
        return await self._change(there, Done.CHANGED, lambda each: each.revised(wanted))

    async def _make(self, wanted: Json, condition: str | None) -> None:
        """Create it under the condition; without it when the server does not understand the condition.

        A server that knows none of the parameters may refuse them, or pass over them and take any Subscription for it.
        """
        if condition is not None and await self._made_unless(wanted, condition):
            return
        if condition is None or Found(wanted).subject not in {each.subject for each in await self.here()}:
            await self.client.create(wanted)

    async def _made_unless(self, wanted: Json, condition: str) -> bool:
        try:
            return await self.client.create(wanted, if_none_exist=condition)
        except Refused as refused:
            if refused.status not in _NO_CONDITION:
                raise
            return False

    async def renew(self, end: datetime) -> list[Row]:
        """A later end for each of ours; those that stopped are requested anew."""
        return [await self._change(each, Done.RENEWED, lambda now: now.renewed(end)) for each in await self.ours()]

    async def delete(self) -> list[Row]:
        """Remove ours; whatever others pointed to this endpoint stays."""
        ours = await self.ours()
        return [await self._remove(each) for each in ours]

    async def _remove(self, found: Found) -> Row:
        return await _tried(found, Done.DELETED, lambda: self._delete(found))

    async def _delete(self, found: Found) -> None:
        """Delete it; HAPI refuses by 409 while it is busy activating it."""
        for wait in SECONDS_BETWEEN_TRIES:
            try:
                return await self.client.delete("Subscription", found.id)
            except Refused as refused:
                if refused.status not in _CHANGED_MEANWHILE:
                    raise
            await asyncio.sleep(wait)
        return await self.client.delete("Subscription", found.id)

    async def status(self) -> list[Row]:
        """How each of ours fares, by ``$status`` where the server knows it, else by the resource."""
        return [Row(each, health=await health_of(self.client, each.id)) for each in await self.ours()]

    async def _change(self, found: Found, done: Done, change: Callable[[Found], Json]) -> Row:
        """Change it as it is now; servers change it too, when they activate it, so a conflict is tried again."""
        for _ in range(MOST_TRIES):
            changed = change(found)
            try:
                await self.client.update(changed)
            except Refused as refused:
                if refused.status not in _CHANGED_MEANWHILE:
                    return Row(found, Done.REFUSED, refused.problem)
            else:
                return Row(Found(changed), done)
            now = await self.client.read("Subscription", found.id)
            if now is None:
                return Row(found, Done.GONE, "somebody deleted it meanwhile")
            found = Found(now)
        return Row(found, Done.REFUSED, "somebody else keeps changing it")


def _by_subject(found: Sequence[Found]) -> dict[str, Found]:
    """One for each subject: ours before what others pointed here, which is taken over only where there is none."""
    preferred: dict[str, Found] = {}
    for each in sorted(found, key=lambda each: not each.is_marked):
        preferred.setdefault(each.subject, each)
    return preferred


async def health_of(client: FhirClient, id: str) -> Health | None:
    """What ``$status`` says of a Subscription; None from a server that does not know it."""
    try:
        return read_health(await client.operation("Subscription", id, "$status"))
    except Refused as refused:
        if refused.status not in _NO_OPERATION:
            raise
        return None


async def _tried(found: Found, done: Done, send: Callable[[], Awaitable[None]]) -> Row:
    """A refusal concerns this one Subscription; the others are gone on with."""
    try:
        await send()
    except Refused as refused:
        return Row(found, Done.REFUSED, refused.problem)
    return Row(found, done)


def _condition(offer: Offer, watch: Watch, delivery: Delivery) -> str | None:
    """The query of ``If-None-Exist``, so that two runs at once make one; R4 has no search by identifier."""
    if not offer.conditional_create:
        return None
    if offer.version == R5:
        known = identifier(watch, delivery)
        return urlencode({"identifier": f"{known['system']}|{search_value(known['value'])}"})
    return urlencode({"url": delivery.endpoint, "criteria:exact": search_value(watch.subject)})
