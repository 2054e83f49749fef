"""What a FHIR Reference says, taken apart; https://hl7.org/fhir/R4/references.html.

Servers write the same reference in many ways: relative, absolute, with a version, to a contained resource, by
``urn:uuid``, as a conditional search (``Practitioner?identifier=...``) or by identifier alone. Each is one ``Pointer``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from adapter.values import value

Json = dict[str, Any]

_LOCAL = re.compile(
    r"(?:(?P<base>[a-zA-Z][a-zA-Z0-9+.-]*://.+)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})$"
)
_PLAIN = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}")
"""``Type/id``, as most references are written."""
_HISTORY = re.compile(r"/_history/[A-Za-z0-9\-.]{1,64}$")
_CONDITIONAL = re.compile(r"(?:.+/)?(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)$")


_QUOTABLE = re.compile(
    r"(?:https?://[^\s?#@]+/)?[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
    r"|urn:uuid:[0-9A-Fa-f-]{36}|urn:oid:[0-9.]{1,128}|#[A-Za-z0-9\-.]{1,64}"
)
NONE = "a reference that is none"
"""What stands for one that is no address, and so may be anything: a name, a number, a sentence."""
_KIND = re.compile(r"[A-Z][A-Za-z]{1,63}")

LONGEST_KEPT = 200
"""Signs of a reference that is worth keeping; only a hostile one is longer than an address and an id."""


@value(frozen=True, slots=True)
class Pointer:
    """Where a reference leads; exactly one way of finding it is set, or none when it says nothing usable."""

    written: str
    """The reference as written, for messages; never a display text, nor any other words of the record."""
    contained: str | None = None
    url: str | None = None
    """``urn:uuid:...`` or an absolute URL without its version."""
    local: str | None = None
    """``Type/id``, also of an absolute URL."""
    identifier: tuple[str | None, str] | None = None
    kind: str | None = None
    """Resource type, where the reference names it."""
    mark: str = ""
    """Where ``written`` does not show it: what tells it from others (12 hexadecimal digits)."""

    @property
    def shown_kind(self) -> str:
        """The type as a message may name it; empty where none is named, or something else."""
        return self.kind if self.kind and _KIND.fullmatch(self.kind) else ""


def parse_reference(reference: object) -> Pointer | None:
    """Read a Reference element; None when it holds nothing to follow (display only, data absent)."""
    if not isinstance(reference, dict):
        return None
    text = reference.get("reference")
    if isinstance(text, str) and text:
        return _pointer_kept(text) if len(text) <= LONGEST_KEPT else _pointer(text)
    identifier = reference.get("identifier")
    if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
        kind = reference.get("type")
        value, system = identifier["value"], identifier.get("system")
        return Pointer(
            written=f"{kind if isinstance(kind, str) and _KIND.fullmatch(kind) else 'Reference'} by identifier",
            identifier=(system if isinstance(system, str) else None, value),
            kind=kind if isinstance(kind, str) else None,
        )
    return None


def parse_reference_text(text: str) -> Pointer:
    """Read ``Reference.reference``; the same few are read again and again."""
    return _pointer_kept(text) if len(text) <= LONGEST_KEPT else _pointer(text)


def is_quotable(text: str) -> bool:
    """Whether a reference is an address of a resource and nothing more: ``Reference.reference`` is a free string."""
    return _QUOTABLE.fullmatch(text) is not None


def _pointer(text: str) -> Pointer:
    found = _read(text)
    if is_quotable(text):
        return found
    shown = found.written if found.written != text else NONE
    return replace(found, written=shown, mark=sha256(text.encode(errors="surrogatepass")).hexdigest()[:12])


def _read(text: str) -> Pointer:
    if match := _PLAIN.fullmatch(text):
        return Pointer(text, local=text, kind=match[1])
    if text.startswith("#"):
        return Pointer(text, contained=text[1:])
    if text.startswith("urn:"):
        return Pointer(text, url=text)
    if conditional := _CONDITIONAL.match(text):
        return _conditional(conditional)
    plain = _HISTORY.sub("", text)
    if match := _LOCAL.match(plain):
        local = f"{match['type']}/{match['id']}"
        return Pointer(text, url=plain if match["base"] else None, local=local, kind=match["type"])
    return Pointer(text, url=plain if "://" in plain else None)


_pointer_kept = lru_cache(maxsize=4096)(_pointer)


def _conditional(match: re.Match[str]) -> Pointer:
    """``Type?identifier=system|value``; other searches lead nowhere, because nothing tells one match from many."""
    written = f"{match['type']}?..."  # a query may hold a member number
    parameters = parse_qsl(match["query"])
    if len(parameters) != 1 or parameters[0][0] != "identifier":
        return Pointer(written, kind=match["type"])
    system, bar, value = parameters[0][1].rpartition("|")
    return Pointer(written, identifier=((system or None) if bar else None, value), kind=match["type"])


def objects(value: object) -> Iterator[Json]:
    """The objects of a list, whatever else stands in it or in its place."""
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
