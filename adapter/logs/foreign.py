"""What libraries log, as it may be written: who spoke, how loud, from which line of code, and a text that is no data.

A text passes only when it is a literal of the source file that it was logged from: ``"HTTP Request: %s %s"`` does, with
its places unfilled; what was put together at run time, by an f-string or by another hand, does not. Arguments, such as
a URL with its query, and messages of exceptions never pass.
"""

from __future__ import annotations

import ast
import logging
from functools import lru_cache
from pathlib import Path

from adapter.logs.faults import kind, trace

MOST_SOURCE_FILES = 64


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """A record of a library, to be put through the allow-list."""
    fields = {"event": "library", "logger": record.name, "at": f"{record.filename}:{record.lineno}"}
    if text := literal(record.msg, record.pathname):
        fields["text"] = text
    if error := _error_of(record):
        fields |= {"failed": kind(error), "trace": trace(error)}
    return fields


def literal(text: object, path: str) -> str:
    """The text, or its first line, where that stands in the source file word for word; else nothing."""
    if not isinstance(text, str):
        return ""
    known = _literals(path)
    tried = (text, *text.splitlines()[:1])
    return next((each.strip() for each in tried if each in known and any(map(str.isalpha, each))), "")


@lru_cache(MOST_SOURCE_FILES)
def _literals(path: str) -> frozenset[str]:
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    constants = (each.value for each in ast.walk(tree) if isinstance(each, ast.Constant))
    return frozenset(each for each in constants if isinstance(each, str))


def _error_of(record: logging.LogRecord) -> BaseException | None:
    if record.exc_info and record.exc_info[1] is not None:
        return record.exc_info[1]
    given = record.args if isinstance(record.args, tuple) else ()
    return next((each for each in given if isinstance(each, BaseException)), None)
