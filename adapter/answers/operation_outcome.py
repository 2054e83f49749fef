"""The OperationOutcome for a message that could not be processed; https://hl7.org/fhir/R4/operationoutcome.html.

The elements used are the same in R5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from adapter.errors import Issue
from adapter.evidence.references import Json

UNREADABLE = "unreadable-"
"""How the id of an outcome begins that is about no claim, ..."""
NAMELESS = "nameless-"
"""... and of one that is about a claim without an id."""


def operation_outcome(issues: Iterable[Issue], id: str | None = None) -> Json:
    """Every issue, each with its code, a sentence, the FHIRPath and the file and line (or resource) it stands in."""
    outcome: Json = {"resourceType": "OperationOutcome", "issue": [_issue(each) for each in issues]}
    return {"resourceType": outcome.pop("resourceType"), **({"id": id} if id else {}), **outcome}


def fhir_id(id: str | None) -> str | None:
    """The id itself where FHIR allows it, else one derived from it."""
    if not id:
        return None
    return id if re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", id) else f"claim-{sha256(id.encode()).hexdigest()[:24]}"


def nameless(place: str, entry: str | None = None) -> str:
    """The id for the outcome of a claim without one, at that place; of the many on one line, that entry."""
    return f"{NAMELESS}{sha256(f'{place} {entry}'.encode() if entry else place.encode()).hexdigest()[:24]}"


def is_nameless(outcome: Json) -> bool:
    """Whether an outcome of ours is about a claim without an id."""
    return str(outcome.get("id")).startswith(NAMELESS)


def _issue(issue: Issue) -> Json:
    element: Json = {"severity": issue.severity, "code": issue.code, "details": {"text": issue.text}}
    if issue.where:
        element["diagnostics"] = issue.where
    if issue.expression:
        element["expression"] = [issue.expression]
    return element
