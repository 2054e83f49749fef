"""What ``purge`` did, or in a dry run would do, in one store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Purged:
    """``removed`` and ``kept`` are rows, lines, files or folders, as ``store`` says."""

    store: str
    removed: int
    kept: int
    note: str = ""
    """What its reader has to know or do."""
