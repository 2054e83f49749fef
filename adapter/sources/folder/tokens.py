"""By which tokens a resource is found again: its patient, what it refers to, when which coach held it.

A token is a text that two resources share when one may matter to the other. Too many shared tokens cost time, one too
few would lose evidence. Most are a name (``names``); what has an identifier is entered under ``is value|system``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from adapter.evidence.newest import written_identifiers
from adapter.evidence.references import Json, objects
from adapter.evidence.store import PATIENT_ELEMENTS, Located
from adapter.sources.folder.names import BY, address, is_number, names

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}").match
LONGEST_SESSION = 1000
"""Days of a Period that are entered one by one; a longer one is no session."""
TIMES = (
    "performedPeriod",
    "performedDateTime",
    "occurrencePeriod",
    "occurrenceDateTime",
    "period",
    "actualPeriod",
    "billablePeriod",
)
"""Where a Procedure, Encounter or Claim says when it was, in R4 and R5."""
_IS = "is "
"""Begins the token of what has an identifier."""
SERVICED = ("servicedPeriod", "servicedDate")
PEOPLE = {
    "Procedure": frozenset({"performer.actor"}),
    "Encounter": frozenset({"participant.individual", "participant.actor"}),
}
"""Where a Procedure or Encounter says who held it, in R4 and R5."""


def number(value: str) -> str:
    """The token of a claim's identifier, whatever its system: what names a claim by it need not name that."""
    return f"number {value}"


def held(person: str, day: str) -> str:
    """The token of a session that a person held on a day, by each name of the person."""
    return f"held {day} {person}"


def about(name: str) -> str:
    """The token of what is about somebody who is referred to by several names; the first is entered as the patient."""
    return f"about {name}"


def owners(name: str) -> tuple[str, ...]:
    """The tokens of what an identifier may mean, of a name made of one; a token that ends in ``|`` is a beginning."""
    if not is_number(name):
        return ()
    written = name.removeprefix(BY)
    return (f"{_IS}{written}", number(written.rpartition("|")[0]))


def patients(resource: Json) -> tuple[str, ...]:
    """The names of whom a resource is about; none of a Patient, who is found by its own."""
    if resource.get("resourceType") == "Patient":
        return ()
    subject = next((resource[each] for each in PATIENT_ELEMENTS if each in resource), None)
    if isinstance(subject, list):
        subject = subject[0] if len(subject) == 1 else None
    return names(subject, resource)


def entered(located: Located) -> Iterator[str]:
    """The tokens under which a resource is found by what refers to it by another name."""
    yield from address(located)
    yield from numbered(located.resource)


def numbered(resource: Json) -> Iterator[str]:
    """Those of its identifiers."""
    if "identifier" in resource:
        for system, value in written_identifiers(resource):
            yield f"{_IS}{value}|{system or ''}"


def links(kind: str, resource: Json) -> Iterator[str]:
    """The tokens by which a resource is found from the other end of what it refers to."""
    if kind == "Procedure":
        yield from names(resource.get("encounter"), resource)
    elif kind == "PractitionerRole":
        yield from roles(resource)
    elif kind == "ClaimResponse":
        yield from names(resource.get("request"), resource)
    elif kind == "Claim":
        for each in objects(resource.get("identifier")):
            yield from _numbers(each)
        for related in objects(resource.get("related")):
            yield from names(related.get("claim"), resource)
            yield from _numbers(related.get("reference"))


def roles(role: Json) -> tuple[str, ...]:
    """The names of the practitioner whose role it is."""
    return names(role.get("practitioner"), role)


def sessions(kind: str, resource: Json) -> Iterator[str]:
    """The tokens of who held a Procedure or Encounter, on each day that it touches as it is written."""
    people = set(_people(kind, resource))
    for day in days(resource) if people else ():
        yield from (held(person, day) for person in people)


def days_around(day: str) -> Iterator[str]:
    """A day and its neighbours: the same moment is written with another date in another offset."""
    try:
        middle = date.fromisoformat(day)
        yield from (str(middle + timedelta(days)) for days in (-1, 0, 1))
    except (ValueError, OverflowError):
        return


def days(resource: Json) -> set[str]:
    """The calendar days on which a resource says something was done, as they are written."""
    found: set[str] = set()
    for name in TIMES:
        if name in resource:
            _add_days(resource[name], found)
    for each in objects(resource.get("item")):
        for name in SERVICED:
            if name in each:
                _add_days(each[name], found)
    return found


def _add_days(value: object, found: set[str]) -> None:
    """The days of a date or a Period; also those between its ends, for somebody may have been busy on all of them."""
    written = value.values() if isinstance(value, dict) else (value,)
    bounds = [each[:10] for each in written if isinstance(each, str) and _DAY(each)]
    found.update(bounds)
    if len(set(bounds)) > 1:
        found.update(_between(min(bounds), max(bounds)))


def _between(first: str, last: str) -> Iterator[str]:
    try:
        start, days = date.fromisoformat(first), (date.fromisoformat(last) - date.fromisoformat(first)).days
        yield from (str(start + timedelta(each)) for each in range(1, min(days, LONGEST_SESSION)))
    except (ValueError, OverflowError):
        return


def _people(kind: str, resource: Json) -> Iterator[str]:
    if kind == "Procedure":
        taking_part = [each.get("actor") for each in objects(resource.get("performer"))]
    else:
        parts = objects(resource.get("participant"))
        taking_part = [each.get(name) for each in parts for name in ("individual", "actor")]
    for each in taking_part:
        yield from names(each, resource)


def _numbers(identifier: object) -> tuple[str, ...]:
    value = identifier.get("value") if isinstance(identifier, dict) else None
    return (number(value),) if isinstance(value, str) else ()
