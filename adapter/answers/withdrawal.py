"""The earlier ClaimResponse of a claim that now gets an OperationOutcome: cancelled, so that nobody acts on it.

The claim was changed to something that cannot be processed; what was decided about its earlier version no longer holds.
"""

from __future__ import annotations

from datetime import datetime

from adapter.answers.answer import Answer
from adapter.answers.provenance import provenance
from adapter.evidence.references import Json

_WITHDRAWN = "Withdrawn:"


def withdrawal(claim: str, earlier: Json, instant: datetime) -> Answer | None:
    """The answer that takes an earlier one back, as it is where that was done; None when it was cancelled otherwise."""
    decided, response = instant.isoformat(timespec="seconds"), earlier
    if not was_withdrawn(earlier):
        if earlier.get("status") == "cancelled":
            return None
        words = f"{_WITHDRAWN} Claim/{claim} as it is now cannot be processed; see its OperationOutcome."
        response = cancelled(earlier, words) | {"created": decided}
    return Answer(claim, response, provenance(response, (), [f"Claim/{claim}"], decided))


def was_withdrawn(response: Json) -> bool:
    """Whether it was taken back because of an OperationOutcome, which then is the answer that stands."""
    return response.get("status") == "cancelled" and str(response.get("disposition")).startswith(_WITHDRAWN)


def cancelled(earlier: Json, words: str) -> Json:
    """A ClaimResponse that went out before, taken back; ``words`` say why."""
    kept = {name: value for name, value in earlier.items() if name not in ("meta", "text")}
    return kept | {"status": "cancelled", "disposition": words}
