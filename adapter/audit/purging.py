"""Audit files that may go: whole ones that were put aside, the oldest first, so that the chain stays whole.

Nothing is believed of a file that the chain does not prove: what somebody changed would else be gone, and the chain
begin behind it as if nothing had been.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import orjson

from adapter.audit.chain import Head, read_link
from adapter.audit.file import AuditFile, aside_path, last_line
from adapter.audit.verify import Broken, Snapshot, Walk, in_snapshot
from adapter.errors import AuditError
from adapter.purged import Purged

STORE = "audit files"
Told = Callable[[int, Head], bytes]
"""Makes the event that says how many files were removed, and which line was their last."""


def purge_audit(file: AuditFile, before: datetime, told: Told, *, dry_run: bool) -> Purged:
    """Remove files whose last event is from before an instant; the file that is written to stays, however old.

    Raises:
        AuditError: the chain is broken in a file that would go or where the next one begins, or the removal cannot be
            entered in the audit; nothing is removed.
    """
    try:
        old, base, total = in_snapshot(file.path, file.chain, partial(_proven, file, before))
    except Broken as broken:
        problem = f"the audit is broken, so nothing is removed of it: {broken.place}: {broken.fault}"
        raise AuditError(f"{problem}. Look at it by `coaching-adapter audit verify`, and keep it") from broken
    except OSError as error:
        raise AuditError(f"{error.filename} cannot be read ({error.strerror}), so no audit file is removed") from error
    if old and not dry_run:
        file.forget(old, base, told(len(old), base))
    return Purged(STORE, len(old), total - len(old))


def _proven(file: AuditFile, before: datetime, snapshot: Snapshot) -> tuple[list[Path], Head, int]:
    """The files that may go, their last line, and how many files there are; raises Broken."""
    old, base = list(snapshot.gone), snapshot.ends.base
    for each in old:
        _refuse_misnamed(file.path, each)
    total = len(old) + snapshot.files
    walk = Walk(file.chain, base, [snapshot.ends.head])
    for each in snapshot.aside:
        walk.through(each)
        if walk.torn:
            raise Broken("it was put aside, and does not end with a whole line", str(each))
        _refuse_misnamed(file.path, each)
        if _ended(each) >= before:
            return old, base, total
        old.append(each)
        base = walk.before or base
    if old:
        walk.rest(snapshot)
    return old, base, total


def _refuse_misnamed(path: Path, put_aside: Path) -> None:
    """A file is put aside by the number of its last line; what has another one was made by somebody else."""
    link = read_link(last_line(put_aside) or b"")
    if link is None or put_aside != aside_path(path, link.number):
        raise Broken("its name is not the number of its last line: nobody put it aside", str(put_aside))


def _ended(path: Path) -> datetime:
    """When the last event of a file was recorded that the chain proves."""
    link = read_link(last_line(path) or b"")
    assert link is not None  # noqa: S101 - the chain was followed through it
    return datetime.fromisoformat(orjson.loads(link.event + b"}")["recorded"])
