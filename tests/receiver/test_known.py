"""The server's word on a Subscription: asked for once in a while, believed when it cannot be had."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapter.errors import SourceError
from adapter.receiver import known as known_module
from adapter.receiver.door import NotAdmitted
from adapter.receiver.known import MOST_KNOWN, SECONDS_KNOWN, SECONDS_UNKNOWN, KnownSubscriptions

OURS = {"channel": {"endpoint": "https://adapter.test/subscriptions/claims/"}}
Json = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class World:
    def __init__(self, public_url: str | None = None) -> None:
        self.now = 0.0
        self.asked = 0
        self.resource: Json | None = OURS
        self.fails: Exception | None = None
        self.known = KnownSubscriptions(self._read, public_url, lambda: self.now)

    async def _read(self, _id: str) -> Json | None:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        return self.resource

    async def refused(self) -> bool:
        try:
            await self.known.period("claims", "s1")
        except NotAdmitted as refusal:
            return refusal.status == 404
        return False


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("public_url", "resource", "refused"),
    [
        (None, OURS, False),
        (None, {"endpoint": "https://adapter.test/subscriptions/claims"}, False),  # R5
        (None, {"channel": {"endpoint": "https://adapter.test/hooks/main"}}, True),
        ("https://adapter.test/hooks/", {"channel": {"endpoint": "https://adapter.test/hooks/main"}}, False),
        ("https://adapter.test/hooks", {"channel": {"endpoint": "https://other.test/hooks/main"}}, True),
        ("https://adapter.test/hook", {"channel": {"endpoint": "https://adapter.test/hooks"}}, True),
        (None, {}, True),
        (None, None, True),
    ],
)
async def test_ours_are_those_that_lead_to_us(public_url: str | None, resource: Json | None, refused: bool) -> None:
    world = World(public_url)
    world.resource = resource
    assert await world.refused() is refused


@pytest.mark.anyio
@pytest.mark.parametrize(("resource", "seconds"), [(OURS, SECONDS_KNOWN), (None, SECONDS_UNKNOWN)])
async def test_the_word_is_remembered_for_a_while(resource: Json | None, seconds: float) -> None:
    world = World()
    world.resource = resource
    for world.now in (0.0, seconds - 0.1, seconds):
        await world.refused()
    assert world.asked == 1
    world.now = seconds + 0.1
    await world.refused()
    assert world.asked == 2


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [SourceError("it is away"), TimeoutError()])
async def test_a_server_that_cannot_be_asked_is_believed_and_asked_again(fault: Exception) -> None:
    world = World()
    world.fails = fault
    for world.now in (0.0, SECONDS_UNKNOWN):
        assert not await world.refused()
    assert world.asked == 1, "nobody waits for it again for a while"
    world.fails, world.resource, world.now = None, None, SECONDS_UNKNOWN + 0.1
    assert await world.refused()


@pytest.mark.anyio
async def test_a_server_that_is_slow_holds_up_no_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_id: str) -> Json | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(known_module, "SECONDS_TO_ASK", 0.01)
    assert await KnownSubscriptions(never, None).period("claims", "s1") is None


@pytest.mark.anyio
async def test_no_more_are_remembered_than_the_limit() -> None:
    world = World()
    for number in range(MOST_KNOWN + 1):
        await world.known.period("claims", f"s{number}")
    await world.known.period("claims", f"s{MOST_KNOWN}")
    assert world.asked == MOST_KNOWN + 1
    await world.known.period("claims", "s0")
    assert world.asked == MOST_KNOWN + 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("resource", "period"),
    [
        ({**OURS, "heartbeatPeriod": 30}, 30),
        ({**OURS, "heartbeatPeriod": 0}, None),
        ({**OURS, "heartbeatPeriod": "30"}, None),
        ({**OURS, "heartbeatPeriod": True}, None),
        (OURS, None),
    ],
)
async def test_the_heartbeat_that_is_promised(resource: Json, period: int | None) -> None:
    world = World()
    world.resource = resource
    assert await world.known.period("claims", "s1") == period
