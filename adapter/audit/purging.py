"""Audit files that may go: whole ones that were put aside, the oldest first, so that the chain stays whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import orjson

from adapter.audit.chain import Head, read_link
from adapter.audit.file import AuditFile, aside, last_line
from adapter.purged import Purged

STORE = "audit files"
Told = Callable[[int, Head], bytes]
"""Makes the event that says how many files were removed, and which line was their last."""


def purge_audit(file: AuditFile, before: datetime, told: Told, *, dry_run: bool) -> Purged:
    """Remove files whose last event is from before an instant; the file that is written to stays, however old.

    Raises:
        AuditError: the removal cannot be entered in the audit, so nothing is removed.
    """
    kept = aside(file.path)
    total = len(kept) + file.path.exists()
    old: list[Path] = []
    base = Head()
    for each in kept:
        ended = _ended(each)
        if ended is None or ended[0] >= before:
            break
        old.append(each)
        base = ended[1]
    if old and not dry_run:
        file.forget(old, base, told(len(old), base))
    return Purged(STORE, len(old), total - len(old))


def _ended(path: Path) -> tuple[datetime, Head] | None:
    """When the last event of a file was recorded, and its place in the chain; None where nobody can tell."""
    line = last_line(path) or b""
    link = read_link(line)
    if link is None:
        return None
    return datetime.fromisoformat(orjson.loads(link.event + b"}")["recorded"]), link.head
