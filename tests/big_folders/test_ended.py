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

FINE = 0
INTERRUPTED = 130


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


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are told by Linux alone")
@pytest.mark.parametrize(
    ("by", "code", "left"),
    [(signal.SIGTERM, INTERRUPTED, 0), (signal.SIGINT, INTERRUPTED, 0), (signal.SIGKILL, -signal.SIGKILL, 1)],
)
def test_what_a_run_that_is_ended_leaves(tmp_path: Path, by: signal.Signals, code: int, left: int) -> None:
    make_folder(tmp_path / "in", 1200, 0)
    out = tmp_path / "out"
    process = begun(tmp_path / "in", out)
    workers = children(process.pid)
    process.send_signal(by)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert len(list(out.glob(".adapter-*"))) == left
    until_gone = time.monotonic() + 30
    while any(Path(f"/proc/{each}/cmdline").exists() for each in workers):
        assert time.monotonic() < until_gone, "a process that decides outlives the run"
        time.sleep(0.1)
    (tmp_path / "few").mkdir()
    make_folder(tmp_path / "few", 1, 0)
    done = subprocess.run(
        [sys.executable, "-m", "adapter", "sync", str(tmp_path / "few"), "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == FINE
    assert not list(out.glob(".adapter-*"))
