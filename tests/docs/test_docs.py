"""What the documentation shows is true: commands exist, settings are listed, examples load."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.testing import CliRunner

from adapter.auth.settings import AccessSettings
from adapter.cli.main import app
from adapter.mapping.values import CONVERTERS
from adapter.policy.files import RuleFile
from adapter.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SERVE = (ROOT / "adapter" / "receiver" / "README.md").read_text()
BULK = (ROOT / "adapter" / "sources" / "bulk" / "README.md").read_text()
AUTH = (ROOT / "adapter" / "auth" / "README.md").read_text()
SYNC = (ROOT / "adapter" / "sync" / "README.md").read_text()
RUNS = (ROOT / "adapter" / "runs" / "README.md").read_text()
LOGS = (ROOT / "adapter" / "logs" / "README.md").read_text()
AUDIT = (ROOT / "adapter" / "audit" / "README.md").read_text()
PAGES = (README, SERVE, BULK, AUTH, SYNC, RUNS, LOGS, AUDIT)
MAPPINGS_README = (ROOT / "mappings" / "README.md").read_text()
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # a group has commands


def shell_lines(text: str) -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return [
        line.split(" #")[0].strip() for block in blocks for line in block.splitlines() if "coaching-adapter " in line
    ]


def yaml_blocks(text: str) -> list[Any]:
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"coaching-adapter {command}" in " ".join(result.output.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_shows_every_command(command: str) -> None:
    assert f"coaching-adapter {command}" in README


@pytest.mark.parametrize("line", [line for page in PAGES for line in shell_lines(page)])
def test_every_command_the_readme_shows_parses(line: str) -> None:
    arguments = shlex.split(line)
    start = next(index for index, word in enumerate(arguments) if word.endswith("coaching-adapter"))
    result = CliRunner().invoke(app, [*arguments[start + 1 :], "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_readme_lists_every_setting(name: str) -> None:
    assert f"ADAPTER_{name.upper()}" in README


@pytest.mark.parametrize("name", sorted(AccessSettings.model_fields))
def test_the_page_about_access_lists_its_settings(name: str) -> None:
    assert f"| `ADAPTER_{name.upper()}` |" in AUTH


@pytest.mark.parametrize("kind", sorted(CONVERTERS))
def test_the_mapping_page_lists_every_type(kind: str) -> None:
    assert f"`{kind}`" in MAPPINGS_README


@pytest.mark.parametrize("name", ["r4/practitioner.yaml", "r4/documentation.yaml"])
def test_the_page_shows_the_files_of_the_site(name: str) -> None:
    """What it shows of ``fixtures/site`` is what stands there, and ``tests/mapping/test_site.py`` runs it."""
    shown = next(each for each in MAPPINGS_README.split("```yaml\n") if each.startswith(f"# {name}\n"))
    written = (ROOT / "fixtures" / "site" / "mappings" / name).read_text()
    assert yaml.safe_load(shown.partition("```")[0]) == yaml.safe_load(written)


def test_the_policy_example_is_a_rule_file() -> None:
    example = next(each for each in yaml_blocks(MAPPINGS_README) if "outcomes" in each)
    assert RuleFile.model_validate(example).rule == "session_length"


def test_the_readme_names_every_room_of_the_package() -> None:
    rooms = {path.name for path in (ROOT / "adapter").iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert {room for room in rooms if f"`{room}/`" not in README} == set()
