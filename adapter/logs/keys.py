"""The allow-list: which keys a log line may carry, and what each may look like. What is not listed is not logged.

A shape is the second net: where somebody passes a text that has no place under its key, a question mark is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = r"[A-Za-z0-9._<>/-]{1,100}"
_CLASS = r"[A-Za-z_][A-Za-z0-9_]{0,79}"
_PLACE = r"[A-Za-z0-9_.<>-]{1,80}:[0-9]{1,7}"
_PLACES = rf"{_PLACE}(?: > {_PLACE})*"
_WORDS = r"[A-Za-z$][A-Za-z0-9_$ ,-]{0,79}"
DIGEST = r"[0-9a-f]{16}"

SHAPES: Mapping[str, str] = {
    # every line
    "timestamp": r"[0-9TZ:.-]{20,32}",
    "level": r"[a-z]{4,8}",
    "event": r"[a-z_]+(?:\.[a-z_]+)*",
    # who: a keyed digest, never the id
    "claim": DIGEST,
    "patient": DIGEST,
    "changed": rf"[A-Za-z]{{1,64}}(?:/{DIGEST})?",
    # what
    "attempt": r"[0-9]{1,6}",
    "count": r"[0-9]{1,12}",
    "decision": r"[A-Z-]{1,20}(?:,[A-Z-]{1,20})*",
    "differs": _WORDS,
    "do": _WORDS,
    "item": _NAME,
    "processes": rf"{_NAME}(?:, {_NAME})*",
    "run": _NAME,
    "status": r"requested|active|error|off|entered-in-error|gone",
    "subscription": r"[A-Za-z0-9.-]{1,64}",
    "what": _WORDS,
    # faults: classes and lines of code
    "failed": _CLASS,
    "fault": rf"(?:{_CLASS} at {_PLACE})?",
    "trace": rf"{_CLASS}(?: at {_PLACES})?(?:; from {_CLASS}(?: at {_PLACES})?)*",
    "reason": r".{1,500}",
    # what libraries say
    "logger": _NAME,
    "text": r"(?s).{1,500}",
    "at": _PLACE,
    "category": _CLASS,
}
"""Each key and what its value must be, from end to end. ``reason`` is only ever the sentence of a ``SourceError``,
``text`` only ever a literal of a library's source: ``adapter.logs.events`` and ``adapter.logs.foreign`` see to that."""
_COMPILED = {key: re.compile(shape) for key, shape in SHAPES.items()}
WITHHELD = "?"


def only_listed(event: Mapping[str, Any]) -> dict[str, str | int | float]:
    """The listed keys; a value that is not of its key's shape is withheld."""
    return {key: _fitting(key, value) for key, value in event.items() if key in SHAPES}


def _fitting(key: str, value: object) -> str | int | float:
    if not isinstance(value, str | int | float):  # an object would be written by its repr, which may hold anything
        return WITHHELD
    return value if _COMPILED[key].fullmatch(str(value)) else WITHHELD
