"""YAML and JSON read with the line of every element, so that a fault can be shown where it stands.

JSON is read by the same parser (it is YAML in flow style), which is slow and therefore only asked after a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adapter.errors import ConfigurationError, ConfigurationFault

Steps = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Lined:
    """A parsed file: its data and its node tree."""

    file: str
    data: Any
    root: yaml.Node | None

    def line(self, path: Steps = ()) -> int:
        """The line (from 1) of the element at ``path``, or of its nearest parent that exists."""
        return line_of(self.root, path)

    def fault(self, problem: str, path: Steps = (), hint: str = "") -> ConfigurationFault:
        return ConfigurationFault(self.file, self.line(path), problem, hint)


def load_lined(path: Path, shown_as: str) -> Lined:
    """Read a YAML file.

    Raises:
        ConfigurationError: unreadable, not YAML, or a key that stands twice.
    """
    root: yaml.Node | None = None
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        if twice := _repeated_keys(root):
            faults = [ConfigurationFault(shown_as, line, f"key {key!r} stands twice") for key, line in twice]
            raise ConfigurationError(faults)
        constructor = yaml.constructor.SafeConstructor()
        data = constructor.construct_document(root) if root is not None else None
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
    except (ValueError, TypeError, RecursionError) as error:
        problem = f"a value that cannot be read ({type(error).__name__})"
        raise ConfigurationError([ConfigurationFault(shown_as, _line_of_value(root), problem)]) from error
    return Lined(shown_as, data, root)


def _line_of_value(node: yaml.Node | None) -> int:
    """The line of the first value that cannot be built, such as a day that does not exist."""
    for scalar in _scalars(node):
        try:
            yaml.constructor.SafeConstructor().construct_document(scalar)
        except (ValueError, TypeError, yaml.YAMLError):
            return scalar.start_mark.line + 1
    return 1


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


def line_of(node: yaml.Node | None, path: Steps) -> int:
    """The line (from 1) of the element at ``path`` below ``node``; of the nearest parent when it is absent."""
    if node is None:
        return 1
    line = node.start_mark.line + 1
    for step in path:
        child = _child(node, step)
        if child is None:
            break
        line, node = child
    return line


def _child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None
