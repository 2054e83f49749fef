"""Which FHIR types each ``as`` of the mapping language can read; a path that gives another is a fault at the start."""

from __future__ import annotations

from adapter.mapping.model import Types

_DAY = frozenset(["date", "dateTime", "instant"])
_TEXT = _DAY | {"string", "code", "uri", "url", "canonical", "id", "markdown", "oid", "uuid", "time", "base64Binary"}
_NUMBER = frozenset(["decimal", "integer", "integer64", "positiveInt", "unsignedInt"])

READS: dict[str, frozenset[str]] = {
    "text": _TEXT,
    "boolean": frozenset(["boolean"]),
    "number": _NUMBER,
    "integer": _NUMBER,
    "instant": _DAY,
    "period": _DAY | {"Period"},
    "date": _DAY | {"Period"},
    "minutes": frozenset(["Duration", "Quantity", "Age", "Count", "Distance"]),
    "money": frozenset(["Money"]),
    "coding": frozenset(["Coding", "code", "string", "uri", "canonical"]),
    "reference": frozenset(["Reference"]),
}
"""``present`` reads anything and so is not listed."""

_INSTEAD = {
    ("coding", "CodeableConcept"): "add .coding",
    ("text", "CodeableConcept"): "add .text or .coding.code",
    ("text", "Coding"): "add .code or .display",
    ("text", "Reference"): "add .display",
    ("number", "Quantity"): "add .value",
    ("money", "Quantity"): "only Money has a currency",
    ("reference", "CodeableReference"): "add .reference",
    ("coding", "CodeableReference"): "add .concept.coding",
}


def misfit(kind: str, found: Types) -> tuple[str, str] | None:
    """What is wrong with reading ``found`` as ``kind``, and what to write instead; None when it fits or is unknown."""
    allowed = READS.get(kind)
    if allowed is None or found is None or found & allowed:
        return None
    given = sorted(found)[0]
    return f"{given} cannot be read as {kind}", _INSTEAD.get(
        (kind, given), f"{kind} reads {', '.join(sorted(allowed))}"
    )
