"""From hints to answers on the server: the work that the worker is given, on one connection to the FHIR server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from adapter.errors import AuditError, SourceError, raised_at
from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.notifications.model import ANYTHING
from adapter.receiver.work.sweep import Sweep
from adapter.receiver.work.worker import ServerAway
from adapter.reconcile.reconciliation import Unanswered
from adapter.sinks.ledger import Ledger
from adapter.sources.dependents import Dependents, NoTimes
from adapter.sources.fhir_client import FhirClient, batched
from adapter.sources.refusals import Overloaded, Refused
from adapter.sync.halving import by_halves, ensure_there
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Report

CHECKPOINT = "changes"
OVERLAP = timedelta(seconds=30)
"""What is read again when a sender does not say what changed: servers index with a delay."""
FIRST_OVERLAP = timedelta(minutes=5)
"""As above at the very first start, when only our own clock is known."""


class Answering:
    """Brings answers up to date; ``reconciler`` makes what does it, as of now, for the server of the client."""

    def __init__(
        self, client: FhirClient, ledger: Ledger, reconciler: Callable[[], Awaitable[Reconciler]], chunk_size: int
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._reconciler = reconciler
        self._chunk_size = chunk_size
        self._sweep = Sweep()
        self._faltered = False
        """Whether the wire broke since the last work that came to its end."""
        if ledger.checkpoint(client.base, CHECKPOINT) is None:
            self._save(datetime.now(UTC) - FIRST_OVERLAP)

    async def reconcile(self, hints: Sequence[str]) -> dict[str, str]:
        """Decide the claims that depend on what changed; returns each hint that stayed undone, with the reason.

        Raises:
            ServerAway: the FHIR server cannot be asked.
        """
        if (done := self._sweep.begin()) is not None:  # what was left undone is in the inbox by now
            self._ledger.set_checkpoint(self._client.base, CHECKPOINT, done)
        try:
            reconciler = await self._reconciler()
        except SourceError as error:
            raise ServerAway(str(error)) from error
        claims, undone = await self._found(Dependents(reconciler.source), hints)
        reconciler.witness.left(_claims_among(undone))
        for some in batched(claims, self._chunk_size):
            undone |= await self._decide(reconciler, some)
        self._faltered = False
        self._sweep.finish()
        return undone

    async def _found(self, dependents: Dependents, hints: Sequence[str]) -> tuple[list[Located], dict[str, str]]:
        """The claims concerned, and the hints that trip us; halving finds those, so that they hold up no others."""
        found, spoilt = await by_halves(hints, lambda some: self._claims(dependents, some), self._reason)
        return list({each.key: each for claims in found for each in claims}.values()), dict(spoilt)

    async def _claims(self, dependents: Dependents, hints: Sequence[str]) -> list[Located]:
        found = await dependents.claims(each for each in hints if each != ANYTHING)
        if ANYTHING in hints:
            found += await self._swept_claims(dependents)
        return list({each.key: each for each in found}.values())

    async def _swept_claims(self, dependents: Dependents) -> list[Located]:
        """The claims concerned by whatever changed since the last time that this was asked."""
        now, since = await self._client.ask_time(), self._ledger.checkpoint(self._client.base, CHECKPOINT)
        try:
            changed = {_version(each): each for each in await dependents.changed_since(str(since))}
            gone = await dependents.deleted_since(str(since))
            fresh = self._sweep.fresh(changed)
            found = await dependents.claims_of([each for name, each in changed.items() if name in fresh], gone)
        except NoTimes:
            found = await dependents.every_claim()
        if now is not None:
            self._sweep.reach((now - OVERLAP).isoformat(timespec="seconds"))
        return found

    async def _decide(self, reconciler: Reconciler, claims: Sequence[Located]) -> dict[str, str]:
        async def undone(some: Sequence[Located]) -> dict[str, str]:
            report = Report()
            await reconciler.reconcile(some, report, lambda *_: None)
            return {f"Claim/{each.claim}": each.problem for each in report.unanswered}

        decided, spoilt = await by_halves(claims, undone, self._reason)
        unanswered = {name: why for each in decided for name, why in each.items()}
        alone = {claim.local: why for claim, why in spoilt}
        reconciler.witness.left(_claims_among(alone))
        return unanswered | alone

    async def _reason(self, error: Exception) -> str:
        """Why something failed, for the list of failures.

        Raises:
            ServerAway: because the server answers nothing at all, so that nobody's claim is to blame. It may also have
                been away until now: that a claim breaks the wire is only believed the second time.
        """
        if isinstance(error, AuditError | Overloaded):  # nobody's claim is to blame, and nothing may be done without
            raise ServerAway(str(error)) from error
        if not isinstance(error, SourceError):
            return f"internal error, please report it: {raised_at(error)}"
        try:
            await ensure_there(self._client)
        except SourceError as away:
            raise ServerAway(str(away)) from away
        if not isinstance(error, Refused) and not self._faltered:
            self._faltered = True
            raise ServerAway(str(error)) from error
        return str(error)

    def _save(self, instant: datetime) -> None:
        self._ledger.set_checkpoint(self._client.base, CHECKPOINT, instant.isoformat(timespec="seconds"))


def _claims_among(undone: Mapping[str, str]) -> list[Unanswered]:
    """Those of what stayed undone that are claims; evidence that could not be asked about may concern any."""
    return [Unanswered(hint.partition("/")[2], why) for hint, why in undone.items() if hint.startswith("Claim/")]


def _version(resource: Json) -> str:
    """What tells a version of a resource from every other; a server may leave out either."""
    meta = resource.get("meta") or {}
    return f"{resource['resourceType']}/{resource['id']} {meta.get('versionId')} {meta.get('lastUpdated')}"
