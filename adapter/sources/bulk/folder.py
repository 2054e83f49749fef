"""Where an export lies until it is decided: its files, and how far they are fetched, so that a killed run goes on.

What is in it is health data: nobody else may look in, one run at a time works in it, and it goes when the run ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ValidationError

from adapter.errors import UsageError
from adapter.sources.bulk.manifest import File

PRIVATE = 0o700


class Job(BaseModel):
    """How far an export is. Of ``files`` the place in the list is the name on the disk."""

    since: str | None = None
    types: tuple[str, ...] = ()
    status_url: str = ""
    transaction_time: AwareDatetime | None = None
    """As the manifest has it; None until the export is finished."""
    files: tuple[File, ...] = ()
    tells_deletions: bool = False
    completed: bool = False
    """Whether what the export left out was fetched too."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one export."""

    path: Path

    @property
    def output(self) -> Path:
        """The files to decide; ``deleted`` and ``error`` lie beside it."""
        return self.path / "output"

    @property
    def answers(self) -> Path:
        return self.path / "answers"

    def of(self, index: int, file: File) -> Path:
        """The folder of one file of the manifest; it is there when the file is whole."""
        return self.path / file.role / f"{index:05}-{file.type}"

    def load(self) -> Job | None:
        """How far the export is; None for one not begun, or whose notes cannot be read."""
        try:
            return Job.model_validate_json(self._job.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def save(self, job: Job) -> None:
        """Note how far the export is.

        Raises:
            UsageError: the folder cannot be written.
        """
        beside = self._job.with_suffix(".new")
        try:
            with beside.open("wb") as file:
                file.write(job.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._job)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written ({error.strerror}).") from error

    def empty(self) -> None:
        """Forget the export; the lock stays."""
        self._job.unlink(missing_ok=True)
        for each in self.path.iterdir():
            if each.is_dir():
                shutil.rmtree(each)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def _job(self) -> Path:
        return self.path / "job.json"


@contextmanager
def opened(root: Path, *arguments: str | None) -> Iterator[Folder]:
    """The folder for these arguments of a run, locked; the same arguments find it again.

    Raises:
        UsageError: it cannot be written, or another run works in it.
    """
    digest = hashlib.sha256("\n".join(each or "" for each in arguments).encode()).hexdigest()[:16]
    folder = Folder(root.expanduser() / digest)
    try:
        folder.path.parent.parent.mkdir(parents=True, exist_ok=True)
        for each in (folder.path.parent, folder.path):  # ``parents`` would be of the usual mode
            each.mkdir(mode=PRIVATE, exist_ok=True)
        folder.path.chmod(PRIVATE)
        lock = (folder.path / "lock").open("wb")
    except OSError as error:
        hint = "name another with ADAPTER_BULK_FOLDER"
        raise UsageError(f"the folder {folder.path} cannot be written ({error.strerror}); {hint}.") from error
    os.register_at_fork(after_in_child=lock.close)  # or a process that outlives a killed run would keep it locked
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"another run is at work on this export, in {folder.path}; let it end.") from error
        yield folder
