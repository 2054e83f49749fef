"""Tells a server that lets us write nothing from one that has something against a single answer."""

from __future__ import annotations

from collections.abc import Sequence

from adapter.errors import AccessRefused, Step
from adapter.sources.refusals import shown

_BARRED = frozenset({401, 403})


class Barred:
    """Looks at the status of each entry of our batches, by type of resource."""

    def __init__(self, base: str) -> None:
        self._server = shown(base)
        self._may: set[str] = set()
        """The types of which something was written, or refused for another reason."""

    def refuse(self, kind: str, statuses: Sequence[int]) -> None:
        """End the run when all of a first batch was refused for want of rights.

        Raises:
            AccessRefused: of the step ``write``; a single answer that is refused later is the matter of its claim.
        """
        if not statuses or kind in self._may:
            return
        if not _BARRED.issuperset(statuses):
            self._may.add(kind)
            return
        problem = f"{self._server} refused every {kind} of a batch: it answered {statuses[0]}"
        raise AccessRefused(problem, f"check the scopes, or our rights there to write a {kind}", step=Step.WRITE)
