"""What FHIR versions write differently in a ClaimResponse: everything else is the same in all of them.

https://hl7.org/fhir/R5/claimresponse.html has elements of its own for decisions; R4 and R4B take them as the extensions
that the specification defines for this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from adapter.answers import systems
from adapter.evidence.references import Json
from adapter.fhir.version import R4, R5, READ_AS


class Form(Protocol):
    """How one version writes decisions and notes."""

    def claim_decision(self, decision: Json) -> Json:
        """The elements that hold the decision on the claim, a CodeableConcept."""

    def line_decision(self, decision: Json) -> Json:
        """The elements that hold the decision on a line."""

    def note_type(self) -> str | Json:
        """The type of a note that is to be shown."""


@dataclass(frozen=True, slots=True)
class Extensions:
    """R4 and R4B: decisions stand in extensions."""

    def claim_decision(self, decision: Json) -> Json:
        return {"extension": [{"url": systems.DECISION_EXTENSION, "valueCodeableConcept": decision}]}

    def line_decision(self, decision: Json) -> Json:
        inner = {"url": "decision", "valueCodeableConcept": decision}
        return {"extension": [{"url": systems.REVIEW_OUTCOME_EXTENSION, "extension": [inner]}]}

    def note_type(self) -> str | Json:
        return "display"


@dataclass(frozen=True, slots=True)
class Elements:
    """R5: decisions stand in elements of their own."""

    def claim_decision(self, decision: Json) -> Json:
        return {"decision": decision}

    def line_decision(self, decision: Json) -> Json:
        return {"reviewOutcome": {"decision": decision}}

    def note_type(self) -> str | Json:
        return {"coding": [{"system": systems.NOTE_TYPE, "code": "display"}]}


_FORMS: dict[str, Form] = {R4: Extensions(), R5: Elements()}


def form_of(version: str) -> Form:
    """The form of answers to claims of a version."""
    return _FORMS[READ_AS[version]]
