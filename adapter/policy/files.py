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


class PolicyFile(Strict):
    """What a policy is. ``extends`` names the policy whose rules it takes over; its own files replace theirs."""

    policy: str
    title: Sentence
    uri: Sentence
    version: Sentence
    effective: date
    next_review: date | None = None
    extends: str | None = None
    decides: bool
    document: Sentence
    note: str = ""
