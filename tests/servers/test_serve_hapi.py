"""``serve`` with a real server: whichever way HAPI notifies, claims and evidence in any order end in the right answers.

The server is one of its own: a Subscription hears of all that any test writes, and would tell a service that is gone.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
from crash.load import Copy, copies, kinds, mixed
from crash.nodes import Fleet, fleet
from crash.verdict import due, wrong
from hapi_server import running_hapi
from test_hapi_server import a_topic
from typer.testing import CliRunner, Result

from adapter.answers.systems import DEFAULT_IDENTIFIER_SYSTEM
from adapter.cli.main import app

CLAIMS = 3
TOPICS = {
    "CarePlan": "status=active",
    "Claim": "status=active,draft",
    "Condition": "clinical-status=active",
    "Coverage": "status=active",
    "DocumentReference": "status=current",
    "Encounter": "status=finished",
    "Goal": "lifecycle-status=active",
    "PractitionerRole": "active=true",
    "Procedure": "status=completed",
}
"""What a topic of each type tells of. HAPI wants a condition with each, and one that it can check in memory."""
Json = dict[str, Any]
Subscribe = Callable[["Scene", Sequence[str]], None]


class Scene:
    """HAPI, a running service, and the commands of the person who looks after both."""

    def __init__(self, service: Fleet, http: httpx.Client) -> None:
        self.service, self.http = service, http

    def command(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    def subscribe(self, *arguments: str) -> Json:
        result = self.command("subscribe", self.service.url, *arguments, "--format", "json")
        assert result.exit_code == 0, result.output
        return {row["id"]: row for row in json.loads(result.stdout)}

    def put(self, resource: Json) -> None:
        self.http.put(f"/{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()

    def answers(self, claims: set[str]) -> dict[str, list[Json]]:
        query = {"identifier": f"{DEFAULT_IDENTIFIER_SYSTEM}|", "_count": "500"}
        found: dict[str, list[Json]] = {}
        for entry in self.http.get("/ClaimResponse", params=query).raise_for_status().json().get("entry", []):
            claim = entry["resource"]["request"]["reference"].partition("/")[2]
            if claim in claims:
                found.setdefault(claim, []).append(entry["resource"])
        return found

    def nothing_to_do(self, claims: set[str]) -> bool:
        named = chain.from_iterable(("--claim", each) for each in sorted(claims))
        result = self.command("sync", self.service.url, "--dry-run", "--format", "json", *named)
        assert result.exit_code == 0, result.output
        return {each["action"] for each in json.loads(result.stdout)["changes"]} == {"unchanged"}


@pytest.fixture(scope="module")
def service(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    told_only = {"ADAPTER_SWEEP_SECONDS": "86400"}  # a sweep would find what no notification told of
    with running_hapi() as hapi, fleet(hapi.url, tmp_path_factory.mktemp("serve"), 1, settings=told_only) as service:
        service.nodes[0].start()
        service.wait_until_ready()
        yield service


@pytest.fixture
def scene(service: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    for name in [name for name in os.environ if name.startswith("ADAPTER_")]:
        monkeypatch.delenv(name)
    for name, value in service.environment.items():
        if name.startswith("ADAPTER_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("ADAPTER_PUBLIC_URL", service.nodes[0].endpoint)
    with httpx.Client(base_url=service.url, headers={"Cache-Control": "no-cache"}, trust_env=False, timeout=60) as http:
        scene = Scene(service, http)
        yield scene
        scene.subscribe("delete")


def by_criteria(payload: str) -> Subscribe:
    def subscribe(scene: Scene, types: Sequence[str]) -> None:
        named = chain.from_iterable(("--type", each) for each in types)
        scene.subscribe("create", "--by", "criteria", "--payload", payload, *named)

    return subscribe


def by_topic(scene: Scene, types: Sequence[str]) -> None:
    """An R4 topic for each type, and its Subscription by the backport's profile, id-only."""
    for kind in types:
        scene.put(a_topic(f"topic-of-{kind.lower()}", url(kind), kind, f"{kind}?{TOPICS[kind]}"))
    time.sleep(2)  # the server looks for new topics once a second
    for kind in types:
        scene.subscribe("create", "--topic", url(kind), "--filter", f"{kind}?{TOPICS[kind]}")


def url(kind: str) -> str:
    return f"http://example.org/topics/{kind.lower()}"


@pytest.mark.parametrize(
    ("subscribe", "first"),
    [
        pytest.param(by_criteria("full-resource"), 0, id="rest-hook with payload"),
        pytest.param(by_criteria("empty"), 100, id="rest-hook without payload"),
        pytest.param(by_topic, 200, id="R4 topic of the backport"),
    ],
)
def test_claims_and_evidence_in_any_order_end_in_the_answer_of_sync(
    scene: Scene, tmp_path: Path, subscribe: Subscribe, first: int
) -> None:
    work, before = copies(CLAIMS, seed=first, first=first), received(scene.service)
    subscribe(scene, kinds(work))
    until(lambda: {row["status"] for row in scene.subscribe("status").values()} == {"active"})
    write(scene, work, random.Random(first))
    expected, claims = due(work, tmp_path), {each.claim for each in work}
    until(
        lambda: not list(wrong(scene.answers(claims), expected)), lambda: list(wrong(scene.answers(claims), expected))
    )
    until(lambda: scene.service.waiting() == 0)
    assert scene.nothing_to_do(claims)
    assert list(wrong(scene.answers(claims), expected)) == []
    assert scene.service.failures() == []
    assert received(scene.service) - before >= sum(len(each.steps) for each in work) / 2


def received(service: Fleet) -> int:
    service.wait_until_ready()  # and with it, what it counted is read
    return service.nodes[0].received


def write(scene: Scene, work: Sequence[Copy], rng: random.Random) -> None:
    for each in chain.from_iterable(copy.early for copy in work):
        scene.put(each)
    for each in mixed(work, rng):
        scene.put(each)


def until(true: Callable[[], bool], why: Callable[[], object] = lambda: "", seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it never came to be: {why()}"
        time.sleep(0.3)
