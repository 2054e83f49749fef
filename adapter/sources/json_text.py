"""JSON as it is, with nothing lost silently: of a key that stands twice the parser would keep the last value only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from adapter.errors import InputError
from adapter.fhir.paths import fhirpath
from adapter.limits import DEEPEST

_TOO_DEEP = f"JSON nested more than {DEEPEST} levels deep, which is not read"
_LINE_END = len("\r\n")
_ESCAPED_COLON = (b"\\u003a", b"\\u003A")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A key that stands twice in one object: its FHIRPath in the document, and the type of the resource around it."""

    expression: str
    kind: str


def parse_json(content: bytes) -> tuple[Any, tuple[Repeat, ...]]:
    """The value of a JSON text, and the keys in it that stand twice; such a key holds the list of all its values.

    Raises:
        InputError: not JSON (with the line), or nested too deeply.
    """
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _damaged(content, error) from error
    try:
        written = orjson.dumps(value)
    except TypeError as error:  # nothing that was read fails to be written but for its depth
        raise InputError(_TOO_DEEP) from error
    return (value, ()) if _nothing_lost(content, written) else _with_repeats(content)


def is_all_of(content: bytes, value: Any) -> bool:
    """Whether a value parsed from a JSON text is all that it says: no key stands twice, and it is not too deep."""
    try:
        return _nothing_lost(content, orjson.dumps(value))
    except TypeError:
        return False


def _nothing_lost(content: bytes, written: bytes) -> bool:
    """Every key has a colon and a key that stood twice is written once, so as many colons mean that none did.

    Most lines are written as we write them, and come back the same.
    """
    if content.startswith(written) and len(content) <= len(written) + _LINE_END:
        return True
    return content.count(b":") == written.count(b":") and not any(each in content for each in _ESCAPED_COLON)


def _damaged(content: bytes, error: orjson.JSONDecodeError) -> InputError:
    if "depth limit" in error.msg:
        return InputError(_TOO_DEEP, line=error.lineno)
    return InputError(f"not JSON: {error.msg}", line=_line_of_fault(content, error))


def _line_of_fault(content: bytes, error: orjson.JSONDecodeError) -> int:
    """The line of a JSON error; bytes that are no UTF-8 are looked for, because the parser names no place for them."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as broken:
        return content.count(b"\n", 0, broken.start) + 1
    return error.lineno


class _Object(dict[str, Any]):
    """A JSON object in which keys stand twice."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    values: dict[str, list[Any]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    merged = _Object({key: found[0] if len(found) == 1 else found for key, found in values.items()})
    merged.repeated = tuple(key for key, found in values.items() if len(found) > 1)
    return merged


def _with_repeats(content: bytes) -> tuple[Any, tuple[Repeat, ...]]:
    """Parse again, slowly; numbers become what the fast parser makes of them."""
    value = json.loads(content, object_pairs_hook=_object, parse_int=orjson.loads, parse_float=orjson.loads)
    kind = value.get("resourceType") if isinstance(value, dict) else None
    root = kind if isinstance(kind, str) else "Resource"
    return value, tuple(_repeats(value, root, (), root))


def _repeats(value: Any, root: str, steps: tuple[str | int, ...], kind: str) -> Iterator[Repeat]:
    if isinstance(value, dict):
        inner = value.get("resourceType")
        kind = inner if isinstance(inner, str) else kind
        if isinstance(value, _Object):
            yield from (Repeat(fhirpath(root, (*steps, key)), kind) for key in value.repeated)
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inside:
        yield from _repeats(each, root, (*steps, step), kind)
