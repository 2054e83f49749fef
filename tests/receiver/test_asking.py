"""``$events`` and ``$status`` as servers answer them, or do not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapter.notifications.model import Kind
from adapter.notifications.sequence import Gap
from adapter.receiver.gaps.asking import MOST_AT_ONCE, Asking
from adapter.receiver.gaps.event_logs import Key
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience

Json = dict[str, Any]
GAP = Gap(2, 3, 0.0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class World:
    """A server that answers each path with what was set for it, else 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Json | int] = {}
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/Subscription/s1").strip("/")
        self.asked.append(f"{path}?{request.url.query.decode()}")
        found = self.answers.get(path, 404)
        return httpx.Response(found) if isinstance(found, int) else httpx.Response(200, json=found)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def asking(anyio_backend: str, world: World) -> AsyncIterator[Asking]:
    transport = httpx.MockTransport(world.answer)
    async with FhirClient("http://fhir.test", transport=transport, patience=Patience(attempts=1)) as client:
        yield Asking(client)


def events(*foci: tuple[int, str | None]) -> Json:
    each = [
        {"eventNumber": str(number), **({"focus": {"reference": focus}} if focus else {})} for number, focus in foci
    ]
    status = {"resourceType": "SubscriptionStatus", "type": "query-event", "notificationEvent": each}
    return {"resourceType": "Bundle", "type": "subscription-notification", "entry": [{"resource": status}]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "hints"),
    [
        pytest.param(events((2, "Claim/2"), (3, "Encounter/3")), ("Claim/2", "Encounter/3"), id="all of them"),
        pytest.param(events((2, "Claim/2")), None, id="one is no longer there"),
        pytest.param(events((2, "Claim/2"), (3, None)), None, id="one tells nothing"),
        pytest.param(events(), None, id="none"),
        pytest.param({"resourceType": "Bundle", "type": "subscription-notification"}, None, id="no status"),
        pytest.param({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Claim"}}]}, None, id="odd"),
        pytest.param(404, None, id="not known: HAPI"),
        pytest.param(501, None, id="not implemented"),
        pytest.param(403, None, id="not allowed"),
        pytest.param(302, None, id="a redirect"),
        pytest.param(503, None, id="away"),
    ],
)
async def test_events_of_a_gap(world: World, asking: Asking, answer: Json | int, hints: tuple[str, ...] | None) -> None:
    world.answers["$events"] = answer
    assert await asking.events("s1", GAP) == hints
    assert world.asked == ["$events?eventsSinceNumber=2&eventsUntilNumber=3"]


@pytest.mark.anyio
async def test_a_gap_too_large_to_ask_for_is_swept(world: World, asking: Asking) -> None:
    assert await asking.events("s1", Gap(1, MOST_AT_ONCE + 1, 0.0)) is None
    assert world.asked == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "resource", "since_start", "told"),
    [
        pytest.param({"status": "active", "eventsSinceSubscriptionStart": "9"}, 404, 9, "", id="$status, active"),
        pytest.param({"status": "error"}, 404, None, "error", id="$status, stopped"),
        pytest.param(404, {"status": "active"}, None, "", id="the resource, active"),
        pytest.param(501, {"status": "off"}, None, "off", id="the resource, stopped"),
        pytest.param(404, 404, None, "gone", id="gone"),
        pytest.param(403, 404, None, "", id="$status not allowed"),
        pytest.param(404, 403, None, "", id="the resource not allowed"),
        pytest.param(503, 503, None, "", id="away"),
    ],
)
async def test_how_a_silent_subscription_fares(
    world: World,
    asking: Asking,
    caplog: pytest.LogCaptureFixture,
    status: Json | int,
    resource: Json | int,
    since_start: int | None,
    told: str,
) -> None:
    caplog.set_level(logging.WARNING)
    world.answers["$status"] = {"resourceType": "SubscriptionStatus", **status} if isinstance(status, dict) else status
    world.answers[""] = {"resourceType": "Subscription", **resource} if isinstance(resource, dict) else resource
    heard = await asking.status(Key("claims", "s1"), 5.0)
    assert (heard.kind, heard.at, heard.since_start) == (Kind.STATUS, 5.0, since_start)
    assert caplog.text.count("coaching-adapter subscribe") == bool(told)
    assert not told or f"'subscription': 's1', 'status': '{told}'" in caplog.text
