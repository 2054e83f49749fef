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
    "Practitioner",
    "DocumentReference",
    "Composition",
    "QuestionnaireResponse",
)
"""A change of any of these can change a decision, and often comes after the claim. Others can too (Patient,
Organization, Condition, Observation, Goal ...): too seldom or too many, so that the sweep of ``serve`` finds them."""


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
    """The Subscriptions that are needed, and what the operator must know they will not bring."""

    watches: tuple[Watch, ...]
    notes: tuple[str, ...] = ()


def plan(offer: Offer, topics: Sequence[Topic], wish: Wish) -> Plan:
    """Choose between topics and criteria, and what to subscribe to.

    Raises:
        SourceError: the server has no way to tell of a change of what is asked for.
        UsageError: criteria are asked for where FHIR has none, or a filter where only criteria are.
    """
    if wish.topics:
        return Plan(tuple(Watch(url, True, wish.filters) for url in dict.fromkeys(wish.topics)))
    if wish.style is Style.CRITERIA and offer.version == R5:
        raise UsageError("R5 has no criteria-based Subscriptions; use topics.")
    if wish.style is not Style.CRITERIA and (chosen := _by_topic(offer, topics, wish)) is not None:
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
    return Plan(watches, _unwatched(kind for kind, there in known.items() if not there))


def _by_topic(offer: Offer, topics: Sequence[Topic], wish: Wish) -> Plan | None:
    """Topics for the types asked for; None when even the first of them, the Claim, has none.

    Topics that a server names and does not describe are all taken: a notification too many is only a look too many.
    """
    if not topics and offer.named_topics:
        note = "The server does not describe its topics: all it names are taken, and whether they bring Claims is open."
        return Plan(tuple(Watch(url, True, wish.filters) for url in offer.named_topics), (note,))
    best = {kind: _best(topics, kind) for kind in wish.types}
    if best[wish.types[0]] is None:
        return None
    chosen = dict.fromkeys(topic for topic in best.values() if topic is not None)
    partial = tuple(_partial(topic) for topic in chosen if topic.conditional)
    unwatched = _unwatched(kind for kind, topic in best.items() if topic is None)
    return Plan(tuple(Watch(topic.url, True, wish.filters) for topic in chosen), partial + unwatched)


def _partial(topic: Topic) -> str:
    return f"{topic.url} tells only of changes that fit its condition; `sync` finds the others."


def _unwatched(kinds: Iterable[str]) -> tuple[str, ...]:
    listed = ", ".join(kinds)
    return (f"Not watched, for the server offers no way: {listed}; `sync` finds their changes.",) if listed else ()


def _best(topics: Sequence[Topic], kind: str) -> Topic | None:
    """The topic of a type: one that tells of every change before one that waits for a condition."""
    watching = [topic for topic in topics if kind in topic.types]
    return min(watching, key=lambda topic: (topic.conditional, -len(topic.types), topic.url), default=None)
