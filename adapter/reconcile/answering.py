"""The kinds of answer that a claim gets: it is refused, decided, or voided because its sender cancelled it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapter.answers.answer import Answer
from adapter.answers.claim_response import Envelope, claim_response, response_id
from adapter.answers.forms import form_of
from adapter.answers.operation_outcome import fhir_id, nameless, operation_outcome
from adapter.answers.provenance import provenance
from adapter.answers.taken_over import LOST, payor, taken_over
from adapter.answers.withdrawal import cancelled
from adapter.coverage.finding import Determination
from adapter.errors import Issue
from adapter.evidence.gather import ClaimEvidence
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile.adjudicator import Adjudicator

TRUSTED = "Decided on resources whose structure was trusted and not validated (--trust-structure)."


@dataclass(slots=True)
class Answering:
    """Writes the answers to the claims of one store. ``instant`` is when the decisions are made."""

    adjudicator: Adjudicator
    store: EvidenceStore
    version_of: Callable[[Located], str]
    """The FHIR version of a resource, in whose form its answer is written."""
    instant: datetime

    def refused(self, claim: Located, issues: Sequence[Issue]) -> Answer:
        """An OperationOutcome, to a claim that could not be processed; each fault is told once."""
        distinct = list({(each.code, each.expression, each.where, each.text): each for each in issues}.values())
        id = fhir_id(claim.id) if claim.id else nameless(claim.place(), claim.entry)
        return Answer(claim.id, outcome=operation_outcome(distinct, id))

    def decided(
        self,
        evidence: ClaimEvidence,
        determination: Determination,
        used: Sequence[Located],
        passed_over: Sequence[Issue],
    ) -> Answer:
        """A ClaimResponse with its Provenance; ``used`` is all it rests on, ``passed_over`` what nobody read."""
        claim, store, instant = evidence.claim.located, self.store, self.instant.isoformat(timespec="seconds")
        envelope = Envelope(
            claim=claim.resource,
            identifier_system=self.adjudicator.identifier_system,
            patient=taken_over(claim.resource["patient"], claim, store) or {"display": LOST},
            insurer=taken_over(claim.resource.get("insurer"), claim, store) or payor(evidence, store),
            requestor=taken_over(claim.resource.get("provider"), claim, store),
            instant=instant,
            form=form_of(self.version_of(claim)),
            passed_over=passed_over,
        )
        response = claim_response(determination, envelope)
        trail = provenance(response, determination.policy_uris, _references(used, determination), instant)
        if self.adjudicator.trust_structure:
            trail |= {"activity": {"text": TRUSTED}}
        return Answer(claim.id, response, trail, determination=determination, passed_over=tuple(passed_over))

    def voided(self, claim: Located, before: Located) -> Answer:
        """The earlier answer, cancelled because the claim itself was (row 41)."""
        words = f"Voided: Claim/{claim.id} was cancelled by its sender."
        response = cancelled(before.resource, words) | {"id": response_id(str(claim.id))}
        instant = self.instant.isoformat(timespec="seconds")
        trail = provenance(response, (self.adjudicator.book.policies["common"].uri,), [claim.versioned], instant)
        return Answer(claim.id, response, trail)


def _references(used: Sequence[Located], determination: Determination) -> list[str]:
    """The versioned references of everything a decision rests on: the evidence, and what its findings read besides."""
    read = [each.versioned for each in used if each.container is None]
    origins = [value.origin for line in determination.lines for each in line.findings for value in each.used]
    besides = [each.resource for each in origins if each is not None and "#" not in each.resource]
    return list(dict.fromkeys([*read, *besides]))
