"""What a sender hears: 204 once it is stored, else FHIR with the right status; and what is stored of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapter.notifications.model import Heard, Kind
from adapter.receiver.app import MOST_BODIES, Receiver
from adapter.receiver.door import Door
from adapter.receiver.known import KnownSubscriptions
from adapter.receiver.submit.operation import Submit
from adapter.receiver.submit.submitting import Answered
from adapter.receiver.work.group_commit import GroupCommit

Json = dict[str, Any]
RECORDED = Path(__file__).parents[1] / "notifications" / "recorded"
SECRET = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {SECRET}"}
FHIR = {"Content-Type": "application/fhir+json; charset=UTF-8"}
HEARTBEAT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period"
R4_SUBSCRIPTION: Json = {
    "resourceType": "Subscription",
    "channel": {
        "endpoint": "https://adapter.test/subscriptions/claims",
        "extension": [{"url": HEARTBEAT, "valueUnsignedInt": 60}],
    },
}
CLAIM = json.dumps({"resourceType": "Claim", "id": "42"})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class World:
    """A receiver, what it stored, and the state of its database."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.heard: list[Heard] = []
        self.subscriptions: dict[str, Json] = {}
        self.writable = self.reachable = True
        watched = frozenset({"Claim", "Encounter"})
        door = Door({"claims": SecretStr(SECRET)})
        submit = Submit(None, self._never, most_bytes=5000)
        store, known = GroupCommit(self._store), KnownSubscriptions(self._read, None)
        self.receiver = Receiver(door, store, known, self._totals, watched, most_bytes=5000, submit=submit)
        transport = httpx.ASGITransport(self.receiver.app())
        self.http = httpx.AsyncClient(transport=transport, base_url="http://adapter.test")

    def _store(self, hints: list[str], heard: list[Heard]) -> None:
        if not self.writable:
            raise OSError("disk full")
        self.stored += hints
        self.heard += heard

    async def _read(self, id: str) -> Json | None:
        return self.subscriptions.get(id, R4_SUBSCRIPTION)

    async def _totals(self) -> dict[str, int] | None:
        return {"received": 7} if self.reachable else None

    async def _never(self, _body: bytes) -> Answered:
        raise AssertionError("the operation is off")

    async def send(self, method: str, path: str = "", content: str = "", **headers: str) -> httpx.Response:
        url = f"/subscriptions/claims{path}"
        return await self.http.request(method, url, content=content, headers={**BEARER, **FHIR, **headers})


@pytest.fixture
async def world(anyio_backend: str) -> AsyncIterator[World]:
    world = World()
    async with world.http:
        yield world


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "content", "stored"),
    [
        pytest.param("PUT", "/Claim/42", CLAIM, ["Claim/42"], id="HAPI with payload"),
        pytest.param("DELETE", "/Claim/42", "", ["Claim/42"], id="HAPI, deleted"),
        pytest.param("POST", "", "", ["*"], id="without payload"),
        pytest.param("POST", "/", "", ["*"], id="without payload, a slash at the end"),
        pytest.param("POST", "", CLAIM, ["Claim/42"], id="Medplum"),
        pytest.param("PUT", "/Medication/1", "", [], id="a type that no decision rests on"),
        pytest.param("PUT", "/ClaimResponse/1", "", [], id="an answer of ours"),
    ],
)
async def test_what_is_stored(world: World, method: str, path: str, content: str, stored: list[str]) -> None:
    answer = await world.send(method, path, content)
    assert (answer.status_code, answer.content, world.stored) == (204, b"", stored)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("ig-r4-handshake", []),
        ("ig-r4-heartbeat", []),
        ("ig-r4-empty", ["*"]),
        ("hapi-r4-id-only", ["Claim/42"]),
        ("inferno-full_resource", ["Encounter/86009987-eabe-42bf-8c02-b112b18cb616"]),
    ],
)
async def test_recorded_notifications_over_http(world: World, name: str, stored: list[str]) -> None:
    answer = await world.send("POST", "", (RECORDED / f"{name}.json").read_text())
    assert (answer.status_code, world.stored) == (204, stored)


@pytest.mark.anyio
async def test_event_numbers_are_kept_with_the_period_that_the_subscription_promises(world: World) -> None:
    await world.send("POST", "", (RECORDED / "ig-r4-heartbeat.json").read_text())
    (heard,) = world.heard
    assert (heard.name, heard.kind, heard.period) == ("claims", Kind.HEARTBEAT, 60)
    assert (heard.subscription, heard.since_start) == ("admission", 2)
    assert heard.at > 0


@pytest.mark.anyio
@pytest.mark.parametrize(
    "subscription",
    [
        pytest.param(None, id="not on the server"),
        pytest.param({"channel": {"endpoint": "https://elsewhere.test/hook"}}, id="leads elsewhere"),
        pytest.param({"channel": {"endpoint": "https://adapter.test/subscriptions/others"}}, id="another name"),
        pytest.param({"endpoint": 5}, id="malformed"),
    ],
)
async def test_a_bundle_of_a_subscription_that_is_not_ours_is_refused_and_counted(
    world: World, subscription: Json | None
) -> None:
    bundle = (RECORDED / "hapi-r4-id-only.json").read_text()
    parts = json.loads(bundle)["entry"][0]["resource"]["parameter"]
    reference = next(each["valueReference"]["reference"] for each in parts if each["name"] == "subscription")
    world.subscriptions[reference.rpartition("/")[2]] = subscription  # type: ignore[assignment] # None: it is gone
    answer = await world.send("POST", "", bundle)
    assert (answer.status_code, answer.json()["issue"][0]["code"], world.stored) == (404, "not-found", [])
    told = (await world.http.get("/health/ready")).json()
    assert told["notifications"] == {"unknown_subscription": 1}


@pytest.mark.anyio
async def test_a_handshake_is_answered_before_the_subscription_can_be_read(world: World) -> None:
    world.subscriptions["admission"] = {}
    assert (await world.send("POST", "", (RECORDED / "ig-r4-handshake.json").read_text())).status_code == 204
    assert (await world.send("POST", "", (RECORDED / "ig-r4-heartbeat.json").read_text())).status_code == 404


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        pytest.param({"headers": {}}, 401, "login", id="no secret"),
        pytest.param({"headers": {"Authorization": "Bearer wrong"}}, 403, "forbidden", id="a wrong secret"),
        pytest.param({"headers": {"X-Signature": "00"}}, 403, "forbidden", id="a wrong signature"),
        pytest.param({"url": "/subscriptions/other"}, 404, "not-found", id="an unknown subscription"),
        pytest.param({"url": "/elsewhere"}, 404, "not-found", id="no address of ours"),
        pytest.param({"method": "GET"}, 405, "not-supported", id="a method that tells nothing"),
        pytest.param({"content": "<Claim/>", "headers": {**BEARER, "Content-Type": "text/xml"}}, 415, "not-supported"),
        pytest.param({"content": "Jane Doe"}, 400, "structure", id="no JSON"),
        pytest.param({"content": '{"resourceType": "Clam", "id": "1"}'}, 404, "not-supported", id="an unknown type"),
        pytest.param({"content": " " * 5001}, 413, "too-long", id="too large"),
        pytest.param({"content": " " * 5001, "headers": {"X-Signature": "00"}}, 413, "too-long", id="large, signed"),
    ],
)
async def test_what_is_refused(world: World, request_: dict[str, Any], status: int, code: str) -> None:
    usual: dict[str, Any] = {"method": "POST", "url": "/subscriptions/claims", "headers": BEARER | FHIR}
    answer = await world.http.request(**(usual | request_))
    outcome = answer.json()
    assert (answer.status_code, outcome["issue"][0]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/fhir+json"
    assert outcome["resourceType"] == "OperationOutcome"
    assert "Jane" not in answer.text
    assert world.stored == []


@pytest.mark.anyio
async def test_bodies_of_whoever_has_yet_to_prove_who_it_is_have_room_for_so_many(world: World) -> None:
    """Each holds its body back; what is under way is given back at the end, and who shows the secret needs no room."""
    signed = {"X-Signature": "00", "Authorization": ""}
    released, all_begun, begun = asyncio.Event(), asyncio.Event(), count(1)

    async def slow() -> AsyncIterator[bytes]:
        yield b" " * 5000
        if next(begun) == MOST_BODIES:
            all_begun.set()
        await released.wait()

    async def sent() -> int:
        return (await world.http.post("/subscriptions/claims", content=slow(), headers={**FHIR, **signed})).status_code

    under_way = [asyncio.create_task(sent()) for _ in range(MOST_BODIES)]
    await all_begun.wait()
    refused = await world.http.post("/subscriptions/claims", content=b" ", headers={**FHIR, **signed})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert (await world.send("POST", "", CLAIM)).status_code == 204
    released.set()
    assert set(await asyncio.gather(*under_way)) == {403}
    again = await world.http.post("/subscriptions/claims", content=b" ", headers={**FHIR, **signed})
    assert again.status_code == 403
    assert world.receiver.counts == {"throttled": 1, "refused": MOST_BODIES + 1, "received": 1}


@pytest.mark.anyio
async def test_an_unknown_address_reads_no_body(world: World) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    answer = await world.http.post("/subscriptions/none", content=never(), headers={**FHIR, "X-Signature": "00"})
    assert answer.status_code == 404


@pytest.mark.anyio
async def test_a_database_that_cannot_be_written_makes_senders_come_again_and_readiness_red(world: World) -> None:
    world.writable = False
    answer = await world.send("POST")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (503, "transient")
    assert answer.headers["retry-after"] == "5"
    assert (await world.http.get("/health/ready")).status_code == 503
    world.writable = True
    assert (await world.http.get("/health/ready")).status_code == 200
    assert world.stored == []


@pytest.mark.anyio
async def test_a_database_that_is_gone_makes_readiness_red_before_anybody_notifies(world: World) -> None:
    world.reachable = False
    assert (await world.http.get("/health/ready")).status_code == 503
    assert (await world.http.get("/health/live")).status_code == 200


@pytest.mark.anyio
async def test_readiness_counts_what_came(world: World) -> None:
    await asyncio.gather(world.send("POST"), world.send("POST"), world.send("POST", "", "{"))
    await world.http.post("/subscriptions/other", headers=BEARER)
    told = (await world.http.get("/health/ready")).json()
    assert told["notifications"] == {"received": 2, "refused": 1, "unknown_subscription": 1}
    assert told["events"] == {"received": 7}


@pytest.mark.anyio
async def test_an_error_of_ours_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_request: object) -> None:
        raise KeyError("Jane Doe")

    monkeypatch.setattr("adapter.receiver.app.read_request", broken)
    answer = await world.send("POST")
    assert (answer.status_code, answer.json()["issue"][0]["details"]["text"]) == (500, "internal error")


@pytest.mark.anyio
async def test_the_capability_statement_is_valid(world: World) -> None:
    from adapter.evidence.store import Located
    from adapter.fhir.validation import structural_issues

    answer = await world.http.get("/metadata")
    assert answer.json()["resourceType"] == "CapabilityStatement"
    assert structural_issues(Located(answer.json()), "r4") == []
