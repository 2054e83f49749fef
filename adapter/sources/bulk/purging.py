"""Exports that killed runs left on the disk, and nobody went on with."""

from __future__ import annotations

import fcntl
import shutil
from datetime import datetime
from pathlib import Path

from adapter.purged import Purged
from adapter.sinks.purging import last_change


def purge_exports(root: Path, before: datetime, *, dry_run: bool) -> Purged:
    """Remove those that nobody works on, and in which nothing changed since an instant.

    A run with the same arguments then begins with a new export.
    """
    folders = [each for each in root.iterdir() if (each / "lock").is_file()] if root.is_dir() else []
    removed = [each for each in folders if last_change(each) < before and _gone(each, dry_run=dry_run)]
    return Purged("bulk exports", len(removed), len(folders) - len(removed))


def _gone(folder: Path, *, dry_run: bool) -> bool:
    """Remove one, holding its lock; False when a run is at work in it."""
    with (folder / "lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        if not dry_run:
            shutil.rmtree(folder, ignore_errors=True)
    return True
