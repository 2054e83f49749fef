"""A disk that is full, a folder that may not be written: one line, and what was there stays as it was.

The tests run as root, whom no permission stops, and may mount nothing. So the kernel refuses to let a file grow
(``RLIMIT_FSIZE``), or the call that would write raises what a full or read-only file system answers.
"""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any
from unittest.mock import Mock

import pytest
from command_line import Command, command, folder

from adapter.errors import UsageError, WriteError
from adapter.sinks import spool
from adapter.sinks.ledger import Ledger
from adapter.sources.folder.index import Index

__all__ = ["command", "folder"]


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def raising(number: int) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("size", [200, 6_000, 20_000], ids=["at once", "among the answers", "later"])
def test_a_file_that_cannot_grow(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setenv("ADAPTER_AUDIT", "off")  # its file would be the first that cannot grow
    assert command.sync().code == 0
    before = content(folder.parent / "out")
    with no_file_over(size):
        result = command.sync("--now", "2027-01-31T12:00:00Z")
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith("coaching-adapter: out cannot be written (")
    assert result.stderr.endswith("). Name another folder with --out.\n")
    assert content(folder.parent / "out") == before, "the old answers, and nothing beside them"
    assert command.sync("--now", "2027-01-31T12:00:00Z").code == 0


@pytest.mark.parametrize(
    ("where", "name", "number"),
    [
        pytest.param(spool.Spool, "add", errno.ENOSPC, id="no space left"),
        pytest.param(spool.Order, "write", errno.EDQUOT, id="over the quota"),
        pytest.param(tempfile, "mkdtemp", errno.EROFS, id="read-only"),
        pytest.param(tempfile, "mkdtemp", errno.EACCES, id="not ours"),
        pytest.param(Path, "replace", errno.EIO, id="a broken disk, at the end"),
    ],
)
def test_what_the_disk_says_is_told_and_nothing_is_half(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, number: int
) -> None:
    assert command.sync().code == 0
    before = content(folder.parent / "out")
    with monkeypatch.context() as broken:
        broken.setattr(where, name, raising(number))
        result = command.sync("--now", "2027-01-31T12:00:00Z")
    assert result.code == 2
    assert result.stderr == (
        f"coaching-adapter: out cannot be written ({os.strerror(number)}). Name another folder with --out.\n"
    )
    assert content(folder.parent / "out") == before
    assert command.sync("--now", "2027-01-31T12:00:00Z").code == 0


def test_a_folder_where_none_can_be_made(command: Command, folder: Path) -> None:
    assert folder.is_dir()
    result = command("sync", "in", "--out", "/proc/adapter/out")
    assert result.code == 2
    assert "/proc/adapter/out cannot be written" in result.stderr


def test_a_ledger_that_cannot_be_made_or_cannot_grow(tmp_path: Path) -> None:
    with no_file_over(512), pytest.raises(UsageError, match=r"cannot be opened: .* Name a file that can be written"):
        Ledger(tmp_path / "new.sqlite")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.set_checkpoint("http://fhir.test", "Claim", "2026-01-01T00:00:00Z")
        size = (tmp_path / "ledger.sqlite-wal").stat().st_size
        with no_file_over(size), pytest.raises(WriteError, match="could not be used"):
            ledger.set_checkpoint("http://fhir.test", "Claim", "2027-01-01T00:00:00Z")
        assert ledger.checkpoint("http://fhir.test", "Claim") == "2026-01-01T00:00:00Z"
        ledger.set_checkpoint("http://fhir.test", "Claim", "2027-01-01T00:00:00Z")
        assert ledger.checkpoint("http://fhir.test", "Claim") == "2027-01-01T00:00:00Z"


NO_SPACE = os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    ("where", "name", "fault", "reason"),
    [
        pytest.param(tempfile, "mkdtemp", OSError(errno.ENOSPC, NO_SPACE), NO_SPACE, id="no folder"),
        pytest.param(
            Index, "file", OperationalError("database or disk is full"), "database or disk is full", id="index"
        ),
    ],
)
def test_a_dry_run_names_the_folder_for_temporary_files(
    command: Command,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    fault: Exception,
    reason: str,
) -> None:
    """It writes nothing else, so another ``--out`` would not help."""
    assert folder.is_dir()
    with monkeypatch.context() as broken:
        broken.setattr(where, name, Mock(side_effect=fault))
        result = command.sync("--dry-run")
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr == (
        f"coaching-adapter: the folder for temporary files, {tempfile.gettempdir()}, cannot be written ({reason}). "
        "Name another with TMPDIR.\n"
    )


def test_a_dry_run_where_no_folder_for_temporary_files_can_be_written(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python tries a file in each that it knows, and takes none."""
    assert folder.is_dir()
    with monkeypatch.context() as broken:
        broken.setattr(tempfile, "gettempdir", Mock(side_effect=FileNotFoundError(errno.ENOENT, "No usable folder")))
        broken.setattr(tempfile, "mkdtemp", Mock(side_effect=FileNotFoundError(errno.ENOENT, "No usable folder")))
        result = command.sync("--dry-run")
    assert result.code == 2
    assert "the folder for temporary files cannot be written (No usable folder). Name another with" in result.stderr
