"""Rules of the linter, those of bandit (S) among them, are switched off by name and with a reason, and none for all."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("adapter/**/*.py"))
_EXCEPTION = re.compile(r"# (?:noqa|type: ignore)\b.*")
_WITH_REASON = re.compile(
    r"# (?:noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\])\s+(?:- |# )\S.*"
)
LINT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]


def test_each_exception_names_its_rule_and_its_reason() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (each := _EXCEPTION.search(line)) and not _WITH_REASON.fullmatch(each[0])
    ]
    assert found == []


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ("# noqa: S608 - names of ours", True),
        ("# type: ignore[override] # as uvicorn has it", True),
        ("# noqa", False),
        ("# noqa: S608", False),
        ("# type: ignore", False),
        ("# type: ignore[override]", False),
    ],
)
def test_what_is_a_reason(written: str, *, fits: bool) -> None:
    assert bool(_WITH_REASON.fullmatch(written)) is fits


def test_the_rules_of_bandit_hold_for_all_of_the_package() -> None:
    assert "S" in LINT["select"]
    assert [each for each in LINT["ignore"] if each.startswith("S")] == ["S311"]
    assert [path for path, rules in LINT["per-file-ignores"].items() if "S" in rules] == ["tests/**"]


def test_each_rule_that_is_off_has_its_reason() -> None:
    block = (ROOT / "pyproject.toml").read_text().partition("\nignore = [\n")[2].partition("\n]")[0]
    assert len(block.splitlines()) == len(LINT["ignore"])
    assert all(re.fullmatch(r'\s+"[A-Z]+[0-9]+",\s+# \S.*', line) for line in block.splitlines())
