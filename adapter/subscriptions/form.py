"""Subscription resources, in the form of each FHIR version.

R4 and R4B by criteria: https://hl7.org/fhir/R4/subscription.html; by topic: the profile backport-subscription of
https://hl7.org/fhir/uv/subscriptions-backport; R5: https://hl7.org/fhir/R5/subscription.html.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import SecretStr

from adapter.errors import UsageError
from adapter.evidence.references import Json
from adapter.fhir.version import R5
from adapter.sources.wire import FHIR_JSON
from adapter.subscriptions.offer import BACKPORT, PROFILE
from adapter.subscriptions.watches import Watch

REASON = "fhir-coaching-adapter decides again what changes"
SYSTEM = "https://fhir-coaching-adapter.example/subscription"
IDENTIFIER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Subscription.identifier"
"""Where R4 and R4B keep the identifier that R5 has as an element."""
CHANNEL_TYPES = "http://terminology.hl7.org/CodeSystem/subscription-channel-type"
_EXTENSION = f"{BACKPORT}/StructureDefinition/backport"
HEARTBEAT = f"{_EXTENSION}-heartbeat-period"


class Payload(StrEnum):
    """What a notification carries. Health data travel only with ``full-resource``."""

    AUTO = "auto"
    EMPTY = "empty"
    ID_ONLY = "id-only"
    FULL = "full-resource"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where notifications go, what they carry and until when."""

    endpoint: str
    end: datetime
    payload: Payload = Payload.AUTO
    secret: SecretStr | None = None
    heartbeat: int | None = None
    """Seconds without an event after which a topic's server is asked to say that it is alive."""


def subscription(watch: Watch, delivery: Delivery, version: str) -> Json:
    """The Subscription for a watch, as it is first sent.

    Raises:
        UsageError: the payload does not exist in this kind of Subscription.
    """
    common = {"resourceType": "Subscription", "status": "requested", "end": instant(delivery.end), "reason": REASON}
    if version == R5:
        return common | _native(watch, delivery)
    return common | (_backport(watch, delivery) if watch.by_topic else _criteria(watch, delivery))


def identifier(watch: Watch, delivery: Delivery) -> Json:
    """The same for the same subject and endpoint, so that a Subscription is found again."""
    digest = hashlib.sha256(f"{delivery.endpoint}\n{watch.subject}".encode()).hexdigest()[:32]
    return {"system": SYSTEM, "value": f"subscription-{digest}"}


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _criteria(watch: Watch, delivery: Delivery) -> Json:
    if delivery.payload is Payload.ID_ONLY:
        raise UsageError("--payload id-only exists for topics; by criteria a notification is empty or full-resource.")
    payload = {"payload": FHIR_JSON} if delivery.payload is Payload.FULL else {}
    return {
        "extension": [_r4_identifier(watch, delivery)],
        "criteria": watch.subject,
        "channel": _channel(delivery) | payload,
    }


def _backport(watch: Watch, delivery: Delivery) -> Json:
    filters = [{"url": f"{_EXTENSION}-filter-criteria", "valueString": each} for each in watch.filters]
    heartbeat = {"url": HEARTBEAT, "valueUnsignedInt": delivery.heartbeat}
    content = {"url": f"{_EXTENSION}-payload-content", "valueCode": _content(delivery)}
    return {
        "meta": {"profile": [PROFILE]},
        "extension": [_r4_identifier(watch, delivery)],
        "criteria": watch.subject,
        **({"_criteria": {"extension": filters}} if filters else {}),
        "channel": {
            **({"extension": [heartbeat]} if delivery.heartbeat else {}),
            **_channel(delivery),
            "payload": FHIR_JSON,
            "_payload": {"extension": [content]},
        },
    }


def _channel(delivery: Delivery) -> Json:
    header = {} if delivery.secret is None else {"header": [f"Authorization: {_bearer(delivery.secret)}"]}
    return {"type": "rest-hook", "endpoint": delivery.endpoint, **header}


def _native(watch: Watch, delivery: Delivery) -> Json:
    headers = [] if delivery.secret is None else [{"name": "Authorization", "value": _bearer(delivery.secret)}]
    return {
        "identifier": [identifier(watch, delivery)],
        "topic": watch.subject,
        **({"filterBy": [_filter_by(each) for each in watch.filters]} if watch.filters else {}),
        "channelType": {"system": CHANNEL_TYPES, "code": "rest-hook"},
        "endpoint": delivery.endpoint,
        **({"parameter": headers} if headers else {}),
        **({"heartbeatPeriod": delivery.heartbeat} if delivery.heartbeat else {}),
        "contentType": FHIR_JSON,
        "content": _content(delivery),
    }


def _content(delivery: Delivery) -> str:
    return (Payload.ID_ONLY if delivery.payload is Payload.AUTO else delivery.payload).value


def _r4_identifier(watch: Watch, delivery: Delivery) -> Json:
    return {"url": IDENTIFIER, "valueIdentifier": identifier(watch, delivery)}


def _bearer(secret: SecretStr) -> str:
    value = secret.get_secret_value()
    if not re.fullmatch(r"[!-~]+", value):
        raise UsageError("ADAPTER_SUBSCRIPTION_SECRET is empty or holds characters that no HTTP header can carry.")
    return f"Bearer {value}"


def _filter_by(written: str) -> Json:
    """``Claim?patient=Patient/1`` in the elements of R5."""
    kind, _, rest = written.partition("?")
    parameter, _, value = rest.partition("=")
    if not (kind and parameter and value):
        raise UsageError(f"--filter {written!r} is no filter such as Claim?patient=Patient/1.")
    return {"resourceType": kind, "filterParameter": parameter, "value": value}
