"""Which changes ``--watch`` has done with, so that the overlap of its runs costs no decision again and again.

A change that a complete run has seen was there before the next run began. Whatever that run decides rests on it, and it
decides all claims that the change concerns: what two complete runs have seen is done with. One sight is not enough. A
server may show a change after the claim was decided without it, and a claim is decided once in a run.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from adapter.evidence.references import Json

MOST_SETTLED = 200_000
"""Changes that are remembered; of more, those heard of first are gone through as if they were new."""
ENOUGH = 2
"""Complete runs that have seen a change."""


@dataclass
class Settled:
    """The memory of one process, for one server and one set of rules."""

    _runs: dict[int, int] = field(default_factory=dict)
    """How many complete runs have seen a change, ..."""
    _seen: dict[int, None] = field(default_factory=dict)
    """... and the changes that the run under way has seen."""

    def begin(self) -> None:
        """A run begins; what one saw that was not complete is as if nobody had seen it."""
        self._seen.clear()

    def is_done(self, change: Hashable | None) -> bool:
        """Whether nothing is left to do for a change, which counts as seen; never for one that has no name."""
        if change is None:
            return False
        name = hash(change)
        self._seen[name] = None
        return self._runs.get(name, 0) >= ENOUGH

    def finish(self) -> None:
        """The run left nothing unanswered."""
        for name in self._seen:
            self._runs[name] = min(self._runs.pop(name, 0) + 1, ENOUGH)
        for name in list(self._runs)[: max(len(self._runs) - MOST_SETTLED, 0)]:
            del self._runs[name]
        self._seen.clear()


def version_of(resource: Json) -> Hashable | None:
    """What tells a version of a resource from every other; None where the server does not say."""
    meta = resource.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    version, updated = meta.get("versionId"), meta.get("lastUpdated")
    if version is None and updated is None:
        return None
    return str(resource["resourceType"]), str(resource.get("id")), str(version), str(updated)
