"""What an expression answers, in a form that tells 1 from True and 85.1 from the nearest binary fraction."""

from __future__ import annotations

from typing import Any

from adapter.mapping.fhirpath.expression import Expression


def answer(expression: Expression, element: Any) -> str:
    """The values in their order, or the type of the error."""
    try:
        return repr(list(expression(element)))
    except Exception as error:  # noqa: BLE001 - the library raises anything, and so must the compiled form
        return f"raises {type(error).__name__}"
