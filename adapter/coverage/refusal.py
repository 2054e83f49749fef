"""Claims that cannot be processed at all: what is answered by an OperationOutcome, before any rule is asked.

Every reason is listed. Rows 35, 40 to 42, 44 and 56 of tests/table.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapter.errors import Issue
from adapter.session.model import ClaimFacts, PriorService, Settlement

STATUSES = frozenset({"active", "cancelled", "draft", "entered-in-error"})
"""https://hl7.org/fhir/R4/valueset-fm-status.html"""
USES = frozenset({"claim", "preauthorization", "predetermination"})
"""https://hl7.org/fhir/R4/valueset-claim-use.html"""


def refusals(claim: ClaimFacts, history: tuple[PriorService, ...], answered_before: bool) -> Iterator[Issue]:
    """Why a claim cannot be processed; nothing when it can.

    Args:
        answered_before: an earlier answer of ours to this claim exists, which a cancelled claim voids.
    """
    where = claim.origin.resource
    status, use = claim.status.value if claim.status else None, claim.use.value if claim.use else None
    if status == "cancelled":
        if not answered_before:
            yield Issue("not-found", "cancels a claim that was never answered here", "Claim.status", where)
    elif status != "active":
        yield Issue(
            "business-rule",
            f"Claim.status is {_named(status, STATUSES)}: only an active claim is submitted",
            "Claim.status",
            where,
        )
    if use != "claim":
        yield Issue(
            "not-supported",
            f"Claim.use is {_named(use, USES)}: only claims for payment are decided",
            "Claim.use",
            where,
        )
    focal = [each for each in claim.coverages if each.focal is not None and each.focal.value]
    if len(claim.coverages) > 1 and len(focal) != 1:
        words = f"{len(focal)} of {len(claim.coverages)} insurances are focal: exactly one must be"
        yield Issue("business-rule", words, "Claim.insurance.focal", where)
    if claim.patient is None:
        yield Issue("required", "Claim.patient names nobody", "Claim.patient", where)
    if repeated := sorted({each for each in claim.sequences if claim.sequences.count(each) > 1}):
        words = f"line numbers {', '.join(map(str, repeated))} stand twice: an answer could not tell the lines apart"
        yield Issue("business-rule", words, "Claim.item.sequence", where)
    yield from _same_identifier(claim, history)


def _same_identifier(claim: ClaimFacts, history: tuple[PriorService, ...]) -> Iterator[Issue]:
    """Another claim with this identifier came first and is still open."""
    own = {each.value for each in claim.identifiers}
    for other in history:
        if other.tied:
            continue  # a replacement may keep the number of what it replaces
        if other.earlier and own & set(other.identifiers) and other.settlement is Settlement.OPEN:
            words = f"{other.claim} has the same identifier and is still open"
            yield Issue("duplicate", words, "Claim.identifier", claim.origin.resource)
            return


def _named(code: str | None, known: frozenset[str]) -> str:
    """A code of FHIR; anything else may be a name that stands in the wrong place, and is not repeated."""
    if code is None:
        return "absent"
    return code if code in known else "no code of FHIR"
