"""The earlier ClaimResponse of a claim that now gets an OperationOutcome: cancelled, so that nobody acts on it.

The claim was changed to something that cannot be processed; what was decided about its earlier version no longer holds.
"""

from __future__ import annotations

from datetime import datetime

from adapter.answers.answer import Answer
from adapter.answers.provenance import provenance
from adapter.evidence.references import Json


def withdrawal(claim: str, earlier: Json, instant: datetime) -> Answer | None:
    """The answer that takes an earlier one back; None when it does not stand any more."""
    if earlier.get("status") == "cancelled":
        return None
    words = f"Withdrawn: Claim/{claim} as it is now cannot be processed; see its OperationOutcome."
    response = {name: value for name, value in earlier.items() if name not in ("meta", "text")}
    response |= {"status": "cancelled", "disposition": words}
    trail = provenance(response, (), [f"Claim/{claim}"], instant.isoformat(timespec="seconds"))
    return Answer(claim, response, {name: value for name, value in trail.items() if name != "policy"})
