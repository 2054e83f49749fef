"""What is wrong with a value of a file, in words for its owner and not in those of the library that found it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from adapter.errors import ConfigurationFault
from adapter.yaml_lines import Lined, Steps

MAPPING = "must be a mapping, with a key: value on each line"
WORDS: Mapping[str, str] = {
    # pydantic's type of error: our words, with the details it gives
    "missing": "is missing",
    "extra_forbidden": "is not permitted here: nothing reads this key",
    "string_type": "must be text (in quotes where YAML would read a number or a date)",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "does not have the form {pattern}",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": MAPPING,
    "model_type": MAPPING,
    "model_attributes_type": MAPPING,
    "too_short": "must not be empty",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "value_error": "{error}",
}


def faults_of(error: ValidationError, lined: Lined, at: Steps = ()) -> list[ConfigurationFault]:
    """Each fault with its file and line; ``at`` leads to the value that was validated."""
    return [
        lined.fault(_sentence(each, at, lined.data), [*at, *_path(each, at, lined.data)]) for each in error.errors()
    ]


def _sentence(error: Any, at: Steps, data: Any) -> str:
    name = ".".join(str(step) for step in [*at, *_path(error, at, data)])
    words = WORDS.get(error["type"], error["msg"]).format(**error.get("ctx", {}))
    return f"{name}: {words}" if name else words


def _path(error: Any, at: Steps, data: Any) -> list[str | int]:
    """Where the value stands, without the steps that name a type and no place in the file."""
    below: Any = data
    for step in at:
        below = below[step]
    path: list[str | int] = list(_steps(error["loc"], below))
    return [*path, error["loc"][-1]] if error["type"] == "missing" else path


def _steps(location: Sequence[str | int], data: Any) -> Iterator[str | int]:
    for step in location:
        if _holds(data, step):
            data = data[step]
            yield step


def _holds(data: Any, step: str | int) -> bool:
    return step in data if isinstance(data, dict) else isinstance(data, list) and isinstance(step, int)
