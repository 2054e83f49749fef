"""What the audit is told of a run over files; the seam that ``Witness`` is for a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapter.answers.answer import Answer
from adapter.evidence.store import Located
from adapter.reconcile.reconciliation import Unanswered


class FolderTrail:
    """Enters what is done in the audit; this one enters nothing."""

    def read_events(
        self,
        claims: Sequence[Located],
        answers: Sequence[Answer],
        unanswered: Sequence[Unanswered],
    ) -> list[bytes]:
        """What is to be entered when claims are read and decided; made in the process that decided them."""
        return []

    def put_lines(self, lines: Sequence[bytes]) -> None:
        """Enter it, in the process that gives out the work; who raises, ends the run."""

    def files_written(self, counts: Mapping[str, int]) -> None:
        """The answers are about to take their place, all at once."""


NO_TRAIL = FolderTrail()
