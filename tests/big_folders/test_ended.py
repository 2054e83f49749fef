"""A run over files that somebody ends: what it leaves behind, and what the next one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks.folder import make_folder
from benchmarks.processes import ROOT
from big_folders.ways import written

from adapter.sync.files import Way

INTERRUPTED = 130
CLAIMS = 450
"""More than one portion has, so that two processes decide."""
TWO_PROCESSES = Way(processes=2)
NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are told by Linux alone")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    make_folder(folder, CLAIMS, 0)
    return folder


def begun(source: Path, out: Path) -> subprocess.Popen[str]:
    """A run that has begun to decide, in two processes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ADAPTER_PROCESSES": "2"}
    command = [sys.executable, "-m", "adapter", "sync", str(source), "--out", str(out)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not list(out.glob(".adapter-*/part*")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    return process


def test_a_dry_run_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", 200, 0)
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ADAPTER_PROCESSES": "2", "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-m", "adapter", "sync", str(tmp_path / "in"), "--dry-run"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    while not list((tmp_path / "tmp").glob("adapter-*/index.sqlite")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "adapter-out").exists()


def children(of: int) -> list[str]:
    return Path(f"/proc/{of}/task/{of}/children").read_text().split()


def ended(process: subprocess.Popen[str], by: signal.Signals) -> None:
    """The run and all that it began are over."""
    workers = children(process.pid)
    process.send_signal(by)
    process.communicate(timeout=60)
    until_gone = time.monotonic() + 30
    while any(Path(f"/proc/{each}/cmdline").exists() for each in workers):
        assert time.monotonic() < until_gone, "a process that decides outlives the run"
        time.sleep(0.1)


@NEEDS_PROC
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_what_a_run_that_is_ended_leaves(tmp_path: Path, source: Path, by: signal.Signals) -> None:
    out = tmp_path / "out"
    process = begun(source, out)
    ended(process, by)
    assert process.returncode == INTERRUPTED
    assert not out.exists() or not list(out.iterdir())


@NEEDS_PROC
def test_after_a_run_that_was_killed_the_same_again_is_as_if_nothing_had_been(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    process = begun(source, out)
    ended(process, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    (left,) = out.iterdir()
    assert left.name.startswith(".adapter-")
    assert written(source, TWO_PROCESSES, out) == written(source, TWO_PROCESSES, tmp_path / "undisturbed")
    assert not left.exists()
