"""How far runs of one query on one server have come, in the ledger, so that a run goes on where the last one stopped.

``instant``: whatever changed before is answered. It only moves at the end of a run that left nothing unanswered.
``begun`` and ``reached``: a run under way; it began then, on the server's clock, and all claims changed before
``reached`` are answered as of then. What the next run goes on with when this one is killed.
``marks``: by which the next run sees which types did not change since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapter.sinks.ledger import Ledger

Marks = dict[str, str]
"""Of each type, a digest of what stands at the end of its history; another one says that something changed."""


@dataclass
class Checkpoint:
    """One row of the ledger, kept up to date; with ``moves`` off it is read and never written."""

    ledger: Ledger
    server: str
    query: str
    moves: bool = True
    instant: str | None = field(init=False)
    _state: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.instant = self.ledger.checkpoint(self.server, self.query)
        self._state = self.ledger.run_state(self.server, self.query)

    @property
    def begun(self) -> str | None:
        """When the run began that was not finished."""
        return self._state.get("begun")

    @property
    def reached(self) -> str | None:
        """How far that run has come."""
        return self._state.get("reached")

    @property
    def marks(self) -> Marks:
        return dict(self._state.get("marks") or {})

    def take_over(self) -> None:
        """Answers are written by the rules of this query from now on; to be called before the first of them is.

        What other rules had answered may get other answers now, so their checkpoints are gone. None of ours moves
        when others take over before we are done.
        """
        if self.moves:
            self.ledger.take_over(self.server, self.query)

    def begin(self, now: datetime, *, anew: bool) -> None:
        """A run begins, from the start of its claims or where the last one stopped."""
        unfinished = {} if anew else {name: value for name, value in self._state.items() if name != "marks"}
        self._state = {"begun": now.isoformat(), **unfinished, "marks": self.marks}
        self._save()

    def reach(self, instant: str) -> None:
        """All claims changed before are answered."""
        self._state["reached"] = instant
        self._save()

    def finish(self, now: datetime, overlap: timedelta, marks: Marks) -> None:
        """The run that began ``now`` left nothing unanswered. Servers index with a delay: the next looks back a bit."""
        self.instant = (now - overlap).isoformat(timespec="seconds")
        self._state = {"marks": marks}
        self._save(self.instant)

    def _save(self, checkpoint: str | None = None) -> None:
        if self.moves:
            reached = {self.query: checkpoint} if checkpoint is not None else {}
            self.ledger.set_run_state(self.server, self.query, self._state, reached)
