"""Which Subscriptions are needed: one for each topic that watches what matters here, else one for each type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from adapter.errors import SourceError, UsageError
from adapter.fhir.version import NAMES, R5
from adapter.subscriptions.offer import Offer, Topic

DEFAULT_TYPES = (
    "Claim",
    "Encounter",
    "Procedure",
    "Coverage",
    "DocumentReference",
    "Composition",
    "QuestionnaireResponse",
)
"""A change of any of these can change a decision. Observation, Goal and CarePlan can too, seldom, and are many."""


class Style(StrEnum):
    """How a Subscription says what it wants to hear of."""

    AUTO = "auto"
    CRITERIA = "criteria"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asks for."""

    types: tuple[str, ...] = DEFAULT_TYPES
    style: Style = Style.AUTO
    topics: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    """``Claim?patient=Patient/1``: only what fits is notified; for topics."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What one Subscription asks for."""

    subject: str
    """The criteria, ``Claim?``, or the URL of the topic."""
    by_topic: bool
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The Subscriptions that are needed, and the types whose changes nobody will tell of."""

    watches: tuple[Watch, ...]
    unwatched: tuple[str, ...]


def plan(offer: Offer, topics: Sequence[Topic], wish: Wish) -> Plan:
    """Choose between topics and criteria, and what to subscribe to.

    Raises:
        SourceError: the server has no way to tell of a change of what is asked for.
        UsageError: criteria are asked for where FHIR has none, or a filter where only criteria are.
    """
    if wish.topics:
        return Plan(tuple(Watch(url, True, wish.filters) for url in dict.fromkeys(wish.topics)), ())
    if wish.style is Style.CRITERIA and offer.version == R5:
        raise UsageError("R5 has no criteria-based Subscriptions; use topics.")
    if wish.style is not Style.CRITERIA and (chosen := _by_topic(topics, wish)).watches:
        return chosen
    if wish.style is Style.TOPIC or offer.version == R5:
        known = ", ".join(offer.named_topics)
        hint = f"name one by --topic: {known}" if known else "name one by --topic, or have one defined on the server"
        raise SourceError(f"the {NAMES[offer.version]} server shows no topic that watches {wish.types[0]}", hint)
    if wish.filters:
        raise UsageError("--filter narrows a topic; this server is asked by criteria.")
    return _by_criteria(offer, wish.types)


def _by_criteria(offer: Offer, types: Iterable[str]) -> Plan:
    known = {kind: offer.has(kind) for kind in types}
    watches = tuple(Watch(f"{kind}?", False) for kind, there in known.items() if there)
    return Plan(watches, tuple(kind for kind, there in known.items() if not there))


def _by_topic(topics: Sequence[Topic], wish: Wish) -> Plan:
    """Topics for the types asked for; none at all when even the first of them, the Claim, has none."""
    best = {kind: _best(topics, kind) for kind in wish.types}
    if best[wish.types[0]] is None:
        return Plan((), wish.types)
    urls = dict.fromkeys(topic.url for topic in best.values() if topic is not None)
    unwatched = tuple(kind for kind, topic in best.items() if topic is None)
    return Plan(tuple(Watch(url, True, wish.filters) for url in urls), unwatched)


def _best(topics: Sequence[Topic], kind: str) -> Topic | None:
    """The topic of a type: one that tells of every change before one that waits for a condition."""
    watching = [topic for topic in topics if kind in topic.types]
    return min(watching, key=lambda topic: (topic.conditional, -len(topic.types), topic.url), default=None)
