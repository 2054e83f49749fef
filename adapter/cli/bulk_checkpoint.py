"""How far bulk exports have read a server: the ``_since`` of the next one, and what later runs without --bulk gain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapter.cli.bulk_options import since_instant
from adapter.sinks.ledger import Ledger
from adapter.sync.bulk.writing import OVERLAP
from adapter.sync.checkpoints import Checkpoint

CHECKPOINT = "bulk"


@dataclass(frozen=True, slots=True)
class BulkCheckpoint:
    """Of the exports of one server, or of a Group on it; ``query`` is of ``sync URL`` by the same rules."""

    ledger: Ledger
    server: str
    query: str
    group: str | None

    def since(self) -> str | None:
        """From when the next export wants what changed; None for everything."""
        reached = self._reached()
        return (since_instant(reached) - OVERLAP).isoformat(timespec="milliseconds") if reached else None

    def goes_on(self, since: str | None) -> bool:
        """Whether what an export leaves out was answered by these rules; a run that was killed may have had others."""
        known = self._reached()
        return since is None or (known is not None and since_instant(since) <= since_instant(known))

    def move(self, reached: datetime, overlap: timedelta) -> None:
        """To the server's own instant; everything before it is answered. ``overlap`` is that of runs without --bulk."""
        instant = reached.isoformat(timespec="milliseconds")
        self.ledger.set_run_state(self.server, self.query, None, {self._name: instant})
        whole_server = Checkpoint(self.ledger, self.server, self.query)
        known = whole_server.instant
        if self.group is None and (known is None or since_instant(known) < reached - overlap):
            whole_server.finish(reached, overlap, {})  # without marks the next run looks at every type

    def _reached(self) -> str | None:
        return self.ledger.checkpoint(self.server, self._name)

    @property
    def _name(self) -> str:
        name = f"{self.query} {CHECKPOINT}"
        return f"{name} Group/{self.group}" if self.group else name
