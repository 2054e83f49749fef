"""``serve`` with a real server: HAPI's rest-hooks, with payload and without, end in one right answer for each claim."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from receiver.test_serve_process import SECRET, Service

STORIES = Path(__file__).parents[2] / "fixtures" / "stories"
NAMES = ["0592t-approved", "0592t-29-minutes", "0591t-20-minutes"]
EARLY = ["Organization", "Location", "Practitioner", "Patient"]
"""HAPI indexes a reference only when its target is there already; a claim of an unknown patient is found by nobody."""
Json = dict[str, Any]


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.2)


class Hapi:
    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60, headers={"Cache-Control": "no-cache"}, trust_env=False)

    def put(self, resource: Json) -> None:
        self.http.put(f"/{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()

    def subscribe(self, criteria: str, endpoint: str, payload: str | None) -> None:
        channel = {"type": "rest-hook", "endpoint": endpoint, "header": [f"Authorization: Bearer {SECRET}"]}
        subscription: Json = {
            "resourceType": "Subscription",
            "status": "requested",
            "reason": "coverage decisions",
            "criteria": criteria,
            "channel": channel | ({"payload": payload} if payload else {}),
        }
        id = self.http.post("/Subscription", json=subscription).raise_for_status().json()["id"]
        until(lambda: self.http.get(f"/Subscription/{id}").json()["status"] == "active")

    def outcomes(self) -> dict[str, str]:
        found = self.http.get("/ClaimResponse", params={"_count": "500"}).json().get("entry", [])
        answers = [each["resource"] for each in found]
        assert len(answers) == len({each["request"]["reference"] for each in answers})
        return {each["request"]["reference"]: each["disposition"] for each in answers}


@pytest.mark.parametrize(
    "payload", [pytest.param("application/fhir+json", id="payload"), pytest.param(None, id="none")]
)
def test_claims_and_evidence_in_any_order_end_in_the_answer_of_sync(
    hapi_url: str, tmp_path: Path, payload: str | None
) -> None:
    hapi, service = Hapi(hapi_url), Service(hapi_url, tmp_path)
    resources = [
        json.loads(json.dumps(entry["resource"]).replace(name, f"{name}-{payload and 'p'}"))
        for name in NAMES
        for entry in json.loads((STORIES / name / "0_bundle.json").read_text())["entry"]
    ]
    early = [each for each in resources if each["resourceType"] in EARLY]
    rest = [each for each in resources if each["resourceType"] not in EARLY]
    random.Random(7).shuffle(rest)
    with service.running():
        for kind in sorted({each["resourceType"] for each in rest}):
            hapi.subscribe(f"{kind}?", str(service.http.base_url.join("/subscriptions/claims")), payload)
        for each in [*early, *rest]:
            hapi.put(each)
        mine = {f"Claim/{each['id']}" for each in rest if each["resourceType"] == "Claim"}
        until(lambda: mine <= set(hapi.outcomes()) and _nothing_to_do(service))
    service.http.close()
    hapi.http.close()


def _nothing_to_do(service: Service) -> bool:
    report = json.loads(service.run("sync", service.url, "--dry-run", "--format", "json").stdout)
    return {each["action"] for each in report["changes"]} == {"unchanged"}
