"""The ClaimResponse; https://hl7.org/fhir/R4/claimresponse.html, and R5's by the form of ``forms.py``.

Coverage is decided here, not price: the only amounts are the one submitted and, on a denied line, a benefit of zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from adapter.answers import systems
from adapter.answers.forms import Form
from adapter.answers.words import disposition, note, noteworthy, warning
from adapter.coverage.finding import Decision, Determination, Finding, LineDetermination
from adapter.errors import Issue
from adapter.evidence.newest import ID_LIMIT
from adapter.evidence.references import Json
from adapter.values import value

LINE_DECISION = {
    Decision.APPROVE: "approved",
    Decision.REVIEW: "pending",
    Decision.PEND: "pending",
    Decision.DENY: "denied",
}


@value(frozen=True, slots=True)
class Envelope:
    """What a response takes over from its claim, and how it is found again."""

    claim: Json
    identifier_system: str
    patient: Json
    insurer: Json
    """The claim's insurer, or the coverage's payor where the claim names none."""
    requestor: Json | None
    instant: str
    """When the decision was made, as a FHIR dateTime."""
    form: Form
    """How the claim's version of FHIR writes decisions."""
    passed_over: Sequence[Issue] = ()
    """Warnings on the claim and its evidence, for the notes."""


def answer_identifier(claim: str) -> str:
    """Value of ``ClaimResponse.identifier``, by which the answer to a claim is found again."""
    return f"Claim/{claim}"


def claim_response(determination: Determination, envelope: Envelope) -> Json:
    """The whole response, in the order of the specification."""
    claim, form = envelope.claim, envelope.form
    notes = _Notes(determination, envelope.passed_over)
    rejected = determination.decision is Decision.REJECT
    decided = {} if rejected else form.claim_decision(_concept(systems.CLAIM_DECISION, claim_decision(determination)))
    response: Json = {
        "resourceType": "ClaimResponse",
        "id": response_id(str(claim["id"])),
        "extension": decided.get("extension"),
        "contained": _contained(envelope),
        "identifier": [{"system": envelope.identifier_system, "value": answer_identifier(claim["id"])}],
        "status": "active",
        "type": claim.get("type"),
        "use": claim.get("use"),
        "patient": without_display(envelope.patient),
        "created": envelope.instant,
        "insurer": envelope.insurer,
        "requestor": envelope.requestor,
        "request": {"reference": f"Claim/{claim['id']}"},
        "outcome": outcome(determination),
        "decision": decided.get("decision"),
        "disposition": disposition(determination),
        "item": []
        if rejected
        else [_item(line, claim, notes.numbers(index), form) for index, line in enumerate(determination.lines)],
        "processNote": notes.elements(form),
        "error": list(_errors(determination)) if rejected else [],
    }
    return {name: value for name, value in response.items() if value not in (None, [], {})}


def response_id(claim_id: str) -> str:
    """The id of the answer to a claim in files, derived from the claim's."""
    return derived_id(claim_id, "response")


def derived_id(id: str, suffix: str) -> str:
    """An id made from another, at most the 64 characters that FHIR allows; a long one keeps a digest of the whole."""
    derived = f"{id}-{suffix}"
    return derived if len(derived) <= ID_LIMIT else f"{id[:24]}-{sha256(id.encode()).hexdigest()[:16]}-{suffix}"


def outcome(determination: Determination) -> str:
    """``error`` when rejected, ``partial`` while any line is open, else ``complete``."""
    if determination.decision is Decision.REJECT:
        return "error"
    still_open = any(line.decision in (Decision.PEND, Decision.REVIEW) for line in determination.lines)
    return "partial" if still_open else "complete"


def claim_decision(determination: Determination) -> str:
    """``pending`` while any line is open, ``partial`` where lines differ, else what all lines are."""
    lines = {LINE_DECISION[line.decision] for line in determination.lines}
    if "pending" in lines:
        return "pending"
    return lines.pop() if len(lines) == 1 else "partial"


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _item(line: LineDetermination, claim: Json, numbers: Sequence[int], form: Form) -> Json:
    decided = form.line_decision(_concept(systems.CLAIM_DECISION, LINE_DECISION[line.decision]))
    item: Json = {**decided, "itemSequence": line.sequence}
    if numbers:
        item["noteNumber"] = numbers
    return item | {"adjudication": list(_adjudication(line, claim))}


def _adjudication(line: LineDetermination, claim: Json) -> Iterator[Json]:
    submitted: Json = {"category": _concept(systems.ADJUDICATION, "submitted")}
    amount = _net(line.sequence, claim)
    yield submitted | ({"amount": amount} if amount else {})
    if line.decision is Decision.DENY:
        currency = {"currency": amount["currency"]} if amount and "currency" in amount else {}
        yield {"category": _concept(systems.ADJUDICATION, "benefit"), "amount": {"value": 0, **currency}}
    for system, code in reason_codes(line):
        yield {"category": _concept(systems.DISCRIMINATOR, "adjustmentreason"), "reason": _concept(system, code)}


def _net(sequence: int, claim: Json) -> Json | None:
    """The line's net as sent; the amount echoes the claim, so it is copied and not computed."""
    items = [each for each in claim.get("item") or [] if each.get("sequence") == sequence]
    net: Any = items[0].get("net") if items else None
    return net if isinstance(net, dict) and "value" in net else None


def reason_codes(line: LineDetermination) -> list[tuple[str, str]]:
    """(system, code) of every reason a line carries: those of its deciding findings, and remarks of warnings.

    A denied line carries the codes of every DENY finding; what is weaker goes to the notes only. A warning has no CARC;
    a remark of one (M69 of row 67) stands on the line whenever the line is paid.
    """
    findings: Iterable[Finding]
    if line.decision is Decision.APPROVE:
        findings = [each for each in line.findings if each.decision is Decision.WARN and not each.advisory]
    else:
        findings = line.deciding
    carc = [(systems.CARC, code) for each in findings for code in each.carc]
    rarc = [(systems.RARC, code) for each in findings for code in each.rarc]
    return list(dict.fromkeys(carc + rarc))


def _errors(determination: Determination) -> Iterator[Json]:
    """One error per rejecting finding; a finding about the whole claim stands once, without a line."""
    seen: set[tuple[object, ...]] = set()
    for line in determination.lines:
        for finding in line.findings:
            if finding.decision is not Decision.REJECT or finding.advisory:
                continue
            sequence = None if finding.about_claim else line.sequence
            key = (sequence, finding.carc, finding.rarc)
            if key not in seen:
                seen.add(key)
                codings = [{"system": systems.CARC, "code": code} for code in finding.carc]
                codings += [{"system": systems.RARC, "code": code} for code in finding.rarc]
                yield ({"itemSequence": sequence} if sequence is not None else {}) | {"code": {"coding": codings}}


class _Notes:
    """The processNotes of a response: each text once, numbered in the order of lines and rules."""

    def __init__(self, determination: Determination, passed_over: Sequence[Issue]) -> None:
        self._of_lines = [[note(finding) for finding in noteworthy(line)] for line in determination.lines]
        found = [text for texts in self._of_lines for text in texts]
        texts = dict.fromkeys([*found, *map(warning, passed_over)])
        self._numbers = {text: number for number, text in enumerate(texts, start=1)}

    def numbers(self, index: int) -> list[int]:
        """Those of the line at an index."""
        return sorted({self._numbers[text] for text in self._of_lines[index]})

    def elements(self, form: Form) -> list[Json]:
        return [{"number": number, "type": form.note_type(), "text": text} for text, number in self._numbers.items()]


def _contained(envelope: Envelope) -> list[Json]:
    """Contained resources that the references taken over from the claim point at."""
    taken = (envelope.patient, envelope.requestor, envelope.insurer)
    wanted = {str(each.get("reference"))[1:] for each in taken if isinstance(each, dict)}
    found = [
        each for each in envelope.claim.get("contained") or [] if isinstance(each, dict) and each.get("id") in wanted
    ]
    return [_nameless(each) for each in found]


def without_display(reference: Any) -> Any:
    """A reference that does not name the person."""
    return (
        {name: value for name, value in reference.items() if name != "display"} if isinstance(reference, dict) else None
    )


def _nameless(resource: Json) -> Json:
    """A contained Patient keeps what identifies it to a machine; a name has no place in an answer."""
    if resource.get("resourceType") != "Patient":
        return resource
    return {name: resource[name] for name in ("resourceType", "id", "identifier") if name in resource}
