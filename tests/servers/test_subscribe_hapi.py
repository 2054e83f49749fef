"""Subscriptions on a real server: made once, seen to work, renewed, taken away, and what is not ours left alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from test_hapi_server import TOPIC, Receiver, a_claim, a_topic, eventually, receiver
from typer.testing import CliRunner, Result

from adapter.cli.main import app
from adapter.subscriptions.watches import DEFAULT_TYPES

SECRET = "a-secret-of-the-door"
FOREIGN = "http://127.0.0.1:9/another-system"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def http(hapi_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hapi_url, headers={"Cache-Control": "no-cache"}, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver of our own, and the settings that name it."""
    with receiver() as hook:
        monkeypatch.setenv("ADAPTER_PUBLIC_URL", hook.url)
        monkeypatch.setenv("ADAPTER_SUBSCRIPTION_SECRET", SECRET)
        yield hook


class Subscribe:
    """The command for one server; what it made is taken away at the end."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *arguments: str) -> Result:
        result = CliRunner().invoke(app, ["subscribe", self.url, *arguments, "--format", "json"])
        assert SECRET not in result.output
        return result

    def rows(self, *arguments: str) -> list[Json]:
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        found: list[Json] = json.loads(result.stdout)
        return found

    def active(self) -> list[Json]:
        """Ours, once the server has activated all of them."""
        return eventually(lambda: self.rows("status"), lambda rows: {row["status"] for row in rows} == {"active"})


@pytest.fixture
def subscribe(hapi_url: str, hook: Receiver) -> Iterator[Subscribe]:
    subscribe = Subscribe(hapi_url)
    yield subscribe
    subscribe("delete")


def stored(http: httpx.Client, id: str) -> Json:
    found: Json = http.get(f"/Subscription/{id}").raise_for_status().json()
    return found


def by_subject(rows: list[Json]) -> dict[str, str]:
    return {row["watches"]: row["done"] for row in rows}


def test_create_makes_one_for_each_type_and_twice_makes_nothing_new(subscribe: Subscribe) -> None:
    first = subscribe.rows("create", "--type", "Claim", "--type", "Encounter")
    again = subscribe.rows("create", "--type", "Claim", "--type", "Encounter")
    assert by_subject(first) == {"Claim?": "created", "Encounter?": "created"}
    assert by_subject(again) == {"Claim?": "kept", "Encounter?": "kept"}
    assert {row["id"] for row in again} == {row["id"] for row in first} == {row["id"] for row in subscribe.active()}


def test_every_default_type_becomes_active(subscribe: Subscribe) -> None:
    made = subscribe.rows("create")
    assert [row["watches"] for row in made] == [f"{kind}?" for kind in DEFAULT_TYPES]
    assert len(subscribe.active()) == len(DEFAULT_TYPES)


@pytest.mark.parametrize(
    ("payload", "arrived"),
    [
        pytest.param("empty", lambda got: (got.method, got.body) == ("POST", b""), id="an empty call"),
        pytest.param("full-resource", lambda got: got.method == "PUT" and "/Claim/" in got.path, id="the claim itself"),
    ],
)
def test_a_changed_claim_is_notified_with_the_secret(
    subscribe: Subscribe, http: httpx.Client, hook: Receiver, payload: str, arrived: Callable[[Any], bool]
) -> None:
    subscribe.rows("create", "--type", "Claim", "--payload", payload)
    subscribe.active()
    http.put(f"/Claim/told-{payload}", json=a_claim(f"told-{payload}", "told")).raise_for_status()
    assert hook.wait_for(arrived).headers["authorization"] == f"Bearer {SECRET}"


def test_a_topic_is_subscribed_to(subscribe: Subscribe, http: httpx.Client, hook: Receiver) -> None:
    http.put("/Basic/claim-topic", json=a_topic()).raise_for_status()
    time.sleep(2)  # the server looks for new topics once a second
    (row,) = subscribe.rows("create", "--topic", TOPIC, "--filter", "Claim?patient=Patient/1")
    assert row["watches"] == TOPIC
    subscribe.active()
    claim = a_claim("told-by-topic", "topic")
    http.put(f"/Claim/{claim['id']}", json=claim).raise_for_status()
    arrived = hook.wait_for(lambda got: claim["id"] in got.body.decode())
    assert arrived.headers["authorization"] == f"Bearer {SECRET}"
    assert {"resource"}.isdisjoint(arrived.json()["entry"][1])  # id-only: no health data travelled
    assert by_subject(subscribe.rows("create", "--topic", TOPIC, "--filter", "Claim?patient=Patient/1")) == {
        TOPIC: "kept"
    }


def test_a_refused_subscription_is_named_and_the_exit_code_says_so(subscribe: Subscribe) -> None:
    result = subscribe("create", "--topic", TOPIC)  # HAPI wants a filter with each topic
    assert result.exit_code == 3
    assert f"{TOPIC}: " in result.stderr
    assert "answered 422" in result.stderr


@pytest.mark.parametrize("stopped", ["error", "off"])
def test_renew_extends_the_end_and_starts_what_stopped(subscribe: Subscribe, http: httpx.Client, stopped: str) -> None:
    subscribe.rows("create", "--type", "Claim", "--days", "1")
    (before,) = subscribe.active()
    http.put(f"/Subscription/{before['id']}", json=stored(http, before["id"]) | {"status": stopped}).raise_for_status()
    status = subscribe("status")
    assert (status.exit_code, json.loads(status.stdout)[0]["status"]) == (3, stopped)
    assert "`renew` starts it again" in status.stderr
    subscribe.rows("renew", "--days", "60")
    (after,) = subscribe.active()
    assert after["id"] == before["id"]
    assert after["end"] > before["end"]


def test_renew_leaves_what_is_active_active(subscribe: Subscribe, http: httpx.Client) -> None:
    subscribe.rows("create", "--type", "Claim")
    (before,) = subscribe.active()
    (renewed,) = subscribe.rows("renew", "--days", "60")
    assert renewed["status"] == "active"
    assert stored(http, before["id"])["status"] == "active"


def test_delete_removes_only_ours(subscribe: Subscribe, http: httpx.Client, hook: Receiver) -> None:
    foreign = [
        http.post("/Subscription", json=by_hand(endpoint)).raise_for_status().json()["id"]
        for endpoint in (FOREIGN, hook.url, f"{hook.url}/deeper")
    ]
    subscribe.rows("create", "--type", "Claim")
    listed = {row["endpoint"]: row["made_by_us"] for row in subscribe.rows("list") if row["id"] in foreign}
    assert listed == {hook.url: False, f"{hook.url}/deeper": False}
    gone = subscribe.rows("delete")
    assert [row["done"] for row in gone] == ["deleted"]
    assert http.get(f"/Subscription/{gone[0]['id']}").status_code == 410
    assert [stored(http, id)["id"] for id in foreign] == foreign
    assert subscribe.rows("delete") == []
    for id in foreign:
        http.delete(f"/Subscription/{id}").raise_for_status()


def by_hand(endpoint: str) -> Json:
    """A Subscription as somebody else makes it."""
    channel = {"type": "rest-hook", "endpoint": endpoint, "header": [f"Authorization: Bearer {SECRET}"]}
    return {
        "resourceType": "Subscription",
        "status": "off",
        "reason": "another system",
        "criteria": "Encounter?",
        "channel": channel,
    }


def test_an_address_that_is_not_ours_is_refused(subscribe: Subscribe) -> None:
    result = subscribe("create", "--endpoint", FOREIGN)
    assert "no address of ours" in str(result.exception)
    assert subscribe.rows("list") == []
