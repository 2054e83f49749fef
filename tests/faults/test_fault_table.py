"""The pages of faults and the tests of faults name each other: no row without a test, no such test without a row."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "adapter" / "sync" / "FAULTS.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(\w+)(?:\[([^\]]+)\])?`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not re.match(r"\| (fault|command) \|", line)]
OF_FAULTS = (
    "faults/test_full_disk.py",
    "faults/test_told_to_end.py",
    "servers/test_faults_hapi.py",
    "sync/test_answer_deleted.py",
    "sync/test_clocks.py",
)


@cache
def functions_in(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


@cache
def texts_in(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return frozenset(
        each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


@pytest.mark.parametrize(("path", "test", "case"), NAMED)
def test_what_a_row_names_is_there(path: str, test: str, case: str) -> None:
    assert test in functions_in(path)
    assert not case or case in texts_in(path)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:60])
def test_every_row_names_a_test(row: str) -> None:
    assert "::test_" in row.rsplit("|", 2)[1]


@pytest.mark.parametrize("path", OF_FAULTS)
def test_every_test_of_a_fault_has_its_row(path: str) -> None:
    assert functions_in(path) <= {test for where, test, _ in NAMED if where == path}


def test_every_fault_of_the_proxy_has_its_row() -> None:
    path = "servers/test_faults_hapi.py"
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    (table,) = (
        each.value
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and each.targets[0].id == "FAULTS"
    )
    assert isinstance(table, ast.Dict)
    faults = {each.value for each in table.keys if isinstance(each, ast.Constant)}
    assert len(faults) > 20
    assert faults == {case for where, _, case in NAMED if where == path and case}
