"""Notification Bundles: the R4 and R4B backport, R5, and what HAPI makes of them.

https://hl7.org/fhir/uv/subscriptions-backport/notifications.html, https://hl7.org/fhir/R5/subscriptionstatus.html.
The status of the Subscription is found by what it is and not by its fullUrl, which servers write as they like.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapter.evidence.references import Json, objects
from adapter.notifications.model import ANYTHING, Kind, Notification, NotUnderstood
from adapter.notifications.names import local_name, name_of

R5_TYPE = "subscription-notification"


def read_bundle(bundle: Json) -> Notification:
    """What a Bundle says changed: the focus of each event, or the resources of a Bundle without a status.

    Raises:
        NotUnderstood: an R5 notification without a status, or a status of an unknown type.
    """
    entries = list(objects(bundle.get("entry")))
    status = next((found for each in entries if (found := _status(each.get("resource")))), None)
    if status is not None:
        return _of_status(status, entries)
    if bundle.get("type") == R5_TYPE:
        raise NotUnderstood("the notification has no SubscriptionStatus", "required")
    return Notification(hints=_names(entries) or (ANYTHING,))


def _status(resource: object) -> Json | None:
    """The status of a Subscription in R5's words; the Parameters of R4 are turned into them."""
    if not isinstance(resource, dict):
        return None
    if resource.get("resourceType") == "SubscriptionStatus":
        return resource
    if resource.get("resourceType") == "Parameters":
        status = _from_parameters(resource.get("parameter"))
        return status if "subscription" in status else None
    return None


_IN_R5 = {"events-since-subscription-start": "eventsSinceSubscriptionStart", "event-number": "eventNumber"}


def _from_parameters(parameters: object) -> Json:
    status: Json = {}
    events: list[Json] = []
    for each in objects(parameters):
        name = str(each.get("name"))
        if name == "notification-event":
            events.append(_from_parameters(each.get("part")))
        else:
            status[_IN_R5.get(name, name)] = _value(each)
    return status | {"notificationEvent": events}


def _value(parameter: Json) -> Any:
    return next((value for name, value in parameter.items() if name.startswith("value")), None)


def _of_status(status: Json, entries: list[Json]) -> Notification:
    kind, events = _kind(status), list(objects(status.get("notificationEvent")))
    named = local_name(_reference(status.get("subscription")))
    numbers = (_number(each.get("eventNumber")) for each in events)
    return Notification(
        kind=kind,
        hints=_hints(events, entries) if kind in (Kind.EVENT, Kind.EVENTS_ASKED_FOR) else (),
        subscription=named.partition("/")[2] if named else None,
        numbers=tuple(each for each in numbers if each is not None),
        since_start=_number(status.get("eventsSinceSubscriptionStart")),
    )


def _kind(status: Json) -> Kind:
    try:
        return Kind(str(status.get("type")))
    except ValueError:
        problem = "the notification has a type that FHIR does not know, or none"
        raise NotUnderstood(problem, "value" if status.get("type") else "required") from None


def _hints(events: list[Json], entries: list[Json]) -> tuple[str, ...]:
    """The focus of each event, else what the entries hold; an event that names nothing may be about anything."""
    foci = [_focus(_reference(each.get("focus")), entries) for each in events]
    named = tuple(dict.fromkeys(each for each in foci if each))
    if not named:
        return _names(entries) or (ANYTHING,)
    return named if all(foci) else (*named, ANYTHING)


def _focus(reference: object, entries: list[Json]) -> str | None:
    """``Type/id`` of a focus; one by ``urn:uuid`` is that of the entry it leads to."""
    at_place = (each for each in entries if reference and each.get("fullUrl") == reference)
    return local_name(reference) or next(iter(_names(at_place)), None)


def _names(entries: Iterable[Json]) -> tuple[str, ...]:
    """The resources that entries hold or name, apart from the status."""
    return tuple(dict.fromkeys(name for each in entries if (name := _entry_name(each))))


def _entry_name(entry: Json) -> str | None:
    resource, request = entry.get("resource"), entry.get("request")
    if isinstance(resource, dict):
        return name_of(resource) if _status(resource) is None else None
    return local_name(entry.get("fullUrl")) or (local_name(request.get("url")) if isinstance(request, dict) else None)


def _reference(element: object) -> object:
    return element.get("reference") if isinstance(element, dict) else None


def _number(written: object) -> int | None:
    """R4 and R5 write numbers as text, HAPI has been seen to send numbers; what is neither says nothing."""
    text = str(written)
    return int(text) if not isinstance(written, bool) and text.isdecimal() and len(text) < 20 else None
