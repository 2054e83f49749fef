"""Values of FHIR's primitive types, as schemas that accept no more than ``fhir.resources`` does.

What the library checks natively is taken over from it, strictly: the JSON type itself, no text that could be read as
one. What it checks in Python (dates, decimals) has a native form here that accepts nearly all of it.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, get_origin

from fhir_core import types as fhir
from pydantic import TypeAdapter
from pydantic_core import CoreSchema, core_schema

_DAY = (
    r"(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)"
)
"""A day of the calendar from the year 1000 on, leap days included."""
_PARTIAL = r"[1-9][0-9]{3}(?:-(?:0[1-9]|1[0-2]))?"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_INSTANT = f"{_DAY}T{_TIME}{_OFFSET}"
_PATTERNS: dict[type, str] = {
    fhir.Date: f"^(?:{_PARTIAL}|{_DAY})$",
    fhir.DateTime: f"^(?:{_PARTIAL}|{_DAY}|{_INSTANT})$",
    fhir.Instant: f"^{_INSTANT}$",
    fhir.Time: f"^{_TIME}$",
}
MOMENTS = (fhir.Date, fhir.DateTime, fhir.Instant)
"""The types whose values can bound a Period."""
RESOURCE_ID = core_schema.str_schema(pattern=r"^[A-Za-z0-9\-.]{1,64}$", strict=True)
"""The id of a resource; the library lets longer ones pass."""
_NUMBER = core_schema.float_schema(allow_inf_nan=False, strict=True)
_NATIVE = ("str", "int", "bool")


def kind_of_value(annotation: Any) -> type | None:
    """The class by which the library marks a primitive type."""
    marks: tuple[object, ...] = getattr(annotation, "__metadata__", ())
    return type(marks[0]) if get_origin(annotation) is Annotated and len(marks) == 1 else None


@cache
def value_schema(annotation: Any) -> CoreSchema:
    """The schema of a primitive type, by the annotation the library gives it."""
    kind = kind_of_value(annotation)
    if kind in _PATTERNS:
        return core_schema.str_schema(pattern=_PATTERNS[kind], strict=True)
    if kind is fhir.Decimal:
        return _NUMBER
    own = TypeAdapter(annotation).core_schema
    if own["type"] in _NATIVE:
        return {**own, "strict": True}
    return core_schema.chain_schema([core_schema.str_schema(strict=True), own])
