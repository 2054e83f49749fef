"""A notification, whatever the dialect it came in: a hint that something changed, never the data itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from adapter.errors import InputError

ANYTHING = "*"
"""The hint of a sender that does not say what changed: look again at everything that is new."""


class Kind(StrEnum):
    """Why the server called; https://hl7.org/fhir/R5/valueset-subscription-notification-type.html."""

    HANDSHAKE = "handshake"
    HEARTBEAT = "heartbeat"
    EVENT = "event-notification"
    STATUS = "query-status"
    EVENTS_ASKED_FOR = "query-event"


@dataclass(frozen=True, slots=True)
class Notification:
    """What one request says."""

    kind: Kind = Kind.EVENT
    hints: tuple[str, ...] = ()
    """``Type/id`` of each resource that changed, or ``ANYTHING``; none for a handshake or a heartbeat."""
    subscription: str | None = None
    """The id of the Subscription, where the sender names it."""
    numbers: tuple[int, ...] = ()
    """Numbers of the events, in the order they are listed."""
    since_start: int | None = None
    """Events since the Subscription started, as its server counts them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a notification says of its Subscription rather than of what changed; kept with its hints."""

    name: str
    """The end of the address that was notified."""
    at: float
    """When it came, in seconds since 1970."""
    subscription: str = ""
    """The id of the Subscription; empty where the sender does not name it."""
    kind: Kind = Kind.EVENT
    numbers: tuple[int, ...] = ()
    since_start: int | None = None
    period: int | None = None
    """Seconds after which the server promised a heartbeat."""
    trace: str | None = None
    """The ``traceparent`` that came with it (``tracing``): 55 characters of its row, none where there is none."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, as far as a notification is concerned."""

    method: str
    path: str
    """Below the address that the Subscription names: empty, or ``Type/id``."""
    body: bytes = b""
    media_type: str = ""
    """Of Content-Type, in lower case and without parameters."""
    deleted: str | None = None
    """``X-Medplum-Deleted-Resource``: the ``Type/id`` of a deleted resource, whose body is ``{}``."""


@dataclass(eq=False)
class NotUnderstood(InputError):
    """A request that is no notification; ``status`` is the HTTP status that says so."""

    status: int = field(default=400, kw_only=True)
