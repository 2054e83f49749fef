"""Does the HAPI test server do what the adapter's tests rely on? Half a minute to start, a few seconds to run."""

import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import httpx
import pytest

FHIR_JSON = "application/fhir+json"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
TOPIC = "http://example.org/topics/claims"

T = TypeVar("T")


@pytest.fixture(scope="module")
def fhir(hapi_url: str) -> Iterator[httpx.Client]:
    headers = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON}
    with httpx.Client(base_url=hapi_url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def test_metadata_says_r4(fhir: httpx.Client) -> None:
    assert fhir.get("/metadata").json()["fhirVersion"] == "4.0.1"


def test_create_read_update_and_history(fhir: httpx.Client) -> None:
    created = fhir.post("/Patient", json={"resourceType": "Patient", "active": True})
    assert created.status_code == 201
    path = f"/Patient/{created.json()['id']}"
    assert created.headers["Location"] == f"{fhir.base_url}{path[1:]}/_history/1"
    changed = fhir.put(path, json=created.json() | {"active": False}, headers={"If-Match": 'W/"1"'})
    assert changed.headers["ETag"] == 'W/"2"'
    assert fhir.get(path).json()["active"] is False
    assert fhir.get(f"{path}/_history/1").json()["active"] is True


def test_a_client_may_choose_a_numeric_id(fhir: httpx.Client) -> None:
    number = str(uuid.uuid4().int % 10**12)
    answer = fhir.put(f"/Patient/{number}", json={"resourceType": "Patient", "id": number})
    assert answer.status_code == 201


def test_stale_if_match_is_a_conflict(fhir: httpx.Client) -> None:
    resource = fhir.post("/Patient", json={"resourceType": "Patient"}).json()
    path = f"/Patient/{resource['id']}"
    fhir.put(path, json=resource | {"active": True}).raise_for_status()
    stale = fhir.put(path, json=resource | {"active": False}, headers={"If-Match": 'W/"1"'})
    assert stale.status_code in {409, 412}  # R4 says 412, HAPI 409


def test_conditional_create_and_update_hit_one_resource(fhir: httpx.Client) -> None:
    key = {"system": "urn:test", "value": str(uuid.uuid4())}
    patient = {"resourceType": "Patient", "identifier": [key]}
    where = f"identifier={key['system']}|{key['value']}"
    first = fhir.post("/Patient", json=patient, headers={"If-None-Exist": where})
    again = fhir.post("/Patient", json=patient, headers={"If-None-Exist": where})
    updated = fhir.put(f"/Patient?{where}", json=patient | {"active": True})
    assert [first.status_code, again.status_code, updated.status_code] == [201, 200, 200]
    assert {answer.json()["id"] for answer in (first, again, updated)} == {first.json()["id"]}
    assert updated.json()["meta"]["versionId"] == "2"


def test_paging_and_revinclude_find_what_was_just_written(fhir: httpx.Client) -> None:
    mark = str(uuid.uuid4())
    claims = [a_claim(f"{mark}-{number}", mark) for number in range(3)]
    for claim in claims:
        fhir.put(f"/Claim/{claim['id']}", json=claim).raise_for_status()
    response = a_claim_response(f"{mark}-r", claims[0]["id"])
    fhir.put(f"/ClaimResponse/{response['id']}", json=response).raise_for_status()
    query = {"identifier": f"urn:mark|{mark}", "_sort": "_lastUpdated", "_count": "2"}
    page = fhir.get("/Claim", params=query | {"_revinclude": "ClaimResponse:request"}).json()
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    assert following.startswith(str(fhir.base_url).rstrip("/"))
    entries = page["entry"] + fhir.get(following).json()["entry"]
    assert [entry["resource"]["id"] for entry in entries if entry["search"]["mode"] == "match"] == [
        claim["id"] for claim in claims
    ]
    assert response["id"] in {entry["resource"]["id"] for entry in entries}


def test_rest_hook_brings_the_claim(fhir: httpx.Client) -> None:
    with receiver() as hook:
        channel = {"type": "rest-hook", "endpoint": hook.url, "payload": FHIR_JSON, "header": ["X-Token: secret"]}
        with subscribed(fhir, {"criteria": "Claim?status=active", "channel": channel}):
            claim = a_claim(str(uuid.uuid4()), "rest-hook")
            fhir.put(f"/Claim/{claim['id']}", json=claim).raise_for_status()
            arrived = hook.wait_for(lambda got: got.path.endswith(f"/Claim/{claim['id']}"))
    assert (arrived.method, arrived.headers["x-token"]) == ("PUT", "secret")
    assert arrived.json()["identifier"] == claim["identifier"]


def test_topic_subscription_brings_a_notification_bundle(fhir: httpx.Client) -> None:
    fhir.put("/Basic/claim-topic", json=a_topic()).raise_for_status()
    time.sleep(2)  # the server looks for new topics once a second
    content = {"url": f"{BACKPORT}/backport-payload-content", "valueCode": "id-only"}
    criteria = {"url": f"{BACKPORT}/backport-filter-criteria", "valueString": "Claim?patient=Patient/1"}
    with receiver() as hook:
        subscription = {
            "meta": {"profile": [f"{BACKPORT}/backport-subscription"]},
            "criteria": TOPIC,
            "_criteria": {"extension": [criteria]},
            "channel": {
                "type": "rest-hook",
                "endpoint": hook.url,
                "payload": FHIR_JSON,
                "_payload": {"extension": [content]},
            },
        }
        with subscribed(fhir, subscription):
            claim = a_claim(str(uuid.uuid4()), "topic")
            fhir.put(f"/Claim/{claim['id']}", json=claim).raise_for_status()
            arrived = hook.wait_for(lambda got: claim["id"] in got.body.decode())
    assert arrived.method == "POST"
    assert arrived.json()["resourceType"] == "Bundle"
    assert arrived.json()["entry"][0]["resource"]["resourceType"] == "Parameters"


def test_export_writes_the_claims_as_ndjson(fhir: httpx.Client) -> None:
    claim = a_claim(str(uuid.uuid4()), "export")
    fhir.put(f"/Claim/{claim['id']}", json=claim).raise_for_status()
    begun = fhir.get("/$export", params={"_type": "Claim"}, headers={"Prefer": "respond-async"})
    assert begun.status_code == 202
    # Retry-After says 120 s whatever the size: a test does better to ask often.
    done = eventually(lambda: fhir.get(begun.headers["Content-Location"]), lambda answer: answer.status_code != 202)
    files = [file["url"] for file in done.json()["output"] if file["type"] == "Claim"]
    texts = [fhir.get(url, headers={"Accept": "application/fhir+ndjson"}).text for url in files]
    assert claim["id"] in {json.loads(line)["id"] for text in texts for line in text.splitlines()}


# --- helpers


def eventually(ask: Callable[[], T], good: Callable[[T], bool], seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while not good(answer := ask()):
        assert time.monotonic() < deadline, f"still {answer} after {seconds} s"
        time.sleep(0.2)
    return answer


@contextmanager
def subscribed(fhir: httpx.Client, fields: dict[str, Any]) -> Iterator[None]:
    """An active subscription, deleted at the end."""
    requested = {"resourceType": "Subscription", "status": "requested", "reason": "test"}
    created = fhir.post("/Subscription", json=requested | fields)
    assert created.status_code == 201, created.text
    path = f"/Subscription/{created.json()['id']}"
    eventually(lambda: fhir.get(path).json()["status"], lambda status: status == "active")
    try:
        yield
    finally:
        fhir.delete(path)


@dataclass(frozen=True, slots=True)
class Arrived:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Receiver:
    url: str
    arrivals: queue.Queue[Arrived] = field(default_factory=queue.Queue)

    def wait_for(self, wanted: Callable[[Arrived], bool], seconds: float = 60) -> Arrived:
        """The first arrival that is wanted; others are left aside, for notifications may repeat."""
        deadline = time.monotonic() + seconds
        while True:
            arrived = self.arrivals.get(timeout=max(0.0, deadline - time.monotonic()))
            if wanted(arrived):
                return arrived


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            hook.arrivals.put(Arrived(self.command, self.path, headers, body))
            self.send_response(204)  # HAPI counts a 200 without FHIR content as a failure, and sends again
            self.end_headers()

        do_PUT = do_POST  # noqa: N815 - the name http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield hook
        finally:
            server.shutdown()


def a_claim(identity: str, mark: str) -> dict[str, Any]:
    return {
        "resourceType": "Claim",
        "id": identity,
        "identifier": [{"system": "urn:mark", "value": mark}],
        "status": "active",
        "type": {"coding": [{"code": "professional"}]},
        "use": "claim",
        "patient": {"reference": "Patient/1"},
        "created": "2026-01-02",
        "provider": {"display": "A clinic"},
        "priority": {"coding": [{"code": "normal"}]},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "A plan"}}],
    }


def a_claim_response(identity: str, claim: str) -> dict[str, Any]:
    return {
        "resourceType": "ClaimResponse",
        "id": identity,
        "status": "active",
        "type": {"coding": [{"code": "professional"}]},
        "use": "claim",
        "patient": {"reference": "Patient/1"},
        "created": "2026-01-02",
        "insurer": {"display": "A plan"},
        "request": {"reference": f"Claim/{claim}"},
        "outcome": "complete",
    }


def a_topic(
    identity: str = "claim-topic", url: str = TOPIC, kind: str = "Claim", query: str = "Claim?status=active"
) -> dict[str, Any]:
    """A topic as HAPI reads it under R4: extensions of two releases, and the bare type name as the resource."""
    r4b, r5 = (
        f"http://hl7.org/fhir/{version}/StructureDefinition/extension-SubscriptionTopic" for version in ("4.3", "5.0")
    )
    trigger = [
        {"url": "resource", "valueUri": kind},
        {"url": "supportedInteraction", "valueCode": "create"},
        {"url": "supportedInteraction", "valueCode": "update"},
        {"url": "queryCriteria", "extension": [{"url": "current", "valueString": query}]},
    ]
    return {
        "resourceType": "Basic",
        "id": identity,
        "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
        "extension": [
            {"url": f"{r5}.url", "valueUri": url},
            {"url": f"{r4b}.resourceTrigger", "extension": trigger},
        ],
        "modifierExtension": [{"url": f"{r5}.status", "valueCode": "active"}],
    }
