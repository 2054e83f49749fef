"""One record that a server cannot serve, or will not take, costs the answer to its claim and to no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapter.evidence.store import Located
from adapter.reconcile.reconciliation import Unanswered
from adapter.sources.fhir_client import FhirClient
from adapter.sources.refusals import Refused, Unserved
from adapter.sync.halving import by_halves, ensure_there
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report

MOST_IN_VAIN = 40
"""Faults in a row, before a first claim was answered, after which it is the server that is to blame."""


@dataclass
class Blame:
    """Finds out whether a fault is the matter of one record, or of the server."""

    client: FhirClient
    _in_vain: int = 0
    _any_went_well: bool = False

    def went_well(self) -> None:
        """Something was served: the server is not to blame for what is not."""
        self._any_went_well = True

    async def reason(self, error: Exception) -> str:
        """Why a record cannot be had, in words.

        Raises:
            SourceError: none is to blame: we have no access, nothing can be reached, or nothing goes well.
        """
        if not isinstance(error, Refused | Unserved):
            raise error
        await ensure_there(self.client)
        self._in_vain += 1
        if not self._any_went_well and self._in_vain >= MOST_IN_VAIN:
            raise error
        return str(error)


@dataclass
class Sparing:
    """Reconciles claims together, and where that fails in halves, down to the claim that is to blame."""

    reconciler: Reconciler
    _blame: Blame = field(init=False)

    def __post_init__(self) -> None:
        self._blame = Blame(self.reconciler.source.client)

    async def reconcile(self, claims: Sequence[Located], tell: Progress = lambda *_: None) -> Report:
        """What became of the claims; of an attempt that failed nothing is counted.

        Raises:
            SourceError: no claim is to blame: we have no access, nothing can be reached, or nothing goes well.
        """

        async def attempt(some: Sequence[Located]) -> Report:
            part = Report()
            await self.reconciler.reconcile(some, part, tell)
            self._blame.went_well()
            return part

        parts, spoilt = await by_halves(claims, attempt, self._blame.reason)
        report = Report()
        for each in parts:
            report.absorb(each)
        left = [Unanswered(claim.id, why) for claim, why in spoilt]
        self.reconciler.witness.left(left)
        report.unanswered += left
        return report
