"""Every log call of the adapter, read from its source: a literal event, listed keys, and no other way to log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.logs.keys import SHAPES

ADAPTER = Path(__file__).parents[2] / "adapter"
METHODS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
SOURCES = [path for path in sorted(ADAPTER.rglob("*.py")) if re.search(r"^log = ", path.read_text(), re.MULTILINE)]


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in METHODS:
            continue
        if ast.unparse(node.func.value) in ("log", "logger(__name__)"):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ADAPTER).as_posix())
def test_calls_have_a_literal_event_and_listed_keys(path: Path) -> None:
    found = list(calls(path))
    assert found, "a logger that nobody uses"
    for call in found:
        (event,) = call.args
        assert isinstance(event, ast.Constant), ast.unparse(call)
        assert re.fullmatch(SHAPES["event"], str(event.value)), event.value
        assert {each.arg for each in call.keywords} <= SHAPES.keys(), ast.unparse(call)


def test_nobody_logs_past_the_filter() -> None:
    past = {
        path.relative_to(ADAPTER).as_posix()
        for path in ADAPTER.rglob("*.py")
        if re.search(r"logging\.(debug|info|warning|error|critical|exception|basicConfig)\(|print_exc|format_exc",
                     path.read_text())
        or "log = logging.getLogger" in path.read_text()
    }  # fmt: skip
    assert past == set()
    assert len(SOURCES) > 10
