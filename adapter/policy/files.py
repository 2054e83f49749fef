"""The form of the policy files under ``mappings/policies/<policy>/``.

``policy.yaml`` says what the policy is; every other file is one rule: the dated values it looks up, each with its
reference, and what follows when it fails. ``mappings/README.md`` explains both to a policy owner.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from adapter.mapping.day import Day
from adapter.mapping.files import Strict

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Statement = Annotated[str, StringConstraints(pattern=r"^S(0[1-9]|[1-3][0-9]|4[0-7])$")]
"""A numbered statement of the two source documents."""
Row = Annotated[int, Field(ge=1, le=96)]
"""A row of the table of edge cases."""
State = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""A state as the postal service writes it."""


class Reference(Strict):
    """Where a value or rule is written: a document, and the section in it.

    ``by_code`` names another place for the service codes that the document is not about.
    """

    document: Sentence
    section: Sentence
    by_code: dict[str, Reference] = {}

    def of(self, code: str | None) -> Reference:
        """Where it is written for a service code."""
        return self.by_code.get(code or "", self)


class DatedValue(Strict):
    """A value from a date of service on, until the next one."""

    effective: Day
    value: Any
    reference: Reference
    reason: Sentence


class Series(Strict):
    """One concern of a policy through time."""

    description: Sentence
    unit: str | None = None
    dated: list[DatedValue] = Field(min_length=1)


class Outcome(Strict):
    """What follows from one way a rule can end."""

    decision: Literal["APPROVE", "WARN", "REVIEW", "PEND", "DENY", "REJECT"]
    carc: list[str] = []
    rarc: list[str] = []
    fix: str = ""


class RuleFile(Strict):
    """One rule of a policy.

    ``kind``: form and eligibility findings bind whoever pays; coverage findings bind only where a policy is in force,
    unless ``binding``. ``about``: whether a finding concerns the line or the claim as a whole.
    """

    rule: str
    description: Sentence
    statements: list[Statement] = []
    rows: list[Row] = []
    kind: Literal["form", "eligibility", "coverage"]
    about: Literal["line", "claim"] = "line"
    binding: bool = False
    applies_to: list[str] = []
    reference: Reference
    values: dict[str, Series] = {}
    outcomes: dict[str, Outcome] = {}


class Overlay(Strict):
    """Which claims an overlay lies on: of a payer, of certain plans (Coverage.class), or served in certain states."""

    payer: str | None = None
    plans: list[str] = []
    states: list[State] = []
    over_plan: bool = False
    """A state's rules that beat the plan document, where the law says so."""


class PolicyFile(Strict):
    """What a policy is. ``extends`` names the policy whose rules it takes over; ``overlay`` the claims it lies on.

    Its own files count before those of the same name below it, value by value and outcome by outcome. After
    ``end`` it says nothing more; past ``next_review`` it still does.
    """

    policy: str
    title: Sentence
    uri: Sentence
    version: Sentence
    effective: Day
    end: Day | None = None
    next_review: Day | None = None
    extends: str | None = None
    overlay: Overlay | None = None
    decides: bool
    document: Sentence
    documents: list[Sentence] = []
    """Other documents that its references cite."""
    note: str = ""

    @property
    def rank(self) -> int:
        """Order in which overlays are laid on: states, plans, states that beat the plan."""
        if self.overlay is None or self.overlay.plans:
            return 1
        return 2 if self.overlay.over_plan else 0


class StatementFile(Strict):
    """How a statement that no rule checks is accounted for."""

    account: Literal["not checked", "not checkable from a claim", "parameter"] = Field(alias="as")
    why: Sentence


class StatementsFile(Strict):
    statements: dict[Statement, StatementFile]
