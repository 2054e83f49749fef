"""What a row of the table expects, and what an answer says, in the same words.

Only the wire is looked at: ClaimResponse and OperationOutcome. PEND and REVIEW are both ``pending`` there, told apart
by their CARC; an approved line with more notes than the base case has is one with a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
RARC = "https://x12.org/codes/remittance-advice-remark-codes"
DECISION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.decision"
REVIEW_OUTCOME = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.item.reviewOutcome"
WIRE = {"APPROVE": "approved", "DENY": "denied", "PEND": "pending", "REVIEW": "pending"}
OPEN = {"PEND", "REVIEW"}
ASKS_OF_A_ROW = {"22", "5", "11"}
"""CARC that rows name as a question (55, 26, 61) and that are never emitted with PEND."""


@dataclass(frozen=True)
class Line:
    """A line's decision with its codes. ``M59|N301`` is one of the two; a CARC that is not named must not be there.

    ``decision`` may leave a choice (``PEND|REVIEW``) where the contract names no row; then codes are not compared.
    """

    decision: str
    carc: tuple[str, ...] = ()
    rarc: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.decision, *self.carc, *self.rarc])


@dataclass(frozen=True)
class Expected:
    """The answer to one claim: its lines, or the issues of an OperationOutcome, or nothing at all."""

    lines: tuple[Line, ...] = ()
    issues: tuple[tuple[str, str], ...] = ()
    """Issue code and a part of an expression."""
    warned: bool | None = None
    """Whether there are more notes than the base case has; None where that is not compared."""
    says: tuple[str, ...] = ()
    """Words that some note must hold, in any case."""
    forbidden: frozenset[str] = frozenset()
    status: str = "active"
    nothing: bool = False

    def __str__(self) -> str:
        if self.nothing:
            return "no answer"
        if self.issues:
            return "OO " + ", ".join(f"{code} {part}" for code, part in self.issues)
        if self.status != "active":
            return self.status
        found = "; ".join(map(str, self.lines)) + (" + warning" if self.warned else "")
        return found + (f"; never {' '.join(sorted(self.forbidden))}" if self.forbidden else "")


# --- expectations, as rows say them


def approve(*rarc: str, warned: bool | None = False, says: tuple[str, ...] = (), never: str = "") -> Expected:
    return Expected((Line("APPROVE", (), rarc),), warned=warned, says=says, forbidden=frozenset(never.split()))


def warn(*says: str, rarc: tuple[str, ...] = ()) -> Expected:
    """Approved with a warning; the notes hold these words."""
    return approve(*rarc, warned=True, says=says)


def deny(carc: str, *rarc: str, never: str = "") -> Expected:
    return Expected((Line("DENY", (carc,), rarc),), forbidden=frozenset(never.split()) | {"252", "133"})


def pend(*rarc: str, says: tuple[str, ...] = (), never: str = "") -> Expected:
    """PEND: CARC 252 and the remark codes of the row, and never the CARC that a row names as the question."""
    return Expected((PENDED(*rarc),), says=says, forbidden=frozenset(never.split()) | ASKS_OF_A_ROW | {"16"})


def review(*says: str, never: str = "") -> Expected:
    return Expected((REVIEWED,), says=says, forbidden=frozenset(never.split()) | {"252"})


def reject(carc: str, *rarc: str) -> Expected:
    """REJECT; CARC 16 rides with MA130 and one remark that names the field (coverage facts, 1.3)."""
    return Expected((Line("REJECT", (carc,), (*rarc, *(("MA130",) if carc == "16" else ()))),))


def refused(code: str, part: str) -> Expected:
    """Answered by an OperationOutcome alone."""
    return Expected(issues=((code, part),))


def either(decisions: str, never: str = "") -> Expected:
    """One of several decisions, where the contract leaves it open."""
    return Expected((Line(decisions),), forbidden=frozenset(never.split()))


def lines(*found: Line) -> Expected:
    return Expected(found)


def PENDED(*rarc: str) -> Line:  # noqa: N802 - a constant with an argument
    return Line("PEND", ("252",), rarc)


APPROVED, REVIEWED = Line("APPROVE"), Line("REVIEW", ("133",))
NOTHING = Expected(nothing=True)
VOIDED = Expected(status="cancelled")


def claim_answer(expected: Expected) -> tuple[str, str | None]:
    """Outcome and decision of the claim, which follow from its lines (contract, ClaimResponse)."""
    decisions = [each.decision for each in expected.lines]
    if "REJECT" in decisions:
        return "error", None
    if any(each in OPEN for each in decisions):
        return "partial", "pending"
    wire = {WIRE[each] for each in decisions}
    return "complete", wire.pop() if len(wire) == 1 else "partial"


# --- what came back


@dataclass(frozen=True)
class Actual:
    """An answer, read from its FHIR form."""

    response: Json | None
    outcome: Json | None

    def __str__(self) -> str:
        if self.response is None and self.outcome is None:
            return "no answer"
        if self.outcome is not None:
            return "OO " + ", ".join(f"{code} {place}" for code, place in self.issues)
        assert self.response is not None
        if self.response["status"] != "active":
            return str(self.response["status"])
        return "; ".join(map(str, self.lines))

    @property
    def issues(self) -> list[tuple[str, str]]:
        found = self.outcome["issue"] if self.outcome else []
        return [(each["code"], " ".join(each.get("expression", []))) for each in found]

    @property
    def lines(self) -> list[Line]:
        assert self.response is not None
        if self.response["outcome"] == "error":
            codes = [code for each in self.response["error"] for code in codings(each["code"])]
            return [Line("REJECT", *_by_system(codes))]
        return [_line(each) for each in self.response["item"]]

    @property
    def codes(self) -> set[str]:
        """Every reason code of the answer."""
        return {code for line in self.lines for code in (*line.carc, *line.rarc)} if self.response else set()

    @property
    def notes(self) -> list[str]:
        return [each["text"] for each in (self.response or {}).get("processNote", [])]


def codings(concept: Json) -> list[tuple[str, str]]:
    return [(each["system"], each["code"]) for each in concept["coding"]]


def decided(extensions: Iterable[Json], url: str) -> str | None:
    """The code of a decision extension; for a line it stands one extension deeper."""
    for each in extensions:
        if each["url"] == url:
            inner = each["extension"][0] if "extension" in each else each
            return str(inner["valueCodeableConcept"]["coding"][0]["code"])
    return None


def _line(item: Json) -> Line:
    reasons = [code for each in item["adjudication"] if "reason" in each for code in codings(each["reason"])]
    carc, rarc = _by_system(reasons)
    wire = decided(item["extension"], REVIEW_OUTCOME)
    pending = "PEND" if "252" in carc else "REVIEW"
    return Line({"approved": "APPROVE", "denied": "DENY"}.get(str(wire), pending), carc, rarc)


def _by_system(codes: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = list(dict.fromkeys(codes))
    carc = tuple(code for system, code in found if system == CARC)
    return carc, tuple(code for system, code in found if system == RARC)


# --- the difference


def differences(expected: Expected, actual: Actual, plain_notes: int) -> Iterator[str]:
    """Every way an answer differs from what its row expects; ``plain_notes`` is how many the base case has."""
    if expected.nothing:
        if actual.response or actual.outcome:
            yield "answered"
    elif expected.issues:
        yield from _refusal(expected, actual)
    elif actual.response is None:
        yield "no ClaimResponse"
    elif actual.response["status"] != expected.status:
        yield f"status {actual.response['status']}"
    elif expected.status == "active":
        yield from _claim(expected, actual)
        yield from _lines(expected, actual)
        yield from _notes(expected, actual, plain_notes)


def _refusal(expected: Expected, actual: Actual) -> Iterator[str]:
    if actual.response is not None:
        yield "a ClaimResponse"
    for code, part in expected.issues:
        if not any(code == found and part in place for found, place in actual.issues):
            yield f"no issue {code} at {part}"


def _claim(expected: Expected, actual: Actual) -> Iterator[str]:
    assert actual.response is not None
    if any("|" in each.decision for each in expected.lines):
        return
    outcome, decision = claim_answer(expected)
    if actual.response["outcome"] != outcome:
        yield f"outcome {actual.response['outcome']}, not {outcome}"
    if (found := decided(actual.response.get("extension", []), DECISION)) != decision:
        yield f"claim {found}, not {decision}"
    if (outcome == "error") == ("item" in actual.response):
        yield "item beside error" if outcome == "error" else "no item"


def _lines(expected: Expected, actual: Actual) -> Iterator[str]:
    if len(actual.lines) != len(expected.lines):
        yield f"{len(actual.lines)} lines"
        return
    for number, (wanted, found) in enumerate(zip(expected.lines, actual.lines, strict=True), 1):
        if found.decision not in wanted.decision.split("|"):
            yield f"line {number}: {found}"
        elif "|" not in wanted.decision:
            yield from (f"line {number}: {each}" for each in _codes(wanted, found))
    if unwanted := sorted(expected.forbidden & actual.codes):
        yield f"forbidden {' '.join(unwanted)}"


def _codes(wanted: Line, found: Line) -> Iterator[str]:
    for kind, required, given in (("CARC", wanted.carc, found.carc), ("RARC", wanted.rarc, found.rarc)):
        for each in required:
            if not set(each.split("|")) & set(given):
                yield f"no {kind} {each}"
    allowed = {code for each in wanted.carc for code in each.split("|")}
    if others := sorted(set(found.carc) - allowed):
        yield f"CARC {' '.join(others)}"


def _notes(expected: Expected, actual: Actual, plain_notes: int) -> Iterator[str]:
    more = len(actual.notes) > plain_notes
    if expected.warned is not None and more is not expected.warned:
        yield "a warning" if more else "no warning"
    text = " ".join(actual.notes).casefold()
    for words in expected.says:
        if not any(each.casefold() in text for each in words.split("|")):
            yield f"no note says {words!r}"
