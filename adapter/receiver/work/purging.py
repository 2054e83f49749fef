"""What of the inbox may go: notifications that were worked off, and if asked for what was given up."""

from __future__ import annotations

from datetime import datetime

from adapter.durable.purging import FAILED, FINISHED, old
from adapter.purged import Purged
from adapter.receiver.work.inbox import RECONCILE, RECONSIDER, Inbox


class PurgedInbox(Inbox):
    """An inbox whose finished rows can be removed."""

    def purge(self, before: datetime, *, failures: bool, dry_run: bool) -> list[Purged]:
        """Remove what ended before an instant; what waits or is being worked on stays, however old."""
        rows = self._client.list_workflows(name=[RECONCILE, RECONSIDER], load_input=False, load_output=False)
        failed = [row for row in rows if row.status in FAILED]
        done = old(rows, FINISHED, before)
        dropped = old(failed, FAILED, before) if failures else []
        if not dry_run:
            self.remove([*done, *dropped])
        note = "" if failures else "open failures stay without --failures"
        return [
            Purged("notifications", len(done), len(rows) - len(failed) - len(done)),
            Purged("failures", len(dropped), len(failed) - len(dropped), note if failed else ""),
        ]
