"""From hints to answers on the server: the work that the worker is given, on one connection to the FHIR server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from adapter.errors import SourceError, raised_at
from adapter.evidence.store import Located
from adapter.notifications.model import ANYTHING
from adapter.receiver.worker import ServerAway
from adapter.sinks.ledger import Ledger
from adapter.sources.dependents import Dependents, NoTimes
from adapter.sources.fhir_client import FhirClient, batched
from adapter.sync import Reconciler, Report

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
        self._swept: str | None = None
        if ledger.checkpoint(client.base, CHECKPOINT) is None:
            self._save(datetime.now(UTC) - FIRST_OVERLAP)

    async def reconcile(self, hints: Sequence[str]) -> dict[str, str]:
        """Decide the claims that depend on what changed; returns each hint that stayed undone, with the reason.

        Raises:
            ServerAway: the FHIR server cannot be asked.
        """
        if self._swept is not None:  # what the last sweep left undone is in the inbox by now
            self._ledger.set_checkpoint(self._client.base, CHECKPOINT, self._swept)
        try:
            reconciler = await self._reconciler()
        except SourceError as error:
            raise ServerAway(str(error)) from error
        try:
            claims = await self._claims(Dependents(reconciler.source), hints)
        except Exception as error:  # noqa: BLE001 - one hint that trips us must not hold up the others
            return dict.fromkeys(hints, await self._reason(error))
        undone: dict[str, str] = {}
        for some in batched(claims, self._chunk_size):
            undone |= await self._decide(reconciler, some)
        return undone

    async def _claims(self, dependents: Dependents, hints: Sequence[str]) -> list[Located]:
        found = await dependents.claims(each for each in hints if each != ANYTHING)
        if ANYTHING in hints:
            found += await self._swept_claims(dependents)
        return list({each.key: each for each in found}.values())

    async def _swept_claims(self, dependents: Dependents) -> list[Located]:
        """The claims concerned by whatever changed since the last time that this was asked."""
        now, since = self._client.server_time, self._ledger.checkpoint(self._client.base, CHECKPOINT)
        try:
            found = await dependents.claims_of(await dependents.changed_since(str(since)))
        except NoTimes:
            found = await dependents.every_claim()
        if now is not None:
            self._swept = (now - OVERLAP).isoformat(timespec="seconds")
        return found

    async def _decide(self, reconciler: Reconciler, claims: Sequence[Located]) -> dict[str, str]:
        report = Report()
        try:
            await reconciler.reconcile(claims, report, lambda _what, _done: None)
        except Exception as error:  # noqa: BLE001 - as above: each claim of the chunk gets its own attempt
            return dict.fromkeys((each.local for each in claims), await self._reason(error))
        return {f"Claim/{each.claim}": each.problem for each in report.unanswered}

    async def _reason(self, error: Exception) -> str:
        """Why something failed, for the list of failures.

        Raises:
            ServerAway: because the server answers nothing at all, so that nobody's claim is to blame.
        """
        if not isinstance(error, SourceError):
            return f"internal error, please report it: {raised_at(error)}"
        try:
            async for _page in self._client.search("Claim", {"_count": "1"}):
                break
        except SourceError as away:
            raise ServerAway(str(away)) from away
        return str(error)

    def _save(self, instant: datetime) -> None:
        self._ledger.set_checkpoint(self._client.base, CHECKPOINT, instant.isoformat(timespec="seconds"))
