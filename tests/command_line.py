"""The command line run in this process, for tests of what its user sees."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import FIXTURES, NOW

from adapter.cli import main

Json = dict[str, Any]
STORY = "0592t-approved"


@dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str
    out: Path

    def resources(self, kind: str) -> list[Json]:
        return [json.loads(line) for line in (self.out / f"{kind}.ndjson").read_text(encoding="utf-8").splitlines()]

    def issues(self) -> list[Json]:
        return [issue for outcome in self.resources("OperationOutcome") for issue in outcome["issue"]]


class Command:
    """The command line in this process, in a folder of its own; whatever it is given, it does not fall over."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._capture, self._monkeypatch = folder, capture, monkeypatch
        monkeypatch.chdir(folder)

    def __call__(self, *arguments: str | Path) -> Result:
        self._monkeypatch.setattr(sys, "argv", ["coaching-adapter", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main.run()
        printed = self._capture.readouterr()
        assert "coaching-adapter: internal error" not in printed.err
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, printed.out, printed.err, self.folder / "out")

    def sync(self, *options: str | Path) -> Result:
        return self("sync", "in", "--out", "out", "--now", NOW, *options)


@pytest.fixture
def command(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    for name in [name for name in os.environ if name.startswith("ADAPTER_")]:
        monkeypatch.delenv(name)
    return Command(tmp_path, capfd, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of input with one good claim in it."""
    (tmp_path / "in").mkdir()
    shutil.copy(FIXTURES / "stories" / STORY / "0_bundle.json", tmp_path / "in" / "good.json")
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a machine on which nothing of ours is set."""
    for name in [name for name in os.environ if name.upper().startswith("ADAPTER_")]:
        monkeypatch.delenv(name)
