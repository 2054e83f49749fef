"""What the mapping page says of trying a rule is what happens: its draft, its commands, and the tables they print."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import NOW
from typer.testing import CliRunner

from adapter.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "mappings" / "README.md").read_text()
SECTION = PAGE.split("## Try a rule on last month's claims")[1].split("\n## ")[0]
COMMANDS = [line for line in SECTION.splitlines() if line.startswith("coaching-adapter ")]
((NAME, DRAFT),) = re.findall(r"```yaml\n# (new-rules/\S+)\n(.*?)```", SECTION, re.DOTALL)
(SHOWN,) = re.findall(r"```text\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the fixtures and the draft, as wide as the page."""
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_text(DRAFT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def run(capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, *more: str) -> str:
    arguments = [*shlex.split(line), *more]
    assert arguments[0] == "coaching-adapter"
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == 0
    return capture.readouterr().out


def test_the_page_shows_what_the_draft_changes(
    place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = COMMANDS[:2]
    run(capfd, monkeypatch, first)
    before = {path.name: path.read_bytes() for path in (place / "answers").iterdir()}
    printed = [line.rstrip() for line in run(capfd, monkeypatch, second).splitlines()]
    shown = SHOWN.rstrip("\n").splitlines()
    start = printed.index(shown[0])
    assert printed[start : start + len(shown)] == shown
    assert {path.name: path.read_bytes() for path in (place / "answers").iterdir()} == before


def test_the_draft_as_json(place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the elapsed time is what stands in the golden file; what changes in it is reviewed as code."""
    run(capfd, monkeypatch, COMMANDS[0])
    told: dict[str, Any] = json.loads(run(capfd, monkeypatch, COMMANDS[1], "--format", "json", "--now", NOW))
    golden = json.loads((Path(__file__).parent / "draft.json").read_text())
    changes = [each for each in told["changes"] if each["effect"] != "leave"]
    assert {"totals": told["totals"], "changes": changes} == golden
    assert len(told["changes"]) == sum(golden["totals"]["answers"].values())


@pytest.mark.parametrize("line", COMMANDS[2:])
def test_the_commands_for_a_server_parse(line: str) -> None:
    result = CliRunner().invoke(main.app, [*shlex.split(line)[1:], "--help"])
    assert result.exit_code == 0, result.output
