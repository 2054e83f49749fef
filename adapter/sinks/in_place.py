"""Puts the files of a run in the place of those of the run before: all of them, also when the run is killed meanwhile.

Each is renamed, one after another. Before the first rename a marker says that all of them stand complete beside their
places; whoever finds it in what a killed run left puts the rest in place. So OUT holds the old answers or the new, or
new ones and the marker with the rest of them, until the next run into it begins.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import gethostname

from adapter import on_disk
from adapter.errors import UsageError
from adapter.processes import is_over, name_of
from adapter.sinks.spool import NAMES
from adapter.sources.walk import OURS

FILES = (*NAMES, "summary.json")
MARKER = "complete"
"""The file that says that all others beside it are on the disk; it holds their names."""
_MARKED = "".join(f"{each}\n" for each in FILES).encode()


def refuse_folders(out: Path) -> None:
    """A folder cannot be replaced by a file; better told before the work than after.

    Raises:
        UsageError: one stands where a file of ours is to stand.
    """
    for path in (out / name for name in FILES):
        if _is_folder(path):
            raise UsageError(f"{path} is a folder, and a file is to stand there. Name another folder with --out.")


def folder_beside(out: Path) -> Path:
    """A new folder for what is on its way to ``out``, named after this process; ``take_away`` removes it."""
    return Path(tempfile.mkdtemp(prefix=f"{OURS}{name_of(os.getpid())}@{gethostname()}-", dir=out))


def put_in_place(beside: Path, out: Path) -> None:
    """All files are written beside: they take their places.

    Raises:
        UsageError: as ``refuse_folders``, and nothing was replaced; or only some could be renamed.
        OSError: nothing was replaced.
    """
    refuse_folders(out)
    _supersede(out)
    with synced(beside / MARKER) as path:
        path.write_bytes(_MARKED)
    _noted(beside)
    try:
        _finish(beside, out)
    except OSError as error:
        if not is_half(beside):
            raise
        problem = f"only some files of {out} could be replaced ({error.strerror})"
        hint = "Mend that, and run it again into the same folder: the others are put in place first."
        raise UsageError(f"{problem}. {hint}") from error


def _supersede(out: Path) -> None:
    """What others have complete on their way is older than what takes its place now, and must not come back over it.

    Of a run that was killed ``heal`` has put it in place; this is of one that seems alive, or was on another machine.
    """
    for marker in out.glob(f"{OURS}*@*-*/{MARKER}"):
        marker.unlink(missing_ok=True)


def take_away(beside: Path, out: Path) -> None:
    """Remove a folder of a run; of one that was broken off between two files, the others take their places before.

    Where they cannot, it stays for the next run.
    """
    with suppress(OSError):
        if is_half(beside):
            _finish(beside, out)
        shutil.rmtree(beside, ignore_errors=True)


def heal(out: Path) -> None:
    """Remove what killed runs left; what stands complete in it takes its place before.

    Raises:
        OSError: it cannot.
    """
    for folder in left_in(out):
        _finish(folder, out)
        shutil.rmtree(folder, ignore_errors=True)


def standing(out: Path, name: str) -> Path:
    """Where a file of the last run is: in its place, or in what was left when that run was killed on the way there."""
    left = (each / name for each in left_in(out) if name in _waiting(each))
    return next(left, out / name)


def left_in(out: Path) -> Iterator[Path]:
    """The folders of runs that were killed outright."""
    return (each for each in sorted(out.glob(f"{OURS}*@*-*")) if is_left(each))


def is_left(folder: Path) -> bool:
    """Whether a run left it that was killed outright: it is named after a process of this machine that is no more."""
    process, _, host = folder.name.removeprefix(OURS).partition("@")
    return host.startswith(f"{gethostname()}-") and is_over(process)


def is_half(beside: Path) -> bool:
    """Whether some of the files are in place, and others not."""
    return 0 < len(_waiting(beside)) < len(FILES)


def _finish(beside: Path, out: Path) -> None:
    for name in _waiting(beside):
        (beside / name).replace(out / name)
    _noted(out)


def _waiting(beside: Path) -> list[str]:
    """The files that are complete and not yet in their places; none where not all are complete."""
    try:
        complete = (beside / MARKER).read_bytes() == _MARKED
    except FileNotFoundError:
        return []
    return [each for each in FILES if complete and (beside / each).exists()]


@contextmanager
def synced(path: Path) -> Iterator[Path]:
    """What is written to the path in the meantime is on the disk afterwards."""
    yield path
    on_disk.force(path)


def _noted(folder: Path) -> None:
    """The names in a folder are on the disk; not every file system does that for folders."""
    with suppress(OSError):
        on_disk.force(folder)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False
