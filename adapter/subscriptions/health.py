"""What ``$status`` says of a Subscription; https://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-backport-subscription-status-r4.html."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adapter.evidence.references import Json, objects

_CODE = re.compile(r"[A-Za-z0-9-]{1,40}")
_ERROR = "error"


@dataclass(frozen=True, slots=True)
class Health:
    """The server's word: its status, how many events it counted, and the codes of what went wrong."""

    status: str
    events: int | None
    errors: tuple[str, ...] = ()


def read_health(answer: Json) -> Health | None:
    """From the Bundle (or the bare status) that ``$status`` answers; None when there is none in it."""
    resources = [answer, *(each["resource"] for each in objects(answer.get("entry")) if "resource" in each)]
    for each in objects(resources):
        if each.get("resourceType") == "Parameters":
            return _of_parameters(each)
        if each.get("resourceType") == "SubscriptionStatus":
            return _of_status(each)
    return None


def _of_parameters(resource: Json) -> Health:
    """R4, which has no SubscriptionStatus."""
    parts = list(objects(resource.get("parameter")))
    named = {str(part.get("name")): part for part in parts}
    concepts = [part.get("valueCodeableConcept") for part in parts if part.get("name") == _ERROR]
    events = named.get("events-since-subscription-start", {})
    count = next((value for name, value in events.items() if name.startswith("value")), None)
    return Health(_word(named.get("status", {}).get("valueCode")), _count(count), tuple(_codes(concepts)))


def _of_status(resource: Json) -> Health:
    codes = tuple(_codes(resource.get(_ERROR)))
    return Health(_word(resource.get("status")), _count(resource.get("eventsSinceSubscriptionStart")), codes)


def _codes(concepts: object) -> Iterator[str]:
    """Codes only: a server's words may quote the record."""
    for concept in objects(concepts):
        for coding in objects(concept.get("coding")):
            if word := _word(coding.get("code")):
                yield word


def _word(value: object) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _count(value: object) -> int | None:
    """integer64 is a string in JSON."""
    return int(str(value)) if re.fullmatch(r"[0-9]{1,18}", str(value)) else None
