"""CapabilityStatements and topics of servers, and Subscriptions as they keep them, as small as they can be."""

from __future__ import annotations

from typing import Any

from adapter.subscriptions.offer import BACKPORT, PROFILE, TOPIC_NAMED

Json = dict[str, Any]
TYPES = (
    *("Claim", "Encounter", "Procedure", "Coverage", "Practitioner"),
    *("DocumentReference", "Composition", "QuestionnaireResponse"),
)
R4, R4B, R5 = "4.0.1", "4.3.0", "5.0.0"


def statement(release: str = R4, *types: str, guide: bool = False, **subscription: Any) -> Json:
    """A server that has these types (all that matter, if none is named) and Subscriptions."""
    resources = [{"type": kind} for kind in (types or TYPES)] + [{"type": "Subscription", **subscription}]
    guides = {"implementationGuide": [f"{BACKPORT}/ImplementationGuide/hl7.fhir.uv.subscriptions-backport"]}
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": release,
        "rest": [{"mode": "server", "resource": resources}],
        **(guides if guide else {}),
    }


def names_topic(*urls: str) -> Json:
    return {"extension": [{"url": TOPIC_NAMED, "valueCanonical": url} for url in urls]}


def supports_profile() -> Json:
    return {"supportedProfile": [PROFILE]}


def topic(url: str, *types: str, status: str = "active", **trigger: Any) -> Json:
    """A topic as R4B and R5 write it."""
    return {
        "resourceType": "SubscriptionTopic",
        "id": url.rpartition("/")[2],
        "url": url,
        "status": status,
        "resourceTrigger": [{"resource": kind, **trigger} for kind in types],
    }


def basic_topic(url: str, *types: str, status: str = "active", release: str = "4.3", condition: bool = False) -> Json:
    """A topic as R4 writes it: a ``Basic`` with extensions of later releases."""
    prefix = f"http://hl7.org/fhir/{release}/StructureDefinition/extension-SubscriptionTopic"
    conditions = [{"url": "queryCriteria", "extension": [{"url": "current", "valueString": "status=active"}]}]
    triggers = [
        {"url": f"{prefix}.resourceTrigger", "extension": [{"url": "resource", "valueUri": kind}, *conditions]}
        if condition
        else {"url": f"{prefix}.resourceTrigger", "extension": [{"url": "resource", "valueUri": kind}]}
        for kind in types
    ]
    return {
        "resourceType": "Basic",
        "id": url.rpartition("/")[2],
        "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
        "extension": [{"url": f"{prefix}.url", "valueUri": url}, *triggers],
        "modifierExtension": [{"url": f"{prefix}.status", "valueCode": status}],
    }
