"""By which names a resource is found again: its patient, what it refers to, when which coach held it.

A token is a text that two resources share when one may matter to the other. Too many shared tokens cost time, one too
few would lose evidence: a server's address and a version are left out of references, so that every spelling of one
reference has the same token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import orjson

from adapter.evidence.newest import identifiers
from adapter.evidence.references import Json, objects, parse_reference, parse_reference_text
from adapter.evidence.store import PATIENT_ELEMENTS

_PLAIN_REFERENCES = re.compile(rb'"reference"\s*:\s*"([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})"')
_REFERENCES = re.compile(rb'"reference"\s*:\s*"((?:[^"\\]|\\.)*)"')
_LOGICAL = re.compile(rb'"identifier"\s*:\s*\{')
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}").match
_TIMES = (
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
_SERVICED = ("servicedPeriod", "servicedDate")


def number(value: str) -> str:
    """The token of an identifier, whatever its system: a reference need not name it."""
    return f"number {value}"


def held(person: str, day: str) -> str:
    """The token of a session that a person (``Practitioner/id`` or ``PractitionerRole/id``) held on a day."""
    return f"held {day} {person}"


def references(content: bytes) -> set[str]:
    """``Type/id`` of everything that a JSON text refers to, and the tokens of what it names by identifier."""
    plain = _PLAIN_REFERENCES.findall(content)
    found = {each.decode() for each in set(plain)}
    if content.count(b'"reference"') > len(plain):
        for text in set(_REFERENCES.findall(content)):
            found.update(_named(_unescaped(text)))
    return found


def names_by_identifier(content: bytes) -> bool:
    """Whether something in a JSON text may be a reference by identifier alone."""
    return _LOGICAL.search(content) is not None


def logical_references(value: object) -> Iterator[str]:
    """The tokens of the references by identifier alone, anywhere in a resource."""
    if isinstance(value, dict):
        pointer = None if "resourceType" in value else parse_reference(value)
        if pointer is not None and pointer.identifier is not None:
            yield number(pointer.identifier[1])
        for each in value.values():
            yield from logical_references(each)
    elif isinstance(value, list):
        for each in value:
            yield from logical_references(each)


def patients(resource: Json) -> tuple[str, ...]:
    """The tokens of the patient a resource is about; several for one who is named by more than one identifier."""
    if resource.get("resourceType") == "Patient":
        return ()  # it is found by its key
    subject = next((resource[each] for each in PATIENT_ELEMENTS if each in resource), None)
    if isinstance(subject, list):
        subject = subject[0] if len(subject) == 1 else None
    pointer = parse_reference(subject)
    if pointer is None:
        return ()
    if pointer.contained is not None:
        return tuple(
            number(value) for each in _contained(pointer.contained, resource) for _, value in identifiers(each)
        )
    if pointer.identifier is not None:
        return (number(pointer.identifier[1]),)
    return (pointer.local or pointer.url or pointer.written,)


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
    for name in _TIMES:
        if name in resource:
            _add_days(resource[name], found)
    for each in objects(resource.get("item")):
        for name in _SERVICED:
            if name in each:
                _add_days(each[name], found)
    return found


def _add_days(value: object, found: set[str]) -> None:
    for each in value.values() if isinstance(value, dict) else (value,):
        if isinstance(each, str) and _DAY(each):
            found.add(each[:10])


def _people(kind: str, resource: Json) -> Iterator[str]:
    if kind == "Procedure":
        taking_part = [each.get("actor") for each in objects(resource.get("performer"))]
    else:
        parts = objects(resource.get("participant"))
        taking_part = [each.get(name) for each in parts for name in ("individual", "actor")]
    for each in taking_part:
        yield from _local(each)


def _local(reference: object) -> Iterator[str]:
    if isinstance(reference, dict) and _PLAIN(text := str(reference.get("reference"))):
        yield text
        return
    pointer = parse_reference(reference)
    if pointer is not None and (found := pointer.local or pointer.url):
        yield found
    elif pointer is not None and pointer.identifier is not None:
        yield number(pointer.identifier[1])


def _numbers(identifier: object) -> tuple[str, ...]:
    value = identifier.get("value") if isinstance(identifier, dict) else None
    return (number(value),) if isinstance(value, str) else ()


def _named(text: str) -> Iterable[str]:
    pointer = parse_reference_text(text)
    if pointer.identifier is not None:
        return (number(pointer.identifier[1]),)
    return filter(None, (pointer.local or pointer.url,))


def _unescaped(text: bytes) -> str:
    """The text of a JSON string: some servers write a slash as ``\\/``."""
    value: str = orjson.loads(b'"' + text + b'"') if b"\\" in text else text.decode()
    return value


def _contained(name: str, resource: Json) -> Iterator[Json]:
    return (each for each in objects(resource.get("contained")) if each.get("id") == name)
