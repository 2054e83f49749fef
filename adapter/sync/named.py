"""Claims read by their ids; one that the server cannot send costs no other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from adapter.evidence.references import Json
from adapter.reconcile.reconciliation import Unanswered
from adapter.sources.fhir_client import batched
from adapter.sources.hunt import MOST_VALUES
from adapter.sources.server import ServerSource
from adapter.sync.halving import by_halves
from adapter.sync.spoilt import Blame


@dataclass
class Named:
    """Reads claims of a source; ``unanswered`` are those that it could not."""

    source: ServerSource
    unanswered: list[Unanswered] = field(default_factory=list)

    async def pages(self, ids: Sequence[str]) -> AsyncIterator[list[Json]]:
        """The claims of these ids that are there, each once.

        Raises:
            SourceError: no claim is to blame, as ``Blame`` has it.
        """
        blame = Blame(self.source.client)

        async def read(some: Sequence[str]) -> list[Json]:
            found = [each async for page in self.source.named(some) for each in page]
            blame.went_well()
            return found

        for some in batched(sorted(set(ids)), MOST_VALUES):
            pages, spoilt = await by_halves(some, read, blame.reason)
            self.unanswered += [Unanswered(id, why) for id, why in spoilt]
            for page in pages:
                yield page
