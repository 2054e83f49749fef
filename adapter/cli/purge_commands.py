"""``coaching-adapter purge``: every store, one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import orjson
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from adapter.audit.chain import Head
from adapter.audit.event import Activity, Who, activity_event
from adapter.audit.opening import OFF, audit_file, audit_path, who_acts
from adapter.audit.purging import STORE, purge_audit
from adapter.audit.trail import now
from adapter.cli.commands import OK
from adapter.cli.console import console, folding, print_json
from adapter.durable.database import check_database
from adapter.durable.purging import POSTGRES, give_back, is_prepared, known_database, sqlite_path
from adapter.errors import SourceError, UsageError
from adapter.purged import Purged
from adapter.receiver.work.purging import PurgedInbox
from adapter.runs.purging import PurgedBoard
from adapter.session.time import instant_in
from adapter.settings import Settings, load_settings
from adapter.sinks.purging import purge_ledger, purge_leftovers
from adapter.sources.bulk.purging import purge_exports


def purge(before: str, out: Path, output_format: str, *, failures: bool, dry_run: bool) -> int:
    """Remove what is older and finished, and print what went and what stays.

    Raises:
        UsageError: no date, or one that is still to come; or a store that cannot be used.
        AuditError: the audit is broken.
        SourceError: the database cannot be reached.
    """
    instant, settings = _instant(before), load_settings()
    check_database(settings)
    ledger = settings.ledger.expanduser()
    audit = _audit(settings, instant, dry_run=dry_run)  # first: where it is broken, nothing else goes either
    purged = [
        *_database(settings, instant, failures=failures, dry_run=dry_run),
        purge_ledger(ledger, instant, dry_run=dry_run),
        purge_exports((settings.bulk_folder or ledger.parent / "bulk").expanduser(), instant, dry_run=dry_run),
        purge_leftovers(out, instant, dry_run=dry_run),
        audit,
    ]
    _show(purged, output_format, dry_run=dry_run)
    return OK


def _instant(before: str) -> datetime:
    """The beginning of a day in UTC, or an instant."""
    try:
        found = datetime.combine(date.fromisoformat(before), time(), UTC)
    except ValueError:
        found = instant_in(before) or _no_date(before)
    if found > datetime.now(UTC):
        raise UsageError(f"--before {before!r} is still to come.")
    return found


def _no_date(before: str) -> datetime:
    raise UsageError(f"--before {before!r} is no date such as 2026-01-31, and no instant such as 2026-01-31T12:00:00Z.")


def _database(settings: Settings, before: datetime, *, failures: bool, dry_run: bool) -> list[Purged]:
    url = known_database(settings)
    try:
        if url is None or not is_prepared(url):
            return [Purged("notifications", 0, 0)]
        with PurgedInbox(url) as inbox, PurgedBoard(url) as board:
            purged = [
                *inbox.purge(before, failures=failures, dry_run=dry_run),
                *board.purge(before, dry_run=dry_run),
            ]
    except SQLAlchemyError as error:
        raise SourceError("the database of notifications and runs cannot be read", "Is it there?") from error
    path = sqlite_path(url)
    note = POSTGRES if path is None else give_back(path) if not dry_run else ""
    return [replace(purged[0], note=note), *purged[1:]]


def _audit(settings: Settings, before: datetime, *, dry_run: bool) -> Purged:
    if settings.audit == OFF or not audit_path(settings).exists():
        return Purged(STORE, 0, 0)
    who = who_acts(settings)
    return purge_audit(
        audit_file(settings, who), before, lambda files, last: _removed(who, files, last), dry_run=dry_run
    )


def _removed(who: Who, files: int, last: Head) -> bytes:
    details = [("removed-files", str(files)), ("removed-up-to", str(last))]
    return orjson.dumps(activity_event(who, now(), Activity.AUDIT_CHANGED, details))


def _show(purged: list[Purged], output_format: str, *, dry_run: bool) -> None:
    if output_format == "json":
        rows = [{"store": each.store, "removed": each.removed, "kept": each.kept, "note": each.note} for each in purged]
        print_json({"dry_run": dry_run, "stores": rows})
        return
    table = folding("Store", "Would go" if dry_run else "Removed", "Kept", "Note")
    for each in purged:
        table.add_row(*map(Text, (each.store, str(each.removed), str(each.kept), each.note)))
    console().print(table)
