"""By which names a resource refers to others, and others to it.

A name is what a reference says of where it leads: ``Type/id``, without server and version, so that every spelling is
the same; an address that has no such end (``urn:uuid:...``); or ``by value|system``, of an identifier or a search for
one. What a resource contains is named by the identifiers that it may share with what is on file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import orjson

from adapter.evidence.newest import written_identifiers
from adapter.evidence.references import Json, Pointer, objects, parse_reference, parse_reference_text
from adapter.evidence.store import Located

BY = "by "
"""Begins a name that is made of an identifier."""
_PLAIN = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}").fullmatch
_PLAIN_REFERENCES = re.compile(rb'"reference"\s*:\s*"([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})"')
_REFERENCES = re.compile(rb'"reference"\s*:\s*"((?:[^"\\]|\\.)*)"')
_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
_URN = re.compile(rb'"reference"\s*:\s*"urn:')
_LOGICAL = re.compile(rb'"identifier"\s*:\s*\{')


def is_plain(name: str) -> bool:
    """Whether a name is a ``Type/id``, as most are."""
    return _PLAIN(name) is not None


def is_number(name: str) -> bool:
    """Whether a name is made of an identifier, which several may have."""
    return name.startswith(BY)


def references(content: bytes, resource: Json) -> set[str]:
    """The names of everything that a JSON text refers to, in which that resource stands."""
    plain = _PLAIN_REFERENCES.findall(content)
    found = {each.decode() for each in set(plain)}
    if content.count(b'"reference"') > len(plain):
        for text in set(_REFERENCES.findall(content)):
            found.update(_named(parse_reference_text(_unescaped(text))))
    if _is_hidden(content):
        found.update(_named_within(resource))
    return found


def _named_within(resource: Json) -> Iterator[str]:
    """The names of everything that a resource refers to, and of what it contains."""
    for each in _objects_within(resource):
        if "resourceType" not in each:
            yield from _named(parse_reference(each))
        yield from _by_identifiers(objects(each.get("contained")))


def _objects_within(value: object) -> Iterator[Json]:
    """A JSON value and all below that are objects; no recursion, for a hostile one is deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _is_hidden(content: bytes) -> bool:
    """Whether a text may refer in a way that is only seen in its objects: an escaped letter may be part of it, too."""
    if b'"contained"' in content or _LOGICAL.search(content) is not None:
        return True
    return b"\\" in content and _ESCAPED_ASCII.search(content) is not None


def by_another_name(content: bytes, resource: Json) -> bool:
    """Whether a resource refers by an identifier, a search or an address without ``Type/id``, or contains another."""
    if b'"contained"' in content:
        return True
    # One sign is found much faster than several, and few texts hold these at all.
    if b"?" in content and b"?identifier" in content:
        return True
    if b'"urn:' in content and _URN.search(content) is not None:
        return True
    if b"\\" in content and _ESCAPED_ASCII.search(content) is not None:
        return True
    return _LOGICAL.search(content) is not None and _refers_by_identifier(resource)


def _refers_by_identifier(resource: Json) -> bool:
    pointers = (parse_reference(each) for each in _objects_within(resource) if "resourceType" not in each)
    return any(each is not None and each.identifier is not None for each in pointers)


def names(reference: object, holder: Json) -> tuple[str, ...]:
    """The names of what a resource refers to; of a role that it contains also those of the practitioner."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    if isinstance(text, str) and _PLAIN(text):
        return (text,)
    pointer = parse_reference(reference)
    if pointer is None or pointer.contained is None:
        return _named(pointer)
    found = _contained(pointer.contained, holder)
    whose = (name for each in found for name in _named_or_contained(each.get("practitioner"), holder))
    return (*_by_identifiers(found), *whose)


def _named_or_contained(reference: object, holder: Json) -> tuple[str, ...]:
    pointer = parse_reference(reference)
    if pointer is None or pointer.contained is None:
        return _named(pointer)
    return tuple(_by_identifiers(_contained(pointer.contained, holder)))


def _contained(name: str, holder: Json) -> list[Json]:
    return [each for each in objects(holder.get("contained")) if each.get("id") == name]


def aliases(located: Located) -> set[str]:
    """By which names, beside its ``Type/id``, others may refer to a resource."""
    found = {name for value in written_identifiers(located.resource) for name in (_by(value), _by((None, value[1])))}
    return found | set(address(located))


def address(located: Located) -> tuple[str, ...]:
    """The name of an address that does not end in type and id of its resource."""
    if not located.full_url or located.base is not None:
        return ()
    return _named(parse_reference_text(located.full_url))


def _named(pointer: Pointer | None) -> tuple[str, ...]:
    """The name a reference has by itself; none where it leads nowhere, or to what its holder contains."""
    if pointer is None:
        return ()
    if pointer.identifier is not None:
        return (_by(pointer.identifier),)
    name = pointer.local or pointer.url
    return (name,) if name else ()


def _by(identifier: tuple[str | None, str]) -> str:
    system, value = identifier
    return f"{BY}{value}|{system or ''}"


def _by_identifiers(resources: Iterable[Json]) -> Iterator[str]:
    return (_by(identifier) for each in resources for identifier in written_identifiers(each))


def _unescaped(text: bytes) -> str:
    """The text of a JSON string: some servers write a slash as ``\\/``."""
    value: str = orjson.loads(b'"' + text + b'"') if b"\\" in text else text.decode()
    return value
