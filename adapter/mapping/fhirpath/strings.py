"""Functions of a single text: ``startsWith('99')``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from adapter.mapping.fhirpath.functions import Call, Function, literal_text
from adapter.mapping.fhirpath.step import VALUES, NotCompiled, Step, Unusual


def _of_text(call: Call, result: Callable[[str], Any]) -> Step:
    def run(found: list[Any]) -> list[Any]:
        if not found:
            return []
        if len(found) > 1 or type(found[0]) is not str:
            raise Unusual
        return [result(found[0])]

    return call.after(run, VALUES)


def _starts_with(call: Call) -> Step:
    """An empty text begins with nothing, not even with nothing: the library says so."""
    prefix = literal_text(call)
    return _of_text(call, lambda text: bool(text) and text.startswith(prefix))


def _ends_with(call: Call) -> Step:
    suffix = literal_text(call)
    return _of_text(call, lambda text: bool(text) and text.endswith(suffix))


def _contains(call: Call) -> Step:
    part = literal_text(call)
    return _of_text(call, lambda text: part in text)


def _matches(call: Call) -> Step:
    written = literal_text(call)
    try:
        pattern = re.compile(written, re.DOTALL)
    except re.error as error:
        raise NotCompiled("a pattern that is no regular expression") from error
    if not written:
        raise NotCompiled("an empty pattern")
    return _of_text(call, lambda text: pattern.search(text) is not None)


STRING_FUNCTIONS: dict[tuple[str, int], Function] = {
    ("startsWith", 1): _starts_with,
    ("endsWith", 1): _ends_with,
    ("contains", 1): _contains,
    ("matches", 1): _matches,
    ("lower", 0): lambda call: _of_text(call, str.lower),
    ("upper", 0): lambda call: _of_text(call, str.upper),
}
