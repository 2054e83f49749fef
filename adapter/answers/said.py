"""What an answer that went out says, as plain values: from a ClaimResponse in either form, or an OperationOutcome.

Only what our own answers are made of is read: decisions, codes, amounts, and the rules and policies our notes name.
Somebody else may have edited an answer on a server, so a word or code that is none of ours reads as ``OTHER``, and free
text is never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from adapter.answers import systems
from adapter.evidence.references import Json, objects

OTHER = "OTHER"
"""Something that no answer of ours says."""
STATUS = frozenset({"active", "cancelled", "draft", "entered-in-error"})
OUTCOME = frozenset({"queued", "complete", "error", "partial"})
DECISION = frozenset({"approved", "denied", "partial", "pending"})

_CODE = re.compile(r"[A-Z]{0,2}[0-9]{1,4}")
_CATEGORY = re.compile(r"[a-z]{1,30}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ISSUE = re.compile(r"[a-z-]{1,30}")
_NOTE = re.compile(
    r"(?P<label>Advice|Note|Review|Pend|Deny|Reject) \((?P<rule>[a-z][a-z0-9_]{0,60})(?:; (?:CARC|RARC)[^()]*)?\): "
    r".* Source: .* \[(?P<policy>[A-Za-z0-9][\w .,+-]{0,120})\]\.(?: Next: .*)?",
    re.DOTALL,
)
"""As ``words.note`` writes it: a rule, what it found and the policy in brackets behind its source."""
_WARNING = re.compile(r"Warning \((?P<rule>structure)\): ")


class Standing(StrEnum):
    """What stands for a claim or a line: FHIR's ``pending`` taken apart, and what is no decision at all."""

    NO_ANSWER = "NO_ANSWER"
    APPROVE = "APPROVE"
    DENY = "DENY"
    PARTIAL = "PARTIAL"
    """Of a claim: lines differ and none is open."""
    REVIEW = "REVIEW"
    PEND = "PEND"
    PENDING = "PENDING"
    """Open, and no code says whether a person decides or the provider must supply something."""
    REJECT = "REJECT"
    CANCELLED = "CANCELLED"
    OPERATION_OUTCOME = "OPERATION_OUTCOME"
    OTHER = OTHER


_DECIDED = {"approved": Standing.APPROVE, "denied": Standing.DENY, "partial": Standing.PARTIAL}
_OPEN_BY = {"252": Standing.PEND, "133": Standing.REVIEW}
"""CARC of an open line, the stronger decision first."""


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """Money under a category of adjudication; ``currency`` is empty where none is stated."""

    category: str
    value: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What an answer says of one line, or of the claim beside its lines.

    ``decision`` is what the line itself says; ``standing`` what becomes of it (a line of a cancelled answer says
    approved and stands cancelled). ``codes`` are (CARC, RARC or issue; code), ``rules`` (decision, rule).
    """

    standing: Standing
    decision: Standing | None = None
    codes: frozenset[tuple[str, str]] = frozenset()
    rules: frozenset[tuple[str, str]] = frozenset()
    policies: frozenset[str] = frozenset()
    amounts: frozenset[Amount] = frozenset()

    @property
    def submitted(self) -> Amount | None:
        return min((each for each in self.amounts if each.category == "submitted"), default=None)

    @property
    def reasons(self) -> tuple[frozenset[object], ...]:
        """Everything but the decision."""
        return (self.codes, self.rules, self.policies, self.amounts)


@dataclass(frozen=True, slots=True)
class Said:
    """A whole answer. ``lines`` are by sequence; None holds what is said of the claim and of no line."""

    standing: Standing
    status: str | None = None
    outcome: str | None = None
    decision: str | None = None
    lines: Mapping[int | None, Line] = field(default_factory=dict)


def said(answer: Json | None) -> Said:
    """What an answer says; None says nothing."""
    if answer is None:
        return Said(Standing.NO_ANSWER)
    if answer.get("resourceType") == "OperationOutcome":
        return _outcome(answer)
    return _response(answer)


def _outcome(outcome: Json) -> Said:
    standing = Standing.OPERATION_OUTCOME
    codes = frozenset(("issue", _word(each.get("code"), _ISSUE)) for each in objects(outcome.get("issue")))
    return Said(standing, lines={None: Line(standing, codes=codes)})


def _response(response: Json) -> Said:
    decision = _decision_code(response, systems.DECISION_EXTENSION)
    notes = _Notes(response)
    fixed = _fixed(response)
    lines: dict[int | None, Line] = {}
    for item in objects(response.get("item")):
        if _is_number(item.get("itemSequence")):
            lines[item["itemSequence"]] = _line(item, notes, fixed)
    standing = fixed or _standing(decision, lines)
    return Said(
        standing,
        _one_of(response.get("status"), STATUS),
        _one_of(response.get("outcome"), OUTCOME),
        decision,
        _beside_items(response, notes, standing) | lines,
    )


def _fixed(response: Json) -> Standing | None:
    """What holds for all lines of an answer, whatever each of them says."""
    if response.get("status") == "cancelled":
        return Standing.CANCELLED
    return Standing.REJECT if response.get("outcome") == "error" else None


def _standing(decision: str | None, lines: Mapping[int | None, Line]) -> Standing:
    if decision != "pending":
        return _DECIDED.get(decision or "", Standing.OTHER)
    among = {each.standing for each in lines.values()}
    return next((each for each in (*_OPEN_BY.values(), Standing.PENDING) if each in among), Standing.PENDING)


def _line(item: Json, notes: _Notes, fixed: Standing | None) -> Line:
    entries = list(objects(item.get("adjudication")))
    codes = frozenset(code for each in entries for code in _codes(each.get("reason")))
    decision = _line_decision(item, codes)
    rules, policies = notes.of(_numbers(item))
    return Line(fixed or decision, decision, codes, rules, policies, frozenset(_amounts(entries)))


def _line_decision(item: Json, codes: frozenset[tuple[str, str]]) -> Standing:
    """R4 nests the decision in an extension of an extension, R5 has it in an element."""
    outer = _extension(item, systems.REVIEW_OUTCOME_EXTENSION)
    decision = _decision_code(outer, "decision") if outer else _decision_code(item.get("reviewOutcome"), "")
    if decision != "pending":
        return _DECIDED[decision] if decision in ("approved", "denied") else Standing.OTHER
    return next((standing for code, standing in _OPEN_BY.items() if ("CARC", code) in codes), Standing.PENDING)


def _beside_items(response: Json, notes: _Notes, standing: Standing) -> dict[int | None, Line]:
    """What is said of no item: the errors of a rejected claim, by the line they name, and notes that no line has."""
    errors: dict[int | None, set[tuple[str, str]]] = {None: set()}
    for each in objects(response.get("error")):
        at = each.get("itemSequence")
        errors.setdefault(at if _is_number(at) else None, set()).update(_codes(each.get("code")))
    rules, policies = notes.of_no_line()
    found = {at: Line(standing, codes=frozenset(codes)) for at, codes in errors.items()}
    found[None] = Line(standing, None, frozenset(errors[None]), rules, policies)
    return {at: line for at, line in found.items() if any(line.reasons)}


class _Notes:
    """The rules and policies that our notes name, by the number of the note."""

    def __init__(self, response: Json) -> None:
        notes = (each for each in objects(response.get("processNote")) if _is_number(each.get("number")))
        self._named = {each["number"]: _named(each.get("text")) for each in notes}
        self._linked = {number for each in objects(response.get("item")) for number in _numbers(each)}

    def of(self, numbers: Iterable[int]) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
        named = [self._named[number] for number in numbers if number in self._named]
        rules = frozenset(rule for rule, _ in named if rule is not None)
        return rules, frozenset(policy for _, policy in named if policy is not None)

    def of_no_line(self) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
        return self.of(self._named.keys() - self._linked)


def _named(text: object) -> tuple[tuple[str, str] | None, str | None]:
    """(decision and rule, policy) of a note; nothing of a note that is not ours."""
    if not isinstance(text, str):
        return None, None
    if match := _NOTE.fullmatch(text):
        return (match["label"].upper(), match["rule"]), match["policy"]
    match = _WARNING.match(text)
    return (("WARNING", match["rule"]) if match else None), None


def _numbers(item: Json) -> list[int]:
    numbers = item.get("noteNumber")
    return [each for each in numbers if _is_number(each)] if isinstance(numbers, list) else []


# --- the parts of a resource that anybody may have written


def _decision_code(holder: Any, url: str) -> str | None:
    """The code of a decision: in R5's element, else in R4's extension of that URL."""
    if not isinstance(holder, dict):
        return None
    concept = holder.get("decision")
    if concept is None:
        extension = _extension(holder, url)
        concept = extension.get("valueCodeableConcept") if extension else None
    codings = objects(concept.get("coding")) if isinstance(concept, dict) else ()
    codes = [each.get("code") for each in codings if each.get("system") == systems.CLAIM_DECISION]
    return _one_of(codes[0], DECISION) if codes else None


def _extension(holder: Json, url: str) -> Json | None:
    return next((each for each in objects(holder.get("extension")) if each.get("url") == url), None)


def _codes(concept: Any) -> Iterator[tuple[str, str]]:
    for each in objects(concept.get("coding")) if isinstance(concept, dict) else ():
        for kind, system in (("CARC", systems.CARC), ("RARC", systems.RARC)):
            if each.get("system") == system:
                yield kind, _word(each.get("code"), _CODE)


def _amounts(entries: list[Json]) -> Iterator[Amount]:
    for each in entries:
        amount = each.get("amount")
        value = amount.get("value") if isinstance(amount, dict) else None
        if isinstance(amount, dict) and isinstance(value, int | float) and not isinstance(value, bool):
            currency = amount.get("currency")
            word = "" if currency is None else _word(currency, _CURRENCY)
            yield Amount(_category(each.get("category")), Decimal(str(value)), word)


def _category(concept: Any) -> str:
    coding = next(objects(concept.get("coding")), {}) if isinstance(concept, dict) else {}
    return _word(coding.get("code"), _CATEGORY)


def _word(value: object, pattern: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else OTHER


def _one_of(value: object, words: frozenset[str]) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) and value in words else OTHER


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
