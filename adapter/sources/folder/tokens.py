"""By which names a resource is found again: its patient, what it refers to, when which coach held it.

A token is a text that two resources share when one may matter to the other. Too many shared tokens cost time, one too
few would lose evidence: a server's address and a version are left out of references, so that every spelling of one
reference has the same token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import orjson

from adapter.evidence.references import Json, objects, parse_reference, parse_reference_text
from adapter.evidence.store import PATIENT_ELEMENTS

_PLAIN_REFERENCES = re.compile(rb'"reference"\s*:\s*"([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})"')
_REFERENCES = re.compile(rb'"reference"\s*:\s*"((?:[^"\\]|\\.)*)"')
_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
_LOGICAL = re.compile(rb'"identifier"\s*:\s*\{')
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
_PLAIN = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}").fullmatch
"""The reference that most are."""
SERVICED = ("servicedPeriod", "servicedDate")
PEOPLE = {
    "Procedure": frozenset({"performer.actor"}),
    "Encounter": frozenset({"participant.individual", "participant.actor"}),
}
"""Where a Procedure or Encounter says who held it, in R4 and R5."""


def number(value: str) -> str:
    """The token of an identifier, whatever its system: a reference need not name it."""
    return f"number {value}"


def held(person: str, day: str) -> str:
    """The token of a session that a person (``Practitioner/id`` or ``PractitionerRole/id``) held on a day."""
    return f"held {day} {person}"


def references(content: bytes) -> set[str]:
    """``Type/id`` of everything that a JSON text refers to."""
    plain = _PLAIN_REFERENCES.findall(content)
    found = {each.decode() for each in set(plain)}
    if content.count(b'"reference"') > len(plain):
        for text in set(_REFERENCES.findall(content)):
            found.update(_local({"reference": _unescaped(text)}))
    return found


def is_tangled(content: bytes, resource: Json) -> bool:
    """Whether a resource refers in a way that no token follows: by an identifier, by a search, to what it contains.

    An ASCII letter that is written as an escape may be part of such a reference, too.
    """
    if b'"contained"' in content:
        return True
    # One sign is found much faster than several, and few texts hold these at all.
    if b"?" in content and b"?identifier" in content:
        return True
    if b"\\" in content and _ESCAPED_ASCII.search(content) is not None:
        return True
    return _LOGICAL.search(content) is not None and _refers_by_identifier(resource)


def _refers_by_identifier(value: object) -> bool:
    if isinstance(value, dict):
        pointer = None if "resourceType" in value else parse_reference(value)
        if pointer is not None and pointer.identifier is not None:
            return True
        return any(map(_refers_by_identifier, value.values()))
    return isinstance(value, list) and any(map(_refers_by_identifier, value))


def patient(resource: Json) -> str | None:
    """The token of whom a resource is about; none of a Patient, who is found by the key, nor of what is tangled."""
    if resource.get("resourceType") == "Patient":
        return None
    subject = next((resource[each] for each in PATIENT_ELEMENTS if each in resource), None)
    if isinstance(subject, list):
        subject = subject[0] if len(subject) == 1 else None
    return next(iter(_local(subject)), None)


def links(kind: str, resource: Json) -> Iterator[str]:
    """The tokens by which a resource is found from the other end of what it refers to."""
    if kind == "Procedure":
        yield from _local(resource.get("encounter"))
    elif kind == "PractitionerRole":
        yield from _local(resource.get("practitioner"))
    elif kind == "ClaimResponse":
        yield from _local(resource.get("request"))
    elif kind == "Claim":
        for each in objects(resource.get("identifier")):
            yield from _numbers(each)
        for related in objects(resource.get("related")):
            yield from _local(related.get("claim"))
            yield from _numbers(related.get("reference"))


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
        yield from _local(each)


def _local(reference: object) -> tuple[str, ...]:
    """``Type/id`` of a plain reference, without its server and version."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str):
        return ()
    if _PLAIN(text):
        return (text,)
    local = parse_reference_text(text).local
    return (local,) if local else ()


def _numbers(identifier: object) -> tuple[str, ...]:
    value = identifier.get("value") if isinstance(identifier, dict) else None
    return (number(value),) if isinstance(value, str) else ()


def _unescaped(text: bytes) -> str:
    """The text of a JSON string: some servers write a slash as ``\\/``."""
    value: str = orjson.loads(b'"' + text + b'"') if b"\\" in text else text.decode()
    return value
