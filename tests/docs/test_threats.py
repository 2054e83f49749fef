"""The threat model of the README: each row names tests, and each of them exists and is collected."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "README.md").read_text().partition("\n## Security\n")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in SECURITY.splitlines()
    if line.startswith("| ") and not line.startswith("| asset ")
]
NODES = sorted({node for row in ROWS for node in re.findall(r"`(tests/[^`]+)`", row[-1])})
THREATS = (
    "logs", "error messages", "ledger", "another host", "forged notification", "replayed", "`$submit`", "bombs",
    "markup",
    "escape sequences", "YAML", "ids or types as paths", "lies", "two writers", "changed or damaged file",
    "events changed",
    "dependency", "stolen", "flood",
)  # fmt: skip


@cache
def functions_in(path: Path) -> set[str]:
    """The tests that pytest collects from a file: functions of its name, at the outermost level."""
    collected = re.fullmatch(r"test_\w+\.py", path.name) and path.is_file()
    nodes = ast.parse(path.read_text()).body if collected else []
    return {each.name for each in nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_table_speaks_of_every_threat() -> None:
    assert len(ROWS) > 15
    assert [each for each in THREATS if not any(each in row[1] for row in ROWS)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:40])
def test_each_row_is_whole(row: list[str]) -> None:
    asset, threat, stops, proof = row
    assert all((asset, threat, stops))
    assert re.fullmatch(r"(`tests/[\w/]+\.py::test_\w+` ?)+", proof)


@pytest.mark.parametrize("node", NODES)
def test_each_test_that_is_named_is_there(node: str) -> None:
    path, _, name = node.partition("::")
    assert name in functions_in(ROOT / path)


def test_the_shown_commands_are_there() -> None:
    blocks = "".join(re.findall(r"```\n(.*?)```", SECURITY, re.DOTALL))
    shown = re.findall(r"(?:-m (fuzz|soak)\.run|(tests/supply/\w+\.py))", blocks)
    files = [file or f"tests/{package}/run.py" for package, file in shown]
    assert len(files) == 4
    assert all((ROOT / each).is_file() for each in files)
