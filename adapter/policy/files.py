"""The form of the policy files under ``mappings/policies/<policy>/``.

``policy.yaml`` says what the policy is; every other file is one rule: the dated values it looks up, each with its
reference, and what follows when it fails. ``mappings/README.md`` explains both to a policy owner.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from adapter.mapping.files import Strict

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Reference(Strict):
    """Where a value or rule is written: a document, and the section in it."""

    document: Sentence
    section: Sentence


class DatedValue(Strict):
    """A value from a date of service on, until the next one."""

    effective: date
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
    statements: list[str] = []
    rows: list[int | str] = []
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
    states: list[str] = []
    over_plan: bool = False
    """A state's rules that beat the plan document, where the law says so."""


class PolicyFile(Strict):
    """What a policy is. ``extends`` names the policy whose rules it takes over; ``overlay`` the claims it lies on.

    Its own files replace those of the same name below it, value by value and outcome by outcome.
    """

    policy: str
    title: Sentence
    uri: Sentence
    version: Sentence
    effective: date
    end: date | None = None
    next_review: date | None = None
    extends: str | None = None
    overlay: Overlay | None = None
    decides: bool
    document: Sentence
    note: str = ""

    @property
    def rank(self) -> int:
        """Order in which overlays are laid on: states, plans, states that beat the plan."""
        if self.overlay is None or self.overlay.plans:
            return 1
        return 2 if self.overlay.over_plan else 0
