"""What of the ledger may go, and folders that killed runs left."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapter.durable.purging import give_back
from adapter.errors import UsageError
from adapter.purged import Purged
from adapter.sinks.in_place import is_left, take_away
from adapter.sources.walk import OURS

SURELY_OVER = timedelta(days=1)
"""Without a change, after which a folder of temporary files is nobody's."""
_TEMPORARY = "adapter-*"


def purge_ledger(path: Path, before: datetime, *, dry_run: bool) -> Purged:
    """Remove OperationOutcomes that were kept before an instant; how far servers were read stays.

    Raises:
        UsageError: the ledger cannot be used.
    """
    if not path.is_file():
        return Purged("OperationOutcomes in the ledger", 0, 0)
    instant = before.astimezone(UTC).isoformat()
    try:
        with closing(sqlite3.connect(path, timeout=10.0, isolation_level=None)) as db:
            db.execute("PRAGMA secure_delete = ON")
            total = db.execute("SELECT count(*) FROM outcome").fetchone()[0]
            old = db.execute("SELECT count(*) FROM outcome WHERE instant < ?", (instant,)).fetchone()[0]
            if not dry_run:
                db.execute("DELETE FROM outcome WHERE instant < ?", (instant,))
    except sqlite3.Error as error:
        raise UsageError(f"the ledger {path} cannot be used: {error}.") from error
    note = give_back(path) if not dry_run else ""
    return Purged("OperationOutcomes in the ledger", old, total - old, note)


def purge_leftovers(out: Path, before: datetime, *, dry_run: bool) -> Purged:
    """Remove what killed runs left: spools beside the answers, and the temporary folders of dry runs."""
    beside = [each for each in out.glob(f"{OURS}*@*-*") if each.is_dir()]
    temporary = [each for each in Path(tempfile.gettempdir()).glob(_TEMPORARY) if _is_ours(each)]
    quiet = min(before, datetime.now(UTC) - SURELY_OVER)
    left = [each for each in beside if is_left(each) and last_change(each) < before]
    gone = [each for each in temporary if last_change(each) < quiet]
    old = [*left, *gone]
    if not dry_run:
        for each in left:
            take_away(each, out)
        for each in gone:
            shutil.rmtree(each, ignore_errors=True)
    return Purged("folders that killed runs left", len(old), len(beside) + len(temporary) - len(old))


def last_change(folder: Path) -> datetime:
    """When something in a folder changed last."""
    return datetime.fromtimestamp(max(_times([folder, *folder.rglob("*")]), default=0.0), UTC)


def _times(paths: Iterable[Path]) -> Iterable[float]:
    for each in paths:
        try:
            yield each.lstat().st_mtime
        except FileNotFoundError:  # its run goes on, and removed it just now
            continue


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder with an index of ours, and nothing else than what stands beside one."""
    try:
        names = [each.name for each in folder.iterdir()]
    except OSError:  # somebody else's
        return False
    ours = all(name.startswith(("index.sqlite", "unpacked-", "part")) for name in names)
    return ours and "index.sqlite" in names
