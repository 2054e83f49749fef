"""Decides what was submitted, by the very path of ``sync``, and stores nothing.

What was sent is completed by what the configured server has. Without that server nothing is decided: a decision on less
evidence could be another one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from adapter.answers.answer import Answer
from adapter.answers.operation_outcome import fhir_id, operation_outcome
from adapter.errors import AuditError, Issue, SourceError
from adapter.evidence.references import Json
from adapter.evidence.store import EvidenceStore, Located
from adapter.limits import Limits
from adapter.logs import events
from adapter.receiver.refusal import Refusal
from adapter.receiver.submit.submission import Submission, read_submission
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import decide

log = events.logger(__name__)

DECIDED_AT_ONCE = 2
"""Submissions that are read or decided at the same time; others wait for their turn."""
LONGEST_GATHERING = 60.0
"""Seconds that the configured server may take to answer everything that is asked about one submission."""
RETRY_SECONDS = 30.0

Answered = tuple[int, Json]
"""An HTTP status and the resource that goes with it."""


class Submitting:
    """Answers submissions; ``reconciler`` makes what decides, as of now. Not for threads: it belongs to one loop."""

    def __init__(
        self, reconciler: Callable[[], Awaitable[Reconciler]], base: str, limits: Limits, most_claims: int
    ) -> None:
        self._reconciler = reconciler
        self._base = base
        self._limits = limits
        self._most_claims = most_claims
        self._deciders = CapacityLimiter(DECIDED_AT_ONCE)

    async def answer(self, body: bytes) -> Answered:
        """The answer to a body: 200 with what was decided, 422 or 500 where nothing could be.

        Raises:
            Refusal: what was sent cannot be read, or the server that has the rest of the evidence is away (503).
        """
        submission = await run_sync(self._read, body, limiter=self._deciders)
        reconciler, store = await self._gathered(submission)
        return await run_sync(_decided, submission, reconciler, store, limiter=self._deciders)

    def _read(self, body: bytes) -> Submission:
        return read_submission(body, self._base, self._limits, most_claims=self._most_claims)

    async def _gathered(self, submission: Submission) -> tuple[Reconciler, EvidenceStore]:
        """All the evidence that ``sync`` would have, had the submission been put on the server."""
        try:
            async with asyncio.timeout(LONGEST_GATHERING):
                reconciler = await self._reconciler()
                claims = [each for each in submission.claims if reconciler.adjudicator.in_scope(each)]
                store = await reconciler.source.gather(claims, submission.sent) if claims else EvidenceStore()
                return reconciler, store
        except (SourceError, TimeoutError) as error:
            log.warning("submission.not_decided", what="the FHIR server cannot be asked", failed=error)
            problem = (
                "the FHIR server that has the rest of the evidence cannot be asked; nothing was decided, try again"
            )
            raise Refusal(503, (Issue("transient", problem),), RETRY_SECONDS) from error


def _decided(submission: Submission, reconciler: Reconciler, store: EvidenceStore) -> Answered:
    adjudicator = reconciler.adjudicator
    due = [each for each in submission.claims if adjudicator.in_scope(each)]
    answers, undecided = decide(due, store, adjudicator, reconciler.instant)
    try:
        reconciler.witness.read(due, store)
        reconciler.witness.decided(answers, undecided)
    except AuditError as error:
        log.error("submission.not_answered", what="the audit cannot be written", failed=error)
        raise Refusal(503, (Issue("transient", "the audit cannot be written; try again"),), RETRY_SECONDS) from error
    return answered(_each(submission.claims, due, answers, f"it bills none of {', '.join(adjudicator.mappings.scope)}"))


def _each(claims: Iterable[Located], due: Sequence[Located], given: Sequence[Answer], beyond: str) -> list[Answered]:
    """What became of each claim, in their order."""
    answers = defaultdict[str | None, deque[Json]](deque)
    for each in given:
        answers[each.claim].append(each.response or each.outcome or {})
    return [_one(each, answers[each.id]) if each in due else _out_of_scope(each, beyond) for each in claims]


def _one(claim: Located, answers: deque[Json]) -> Answered:
    if not answers:
        crash = Issue("exception", "the claim is undecided: internal error", "Claim", claim.place())
        return 500, operation_outcome([crash], fhir_id(claim.id))
    answer = answers.popleft()
    return 422 if answer["resourceType"] == "OperationOutcome" else 200, answer


def _out_of_scope(claim: Located, why: str) -> Answered:
    issue = Issue("not-supported", f"the claim is out of scope: {why}", "Claim.item", claim.place("Claim.item"))
    return 422, operation_outcome([issue], fhir_id(claim.id))


def answered(each: Sequence[Answered]) -> Answered:
    """One answer to all claims: of one claim its own; of several a Bundle, unless none of them was decided."""
    if len(each) == 1:
        return each[0]
    if any(status == 200 for status, _ in each):
        entries = [{"resource": resource} for _, resource in each]
        return 200, {"resourceType": "Bundle", "type": "collection", "entry": entries}
    issues = [issue for _, resource in each for issue in resource["issue"]]
    return max(status for status, _ in each), {"resourceType": "OperationOutcome", "issue": issues}
