"""FHIRPath expressions, each compiled once; https://hl7.org/fhirpath/N1/.

Expressions are evaluated with the FHIR model of the version, so that choice types (``performed``) and
``ofType(...)`` work, and below a base (``Claim.item``) where a mapping describes a repeated part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import FP_Type, ResourceNode
from fhirpathpy.models import models

MODEL_OF = {"r4": "r4", "r4b": "r4", "r5": "r5"}
"""The model that serves a FHIR version: R4B changed none of the resources read here."""

Expression = Callable[[Any], Sequence[Any]]


@cache
def compile_expression(text: str, base: str, version: str) -> Expression:
    """Compile ``text`` for elements of type ``base`` (``Encounter``, ``Claim.item``).

    Raises:
        ValueError: not FHIRPath; the message is the parser's.
    """
    try:
        compiled = fhirpathpy.compile(text, models[MODEL_OF[version]])
    except Exception as error:  # the parser has no error type of its own
        raise ValueError(str(error)) from error

    def evaluate(element: Any) -> Sequence[Any]:
        found = compiled(ResourceNode.create_node(element, base), None)  # type: ignore[no-untyped-call] # not annotated there
        return [_plain(value) for value in found]

    return evaluate


def _plain(value: Any) -> Any:
    """The library's own date and time types as the text they were read from."""
    return value.asStr if isinstance(value, FP_Type) and hasattr(value, "asStr") else value
