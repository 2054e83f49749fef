"""Asks the advisory database of PyPI whether anything in the lock file has a known vulnerability, by ``pip-audit``.

    python3 -m venv audit-tools && audit-tools/bin/pip install -r tests/supply/audit.lock
    audit-tools/bin/python tests/supply/advisories.py

Ends with 0 when all was checked and nothing found, with 1 when something was found, and with 2 when it was NOT CHECKED
because the database cannot be reached: that is no pass. (``pip-audit`` itself passes what it could not look up.)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
CLEAN, FOUND, NOT_CHECKED = 0, 1, 2
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tool said of one file of requirements."""

    checked: int = 0
    not_checked: int = 0
    vulnerable: tuple[str, ...] = ()


def audit(requirements: Path) -> Answer | None:
    """What is known of the packages of a file; None where nothing could be asked."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(requirements), "--require-hashes", "--disable-pip"]
    try:
        done = subprocess.run([*command, "-f", "json"], capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return read(done.stdout)


def read(printed: str) -> Answer | None:
    """The tool's JSON; None for none."""
    try:
        told = json.loads(printed)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    looked_up = [each for each in told if "skip_reason" not in each]
    vulnerable = tuple(f"{each['name']} {each['version']}: {one['id']}" for each in looked_up for one in each["vulns"])
    return Answer(len(looked_up), len(told) - len(looked_up), vulnerable)


def verdict(answer: Answer | None) -> tuple[int, str]:
    """The exit code, and what to print."""
    if answer is not None and answer.vulnerable:
        return FOUND, "KNOWN VULNERABILITIES:\n" + "\n".join(f"  {each}" for each in answer.vulnerable)
    if answer is None or answer.not_checked or not answer.checked:
        return NOT_CHECKED, (
            "!! NOT CHECKED: the database of known vulnerabilities could not be asked about every package.\n"
            "!! This is no pass. Run this where that database can be reached, before a release at the latest."
        )
    return CLEAN, f"{answer.checked} packages checked, none with a known vulnerability"


def first_of(lock: str) -> str:
    """The lock file's first package, to find out with one question whether anybody answers."""
    lines = [each for each in lock.splitlines(keepends=True) if not each.startswith("#")]
    end = next((number for number, each in enumerate(lines) if not each.rstrip().endswith("\\")), 0)
    return "".join(lines[: end + 1])


def main() -> int:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as one:
        one.write(first_of(LOCK.read_text()))
        one.flush()
        answer = audit(Path(one.name))
    if answer is not None and not answer.not_checked:
        answer = audit(LOCK)
    code, text = verdict(answer)
    print(text)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
