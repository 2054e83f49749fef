"""What goes back for one message: a ClaimResponse with its Provenance, or an OperationOutcome."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from adapter.answers.difference import Difference
from adapter.answers.operation_outcome import is_nameless
from adapter.coverage.finding import Determination
from adapter.errors import Issue
from adapter.evidence.references import Json
from adapter.values import value


@value(frozen=True, slots=True)
class Answer:
    """One answer. ``claim`` is the Claim's id, None of a claim without one and of input in which none was recognised.

    ``response`` and ``provenance`` come together; ``outcome`` stands alone. The ``Provenance.target`` is
    ``ClaimResponse/<response.id>``; a server sink replaces it by the version that the server assigned.
    """

    claim: str | None
    response: Json | None = None
    provenance: Json | None = None
    outcome: Json | None = None
    determination: Determination | None = None
    passed_over: tuple[Issue, ...] = ()
    """Warnings on the claim and its evidence: elements that FHIR does not know, and nobody read."""

    @property
    def to_a_claim(self) -> bool:
        """Whether it answers a claim, if only one without an id."""
        return self.claim is not None or is_nameless(self.outcome or {})


class Action(StrEnum):
    """What became of an answer."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    REMOVED = "removed"
    """Only in files, which a run writes anew: nothing takes the place of an answer that was there."""


@value(frozen=True, slots=True)
class Written:
    """What a sink did (or, in a dry run, would do) with the answer to one claim; ``problem`` explains a failure.

    ``difference`` is for dry runs: what the answer says otherwise than the one that is there; None where both say the
    same.
    """

    claim: str | None
    action: Action
    problem: str = ""
    difference: Difference | None = None
    targets: tuple[str, ...] = field(default=(), compare=False)
    """Versioned references of what was written for it, as far as the server told them."""
    unfinished: bool = field(default=False, compare=False)
    """The answer stands, and what belongs beside it does not: the next run has to come back to it."""
