"""What a server holds of earlier answers, and what a dry run tells about writing new ones. Nothing is written.

The answer to a claim that stands is its ClaimResponse, or, where there is none or it was withdrawn, its
OperationOutcome: on the server where it stores them, else in the ledger.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.difference import difference
from adapter.answers.operation_outcome import fhir_id
from adapter.answers.withdrawal import was_withdrawn
from adapter.evidence.references import Json
from adapter.sinks.ledger import Ledger
from adapter.sinks.on_server import changed_elements
from adapter.sources.fhir_client import FhirClient, batched
from adapter.sources.refusals import Refused

MOST_IDS = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """A new answer, what would be done with it, and the ClaimResponse of ours that the server has for its claim."""

    answer: Answer
    written: Written
    current: Json | None

    @property
    def _withdraws(self) -> bool:
        """Whether an OperationOutcome takes the place of a ClaimResponse that stands."""
        return self.answer.response is None and self.current is not None and self.current.get("status") != "cancelled"

    @property
    def changes(self) -> bool:
        return self.written.action in (Action.CREATED, Action.UPDATED) or self._withdraws

    @property
    def may_follow_an_outcome(self) -> bool:
        """An outcome stands where no ClaimResponse does; that a new outcome has an earlier one, the sink has found."""
        if not self.changes or not self.answer.claim or self._withdraws:
            return False
        if self.answer.response is None:
            return self.written.action is Action.UPDATED
        return self.current is None or was_withdrawn(self.current)

    def compared(self, outcomes: Mapping[str, Json], base: str) -> Written:
        """What would be done, with what the answer says otherwise than the one that stands."""
        new = self.answer.response or self.answer.outcome
        if not self.changes or new is None:
            return self.written
        outcome = outcomes.get(self.answer.claim or "") if self.may_follow_an_outcome else None
        old = outcome or self.current
        elements = changed_elements(old, new, base) if old is not None else ()
        return replace(self.written, difference=difference(old, new, elements))


async def earlier_outcomes(
    client: FhirClient, ledger: Ledger, pairs: Sequence[Pair], stored: Callable[[], Awaitable[bool]]
) -> dict[str, Json]:
    """By claim: the OperationOutcomes that the answers would follow. ``stored`` tells whether the server takes them."""
    claims = [each.answer.claim for each in pairs if each.answer.claim and each.may_follow_an_outcome]
    if not claims:
        return {}
    if not await stored():
        return ledger.outcomes_of(client.base, claims)
    ids = {str(fhir_id(claim)): claim for claim in claims}
    found: dict[str, Json] = {}
    for some in batched(list(ids), MOST_IDS):
        found |= await _read(client, some)
    return {ids[id]: outcome for id, outcome in found.items() if id in ids}


async def _read(client: FhirClient, ids: Sequence[str]) -> dict[str, Json]:
    """Outcomes by their id, in one search; one by one from a server that cannot search for them."""
    try:
        pages = client.search("OperationOutcome", {"_id": ",".join(ids)})
        return {str(each.get("id")): each async for page in pages for each in page}
    except Refused:
        read = {id: await client.read("OperationOutcome", id) for id in ids}
        return {id: outcome for id, outcome in read.items() if outcome is not None}
