"""From one HTTP request to a notification. The method and the path tell the dialect, the body does the rest.

| request | sender |
|---|---|
| ``PUT``, ``DELETE {Type}/{id}`` | R4 rest-hook with payload (HAPI); https://hl7.org/fhir/R4/subscription.html |
| ``POST``, ``PUT`` without a body | R4 rest-hook without payload |
| ``POST`` of a notification Bundle | topic subscription: R4 and R4B backport, R5 |
| ``POST`` of any other Bundle | HAPI's ``subscription-payload-search-criteria`` |
| ``POST`` of a resource | Medplum |
| ``POST`` of ``{}`` with ``X-Medplum-Deleted-Resource`` | Medplum, of a deletion |
"""

from __future__ import annotations

from adapter.errors import InputError
from adapter.evidence.references import Json
from adapter.fhir.validation import is_resource_type
from adapter.notifications.bundles import read_bundle
from adapter.notifications.model import ANYTHING, Notification, NotUnderstood, Request
from adapter.notifications.names import local_name, name_of
from adapter.sources.json_text import parse_json

_METHODS = ("POST", "PUT", "DELETE")
_JSON = ("", "application/fhir+json", "application/json", "text/json", "application/json+fhir")


def read_request(request: Request) -> Notification:
    """What a request says changed.

    Raises:
        NotUnderstood: no notification of any dialect; the message names what is wrong and repeats nothing of the body.
    """
    if request.method not in _METHODS:
        raise NotUnderstood(f"a notification comes by {', '.join(_METHODS)}", "not-supported", status=405)
    named = _named_by(request.path)
    if request.method == "DELETE":
        if named is None:
            raise NotUnderstood("a deletion names what is gone as Type/id", "required")
        return Notification(hints=(named,))
    if not request.body.strip():
        return Notification(hints=(named or ANYTHING,))
    return _of_body(_parsed(request), named, request.deleted)


def _named_by(path: str) -> str | None:
    """The resource in the path; None for the address of the Subscription itself."""
    if not path.strip("/"):
        return None
    return _known(local_name(path.strip("/")))


def _known(name: str | None) -> str:
    """The name again, of a resource type that some release of FHIR has."""
    if name is None:
        raise NotUnderstood("the address names no resource as Type/id", "not-found", status=404)
    if not is_resource_type(name.partition("/")[0]):
        raise NotUnderstood("the resource type is none of FHIR", "not-supported", status=404)
    return name


def _parsed(request: Request) -> Json:
    if request.media_type not in _JSON:
        raise NotUnderstood("notifications are read as application/fhir+json only", "not-supported", status=415)
    try:
        body, repeats = parse_json(request.body)
    except InputError as error:
        raise NotUnderstood(f"the body is {error} (line {error.line})", error.code) from error
    if repeats:
        raise NotUnderstood(f"a key stands twice: {repeats[0].expression}", "structure")
    if not isinstance(body, dict):
        raise NotUnderstood("the body is no JSON object", "structure")
    return body


def _of_body(body: Json, named: str | None, deleted: str | None) -> Notification:
    if not body and deleted is not None:
        return Notification(hints=(_known(local_name(deleted)),))
    if body.get("resourceType") == "Bundle" and named is None:
        return _checked(read_bundle(body))
    inside = name_of(body)
    if inside is None:
        raise NotUnderstood("the body is no FHIR resource with a type and an id", "structure")
    if named is not None and inside != named:
        raise NotUnderstood("the body is another resource than the one that the address names", "invalid")
    return Notification(hints=(_known(inside),))


def _checked(notification: Notification) -> Notification:
    for hint in notification.hints:
        if hint != ANYTHING:
            _known(hint)
    return notification
