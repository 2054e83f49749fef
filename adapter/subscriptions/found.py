"""A Subscription as a server has it, whatever its FHIR version: whose it is, and how it fares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapter.evidence.references import Json, objects
from adapter.subscriptions.form import HEARTBEAT, IDENTIFIER, REASON, SYSTEM, instant

STOPPED = frozenset({"error", "off"})
WORKING = frozenset({"requested", "active"})
MASK = "***"
_REPLACED = frozenset(
    {
        "extension",
        "identifier",
        "criteria",
        "_criteria",
        "channel",
        "topic",
        "filterBy",
        "parameter",
        "content",
        "heartbeatPeriod",
        "error",
    }
)
"""What is taken from the wanted Subscription, or is gone."""


@dataclass(frozen=True, slots=True)
class Found:
    """A view on the resource; what is missing or malformed in it reads as empty."""

    resource: Json

    @property
    def id(self) -> str:
        return _text(self.resource.get("id"))

    @property
    def endpoint(self) -> str:
        return _text(self._channel.get("endpoint")).rstrip("/")

    @property
    def subject(self) -> str:
        return _text(self.resource.get("criteria")) or _text(self.resource.get("topic"))

    @property
    def status(self) -> str:
        return _text(self.resource.get("status"))

    @property
    def end(self) -> str:
        return _text(self.resource.get("end"))

    @property
    def heartbeat(self) -> int | None:
        """Seconds after which the server says that it is alive, where it promises to; R4 keeps them in an extension."""
        extensions = objects(_dict(self.resource.get("channel")).get("extension"))
        held = [each.get("valueUnsignedInt") for each in extensions if each.get("url") == HEARTBEAT]
        period = next(iter(held), self.resource.get("heartbeatPeriod"))
        return period if isinstance(period, int) and not isinstance(period, bool) and period > 0 else None

    @property
    def headers(self) -> list[str]:
        """What the server sends along, by name; the values are secrets, and so is what has no name."""
        written = self._channel.get("header")
        pairs = [str(each).partition(":")[:2] for each in written] if isinstance(written, list) else []
        named = [name.strip() if colon else "" for name, colon in pairs]
        named += [_text(each.get("name")) for each in objects(self.resource.get("parameter"))]
        return [f"{each}: {MASK}" if each else MASK for each in named]

    @property
    def _channel(self) -> Json:
        """R5 has no channel; its elements stand on the resource itself."""
        channel = self.resource.get("channel")
        return channel if isinstance(channel, dict) else self.resource

    @property
    def is_marked(self) -> bool:
        """Made by this command: it bears our identifier, or our reason where a server dropped that."""
        identified = any(each.get("system") == SYSTEM for each in self._identifiers())
        return identified or self.resource.get("reason") == REASON

    def _identifiers(self) -> list[Json]:
        extensions = (each for each in objects(self.resource.get("extension")) if each.get("url") == IDENTIFIER)
        held = [each.get("valueIdentifier") for each in extensions]
        return [*objects(held), *objects(self.resource.get("identifier"))]

    def delivers_as(self, wanted: Json) -> bool:
        """Whether it already sends the same to the same address; status, end and what a server added do not count."""
        return _delivery(self) == _delivery(Found(wanted))

    def revised(self, wanted: Json) -> Json:
        """It, with what is wanted in place of what it says."""
        kept = {name: value for name, value in self.resource.items() if name not in _REPLACED}
        # Its version guards the update, so meta stays, but for the profile.
        meta = _dict(kept.get("meta")) | _dict(wanted.get("meta"))
        return kept | wanted | {"meta": meta}

    def renewed(self, end: datetime) -> Json:
        """It, until a later day. One that stopped is requested anew; any other keeps its status and misses nothing."""
        status = "requested" if self.status in STOPPED else self.status
        plain = {name: value for name, value in self.resource.items() if name != "error"}
        return plain | {"end": instant(end), "status": status}


def _delivery(found: Found) -> Json:
    """Every element that says what is sent, and where: R4's in the channel, R5's on the resource."""
    resource, channel = found.resource, found._channel
    sent = {name: channel.get(name) for name in ("header", "payload", "_payload", "content", "contentType")}
    asked = {name: resource.get(name) for name in ("_criteria", "filterBy", "parameter", "heartbeatPeriod")}
    return sent | asked | {"endpoint": found.endpoint, "heartbeat": _dict(resource.get("channel")).get("extension")}


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
