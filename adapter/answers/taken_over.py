"""References that an answer takes over from its claim, in a form that leads somewhere outside the claim's Bundle."""

from __future__ import annotations

import re
from typing import Any

from adapter.evidence.gather import ClaimEvidence
from adapter.evidence.references import Json, is_quotable
from adapter.evidence.store import EvidenceStore, Located

_ONLY_HERE = re.compile(r"urn:|#|.*\?")
"""``urn:uuid:...``, contained and conditional references: an answer that stands alone cannot follow them."""
LOST = "a reference of the claim that leads nowhere"


def taken_over(reference: Any, holder: Located, store: EvidenceStore) -> Json | None:
    """A reference as the answer can hold it; None when there is none.

    A contained resource of the claim goes along with its reference. What cannot be found keeps its identifier, if it
    has one, and else a word that says so: an answer never points at nothing. What is no address at all is not copied.
    """
    if not isinstance(reference, dict) or not reference:
        return None
    written = str(reference.get("reference", ""))
    if not _ONLY_HERE.match(written) and (not written or is_quotable(written)):
        return reference
    found = store.resolve(reference, holder)
    if found is not None and found.container is holder and found.id is not None:
        return reference
    if found is not None and found.container is None and found.id is not None:
        return {**reference, "reference": found.local}
    kept = {name: reference[name] for name in ("type", "identifier") if name in reference}
    return kept if "identifier" in kept else {**kept, "display": LOST}


def payor(evidence: ClaimEvidence, store: EvidenceStore) -> Json:
    """The payor of the first coverage that names one: a ClaimResponse needs an insurer."""
    for each in evidence.insurances:
        if each.coverage is not None and (payors := each.coverage.many("payors")):
            found = taken_over(payors[0].value, each.coverage.located, store) or {"display": LOST}
            inside = str(found.get("reference", "")).startswith("#")
            return {"display": "the payor contained in the coverage"} if inside else found
    return {"display": "not named on the claim"}
