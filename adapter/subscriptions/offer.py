"""What a server can notify of, as its CapabilityStatement and its topics say.

R4 topics are ``Basic`` resources, and a server that has them names the backport guide; from R4B on there is
SubscriptionTopic. https://hl7.org/fhir/uv/subscriptions-backport/topic_discovery.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapter.errors import SourceError
from adapter.evidence.references import Json, objects
from adapter.fhir.version import R4, version_of_release

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport"
PROFILE = f"{BACKPORT}/StructureDefinition/backport-subscription"
TOPIC_NAMED = f"{BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
CORE_TYPE = "http://hl7.org/fhir/StructureDefinition/"
TRIGGER = "extension-SubscriptionTopic.resourceTrigger"
"""The end of its URL: servers write it with the release 4.3 or 5.0 before it."""
TOPIC_URL = "extension-SubscriptionTopic.url"
TOPIC_STATUS = "extension-SubscriptionTopic.status"
_CONDITIONS = frozenset({"queryCriteria", "fhirPathCriteria"})


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the server: the types it watches, and whether every change of them counts."""

    url: str
    types: frozenset[str]
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What the CapabilityStatement says of subscriptions."""

    version: str
    types: frozenset[str]
    """Resource types that it lists; empty when it lists none, which tells nothing."""
    topic_kind: str | None
    """The resource type that holds its topics; None without topics."""
    named_topics: tuple[str, ...] = ()
    conditional_create: bool = False

    def has(self, kind: str) -> bool:
        return not self.types or kind in self.types


def offered(capabilities: Json) -> Offer:
    """Read the CapabilityStatement.

    Raises:
        SourceError: a FHIR version that the adapter does not speak, or a server without Subscriptions.
    """
    version = version_of_release(capabilities.get("fhirVersion"))
    if version is None:
        raise SourceError("the server speaks none of FHIR 4.0, 4.3 and 5.0", "is this the FHIR base URL?")
    resources = [each for rest in objects(capabilities.get("rest")) for each in objects(rest.get("resource"))]
    types = frozenset(each["type"] for each in resources if isinstance(each.get("type"), str))
    subscription = next((each for each in resources if each.get("type") == "Subscription"), {})
    if types and not subscription:
        raise SourceError("the server keeps no Subscriptions", "run `sync --since auto` on a schedule")
    named = tuple(_named_topics(subscription))
    return Offer(
        version,
        types,
        _topic_kind(version, types, capabilities, subscription),
        named,
        subscription.get("conditionalCreate") is True,
    )


def _topic_kind(version: str, types: frozenset[str], capabilities: Json, subscription: Json) -> str | None:
    if version != R4:
        return "SubscriptionTopic" if "SubscriptionTopic" in types else None
    guides = [*_texts(capabilities, "implementationGuide"), *_texts(capabilities, "instantiates")]
    profiles = [subscription.get("profile"), *_texts(subscription, "supportedProfile")]
    stated = any(str(each).startswith(BACKPORT) for each in (*guides, *profiles))
    return "Basic" if stated or any(_named_topics(subscription)) else None


def _named_topics(subscription: Json) -> Iterator[str]:
    for each in objects(subscription.get("extension")):
        if each.get("url") == TOPIC_NAMED and isinstance(each.get("valueCanonical"), str):
            yield each["valueCanonical"]


def _texts(holder: Json, name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def read_topic(resource: Json) -> Topic | None:
    """The topic that a SubscriptionTopic or a ``Basic`` describes; None when it is none, or not in use."""
    return _native_topic(resource) if resource["resourceType"] == "SubscriptionTopic" else _basic_topic(resource)


def _native_topic(resource: Json) -> Topic | None:
    url = resource.get("url")
    if not isinstance(url, str) or resource.get("status") != "active":
        return None
    triggers = list(objects(resource.get("resourceTrigger")))
    types = frozenset(_bare(each.get("resource")) for each in triggers)
    return Topic(url, types, any(not _CONDITIONS.isdisjoint(each) for each in triggers))


def _basic_topic(resource: Json) -> Topic | None:
    """Elements of a topic stand in extensions, the status in a modifier one."""
    extensions = [*objects(resource.get("extension")), *objects(resource.get("modifierExtension"))]
    url = next((each.get("valueUri") for each in extensions if _ends(each, TOPIC_URL)), None)
    active = any(_ends(each, TOPIC_STATUS) and each.get("valueCode") == "active" for each in extensions)
    if not isinstance(url, str) or not active:
        return None
    parts = [part for each in extensions if _ends(each, TRIGGER) for part in objects(each.get("extension"))]
    types = frozenset(_bare(part.get("valueUri")) for part in parts if part.get("url") == "resource")
    return Topic(url, types, any(part.get("url") in _CONDITIONS for part in parts))


def _ends(extension: Json, name: str) -> bool:
    return str(extension.get("url")).endswith(f"/{name}")


def _bare(resource: object) -> str:
    """HAPI writes ``Claim``, the specification the URL of its StructureDefinition."""
    return str(resource).removeprefix(CORE_TYPE)
