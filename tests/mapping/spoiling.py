"""The shipped mappings with something wrong in them, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from adapter.bootstrap import build
from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.layers import Layers
from adapter.settings import Settings


def faults(root: Path) -> tuple[ConfigurationFault, ...]:
    with pytest.raises(ConfigurationError) as caught:
        build(Settings(), Layers.of(root))
    assert caught.value.exit_code == 2
    return tuple(caught.value.faults)


def spoil(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{name} no longer holds {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_with(root: Path, name: str, words: str) -> int:
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def assert_fault(root: Path, name: str, at: str, says: str) -> None:
    """A fault names the file and the line that holds ``at``, and says what is wrong."""
    assert_named(faults(root), root, name, at, says)


def assert_named(found: Iterable[ConfigurationFault], root: Path, name: str, at: str, says: str) -> None:
    """One of these faults does."""
    line = line_with(root, name, at)
    assert any((each.file, each.line) == (f"mappings/{name}", line) and says in each.problem for each in found), (
        line,
        [str(each) for each in found],
    )
