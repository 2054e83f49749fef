"""Mapping files, YAML or JSON, read with the file and line of every element, so that a fault is shown where it stands.

JSON is read by the same parser: it is YAML in flow style. Anchors and aliases are not taken: a few lines of them can
stand for more than memory holds, or for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from adapter.errors import ConfigurationError, ConfigurationFault

Steps = Sequence[str | int]

MAX_DEPTH = 50
"""Levels of nesting of a mapping file; the deepest that ships has ten."""
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")
"""A character that JSON escapes as two, which YAML does not know (RFC 8259, section 7)."""


@dataclass(frozen=True, slots=True)
class Lined:
    """A parsed file, or several laid over each other: the data and the nodes, each of which knows its file and line."""

    file: str
    data: Any
    root: yaml.Node | None

    def place(self, path: Steps = ()) -> tuple[str, int]:
        """File and line (from 1) of the element at ``path``, or of its nearest parent that exists."""
        mark = mark_of(self.root, path)
        return (self.file, 1) if mark is None else (mark.name, mark.line + 1)

    def fault(self, problem: str, path: Steps = (), hint: str = "") -> ConfigurationFault:
        return ConfigurationFault(*self.place(path), problem, hint)


class _Named(StringIO):
    """A text with the name that the parser gives to its marks."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def compose(path: Path, shown_as: str) -> yaml.Node | None:
    """The nodes of a YAML file, their marks named ``shown_as``.

    Raises:
        ConfigurationError: unreadable, not YAML, or a key that stands twice.
    """
    try:
        text = _text(path)
        if (problem := _unsuitable(text)) is not None:
            raise ConfigurationError([ConfigurationFault(shown_as, *problem)])
        root = yaml.compose(_Named(text, shown_as), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        fault = ConfigurationFault(shown_as, 1, f"cannot be read: {type(error).__name__}")
        raise ConfigurationError([fault]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError([ConfigurationFault(shown_as, line, f"not YAML: {error.problem}")]) from error
    except yaml.reader.ReaderError as error:
        line = path.read_bytes().decode("utf-8", "replace").count("\n", 0, error.position) + 1
        raise ConfigurationError(
            [ConfigurationFault(shown_as, line, "a character that YAML does not allow")]
        ) from error
    if twice := _repeated_keys(root):
        faults = [ConfigurationFault(shown_as, line, f"key {key!r} stands twice") for key, line in twice]
        raise ConfigurationError(faults)
    return root


def _text(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return _PAIR.sub(_joined, text) if path.suffix == ".json" else text


def _joined(found: re.Match[str]) -> str:
    pair = found[2].encode("ascii").decode("unicode-escape")
    return found[1] + pair.encode("utf-16", "surrogatepass").decode("utf-16")


def _unsuitable(text: str) -> tuple[int, str] | None:
    """Line and words of the first thing that must not be built at all: an alias, or too many levels."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            return line, "an alias; write out what it stands for"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return line, "nested too deeply"
    return None


def built(shown_as: str, root: yaml.Node | None) -> Lined:
    """The data of nodes.

    Raises:
        ConfigurationError: a value that cannot be built, such as a day that does not exist.
    """
    try:
        data = yaml.constructor.SafeConstructor().construct_document(root) if root is not None else None
    except (yaml.MarkedYAMLError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None) or _mark_of_value(root)
        place = (shown_as, 1) if mark is None else (mark.name, mark.line + 1)
        problem = f"a value that cannot be read ({type(error).__name__})"
        raise ConfigurationError([ConfigurationFault(*place, problem)]) from error
    return Lined(shown_as, data, root)


def _mark_of_value(node: yaml.Node | None) -> yaml.Mark | None:
    """Where the first value stands that cannot be built, such as a day that does not exist."""
    for scalar in _scalars(node):
        try:
            yaml.constructor.SafeConstructor().construct_document(scalar)
        except (ValueError, TypeError, yaml.YAMLError):
            return scalar.start_mark
    return None


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(key)
            yield from _scalars(value)


def _repeated_keys(node: yaml.Node | None) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                found.append((name, key.start_mark.line + 1))
            seen.add(name)
            found += _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found += _repeated_keys(item)
    return found


def mark_of(node: yaml.Node | None, path: Steps) -> yaml.Mark | None:
    """Where the element at ``path`` below ``node`` begins, or its nearest parent; None where there is nothing."""
    mark = None if node is None else node.start_mark
    for step in path:
        child = None if node is None else _child(node, step)
        if child is None:
            break
        mark, node = child
    return mark


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None
