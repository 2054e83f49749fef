"""What is told about a claim: why it is there, and the answer that the contract asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fixtures_build.resources import Visit

Decision = Literal["APPROVE", "DENY", "PEND", "REVIEW", "REJECT"]


@dataclass(frozen=True, slots=True)
class Line:
    """The answer to one claim line; `carc` are the claim adjustment reason codes that must be given."""

    decision: Decision
    carc: tuple[str, ...] = ()

    @property
    def expected(self) -> dict[str, Any]:
        return {"decision": self.decision, "carc": list(self.carc)}


@dataclass(frozen=True, slots=True)
class Unprocessable:
    """No answer but an OperationOutcome with an issue of this code."""

    issue: str


APPROVE, PEND, REVIEW = Line("APPROVE"), Line("PEND", ("252",)), Line("REVIEW", ("133",))


def deny(carc: str) -> Line:
    return Line("DENY", (carc,))


def reject(carc: str = "16") -> Line:
    return Line("REJECT", (carc,))


@dataclass(frozen=True, slots=True)
class Story:
    """A visit, why it is told, and the answer to each of its lines; None where the contract leaves a line open."""

    why: str
    visit: Visit
    lines: tuple[Line | None, ...] = ()
    refused: Unprocessable | None = None

    @property
    def expected(self) -> dict[str, Any]:
        if self.refused:
            return {"story": self.why, "outcome": "operation-outcome", "issue": self.refused.issue, "lines": {}}
        told = {str(n): each.expected for n, each in enumerate(self.lines, 1) if each}
        return {"story": self.why, "outcome": outcome(self.lines), "lines": told}


def outcome(lines: tuple[Line | None, ...]) -> str:
    """ClaimResponse.outcome: error when a line is rejected, partial when one is open."""
    decisions = {line.decision for line in lines if line}
    if "REJECT" in decisions:
        return "error"
    return "partial" if decisions & {"PEND", "REVIEW"} else "complete"


def told(why: str, visit: Visit, *answer: Line | Unprocessable | None) -> Story:
    refused = next((each for each in answer if isinstance(each, Unprocessable)), None)
    return Story(why, visit, tuple(each for each in answer if not isinstance(each, Unprocessable)), refused)
