"""The sentences of the rules, one file for each test module: what a reviewer reads is pinned like what is decided.

``REWRITE_WORDS=1 pytest tests/coverage_rules`` writes them anew; a change there is a change of what people are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from adapter.coverage.finding import Finding, Used
from adapter.errors import Issue

FOLDER = Path(__file__).parent / "words"


def told(said: Iterable[Finding | Issue]) -> str:
    """Verdict, words and values of each finding, or code and words of an issue, a line each."""
    return "".join(_issue(each) if isinstance(each, Issue) else _lines(each) for each in said)


def _issue(issue: Issue) -> str:
    return f"  {issue.code}: {issue.text} ({issue.expression})\n"


def _lines(finding: Finding) -> str:
    needed = f" | needed: {finding.needed}" if finding.needed else ""
    about = " | of the claim" if finding.about_claim else ""
    first = f"  {finding.rule} {finding.outcome or '-'}: {finding.found}{needed}{about}\n"
    return first + "".join(f"    {each.name} = {each.value} ({_origin(each)})\n" for each in finding.used)


def _origin(used: Used) -> str:
    return used.origin.path if used.origin else "no origin"


def read(module: str) -> dict[str, str]:
    """Test id to what was told in it."""
    path = FOLDER / f"{module}.txt"
    if not path.exists():
        return {}
    tests = (each.partition("\n") for each in path.read_text(encoding="utf-8").removeprefix("# ").split("\n# "))
    return {name: words.rstrip("\n") + "\n" for name, _, words in tests}


def write(module: str, told_by: dict[str, str]) -> None:
    """The file of a module, in the order of its tests."""
    FOLDER.mkdir(exist_ok=True)
    text = "\n".join(f"# {name}\n{words}" for name, words in told_by.items())
    (FOLDER / f"{module}.txt").write_text(text, encoding="utf-8")
