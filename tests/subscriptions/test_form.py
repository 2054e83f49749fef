"""The resources that are sent: valid FHIR in each version, and saying what was meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from adapter.errors import UsageError
from adapter.evidence.store import Located
from adapter.fhir.validation import structural_issues
from adapter.fhir.version import R4, R4B, R5
from adapter.subscriptions.form import SYSTEM, Delivery, Payload, identifier, subscription
from adapter.subscriptions.watches import Watch

Json = dict[str, Any]
ENDPOINT = "https://adapter.example.org/hooks"
END = datetime(2026, 12, 31, 12, tzinfo=UTC)
CLAIMS = Watch("Claim?", by_topic=False)
TOPIC = Watch("https://server.example/topics/claims", True, ("Claim?patient=Patient/1",))
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport"


def delivery(payload: Payload = Payload.AUTO, secret: str | None = "door", heartbeat: int | None = None) -> Delivery:
    return Delivery(ENDPOINT, END, payload, SecretStr(secret) if secret is not None else None, heartbeat)


@pytest.mark.parametrize("heartbeat", [None, 300])
@pytest.mark.parametrize("secret", [None, "door"])
@pytest.mark.parametrize(
    ("watch", "version", "payload"),
    [
        *((CLAIMS, version, payload) for version in (R4, R4B) for payload in ("auto", "empty", "full-resource")),
        *((TOPIC, version, payload) for version in (R4, R4B, R5) for payload in Payload),
    ],
)
def test_it_is_valid_fhir(watch: Watch, version: str, payload: str, secret: str | None, heartbeat: int | None) -> None:
    built = subscription(watch, delivery(Payload(payload), secret, heartbeat), version)
    assert structural_issues(Located(built), version) == []
    assert built["status"] == "requested"
    assert built["end"] == "2026-12-31T12:00:00Z"


def test_by_criteria_the_call_is_empty_and_carries_the_secret() -> None:
    built = subscription(CLAIMS, delivery(), R4)
    assert built["criteria"] == "Claim?"
    assert built["channel"] == {"type": "rest-hook", "endpoint": ENDPOINT, "header": ["Authorization: Bearer door"]}


def test_by_topic_in_r4() -> None:
    built = subscription(TOPIC, delivery(heartbeat=300), R4)
    assert built["meta"] == {"profile": [f"{BACKPORT}-subscription"]}
    assert built["criteria"] == TOPIC.subject
    assert built["_criteria"] == {
        "extension": [{"url": f"{BACKPORT}-filter-criteria", "valueString": TOPIC.filters[0]}]
    }
    assert built["channel"] == {
        "extension": [{"url": f"{BACKPORT}-heartbeat-period", "valueUnsignedInt": 300}],
        "type": "rest-hook",
        "endpoint": ENDPOINT,
        "header": ["Authorization: Bearer door"],
        "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": f"{BACKPORT}-payload-content", "valueCode": "id-only"}]},
    }


def test_by_topic_in_r5() -> None:
    built = subscription(TOPIC, delivery(heartbeat=300), R5)
    plain = {name: built[name] for name in ("topic", "endpoint", "content", "contentType", "heartbeatPeriod")}
    assert plain == {
        "topic": TOPIC.subject,
        "endpoint": ENDPOINT,
        "content": "id-only",
        "contentType": "application/fhir+json",
        "heartbeatPeriod": 300,
    }
    assert built["channelType"]["code"] == "rest-hook"
    assert built["parameter"] == [{"name": "Authorization", "value": "Bearer door"}]
    assert built["filterBy"] == [{"resourceType": "Claim", "filterParameter": "patient", "value": "Patient/1"}]
    assert "channel" not in built
    assert "criteria" not in built


@pytest.mark.parametrize(
    ("payload", "content"),
    [("auto", "id-only"), ("empty", "empty"), ("id-only", "id-only"), ("full-resource", "full-resource")],
)
def test_health_data_travel_only_when_asked_for(payload: str, content: str) -> None:
    in_r4 = subscription(TOPIC, delivery(Payload(payload)), R4)["channel"]["_payload"]["extension"][0]["valueCode"]
    assert (in_r4, subscription(TOPIC, delivery(Payload(payload)), R5)["content"]) == (content, content)
    assert "payload" not in subscription(CLAIMS, delivery(), R4)["channel"]


def test_the_identifier_tells_subject_and_endpoint_apart() -> None:
    elsewhere = Delivery(f"{ENDPOINT}/main", END)
    known = [identifier(CLAIMS, delivery()), identifier(TOPIC, delivery()), identifier(CLAIMS, elsewhere)]
    assert len({each["value"] for each in known}) == 3
    assert {each["system"] for each in known} == {SYSTEM}
    assert identifier(CLAIMS, delivery()) == known[0]


@pytest.mark.parametrize("secret", ["", "with space", "with\nbreak", "gehört"])
def test_a_secret_that_no_header_can_carry_is_refused_without_its_value(secret: str) -> None:
    with pytest.raises(UsageError, match="ADAPTER_SUBSCRIPTION_SECRET") as raised:
        subscription(CLAIMS, delivery(secret=secret), R4)
    assert not secret or secret not in str(raised.value)


def test_criteria_cannot_carry_ids_only() -> None:
    with pytest.raises(UsageError, match="exists for topics"):
        subscription(CLAIMS, delivery(Payload.ID_ONLY), R4)


@pytest.mark.parametrize("written", ["Claim", "Claim?patient", "?patient=1", "Claim?=1", "Claim?patient="])
def test_a_filter_that_r5_cannot_hold_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="no filter such as"):
        subscription(Watch(TOPIC.subject, True, (written,)), delivery(), R5)
