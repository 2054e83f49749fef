"""Answers that were decided from the files of an export, handed over to a folder, or in a dry run compared with it."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

from adapter.errors import UsageError
from adapter.sinks.answers_in_files import answers_in
from adapter.sinks.in_place import FILES, folder_beside, heal, put_in_place, synced, take_away
from adapter.sync.into_folder import into_folder
from adapter.sync.report import Report

AT_ONCE = 1000
"""Answers that are compared in one go."""


def compare(answers: Path, out: Path, report: Report) -> None:
    """What handing over would change of an earlier run's answers."""
    found = answers_in(answers)
    with into_folder(out, dry_run=True, whole=True) as folder:
        while some := list(islice(found, AT_ONCE)):
            folder.take(some)
        folder.finish(report)


def hand_over(answers: Path, out: Path) -> None:
    """Copy what was decided to where it is wanted; all files are there before the first takes its place.

    Raises:
        UsageError: the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        heal(out)
        beside = folder_beside(out)
        try:
            for name in FILES:
                with synced(beside / name) as path:
                    shutil.copyfile(answers / name, path)
            put_in_place(beside, out)
        finally:
            take_away(beside, out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}). Name another folder with --out.") from error
