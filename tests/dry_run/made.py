"""Answers made by the adapter's own builder, in both forms, from a few words on each line."""

from __future__ import annotations

from datetime import date
from typing import Any

from adapter.answers.claim_response import Envelope, claim_response
from adapter.answers.forms import form_of
from adapter.answers.operation_outcome import operation_outcome
from adapter.coverage.finding import VERDICT_OF, Citation, Decision, Determination, Finding, LineDetermination
from adapter.errors import Issue
from adapter.fhir.version import R4, R5

Json = dict[str, Any]
FORMS = (R4, R5)
POLICY = "common 2026-01-01"
REASONS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "APPROVE": ("", (), ()),
    "DENY": ("session_length", ("152",), ("N163",)),
    "PEND": ("session_times", ("252",), ("N443",)),
    "REVIEW": ("face_to_face", ("133",), ()),
    "REJECT": ("quantity", ("16",), ("M53",)),
}
"""By decision: the rule that it rests on, and its CARC and RARC."""


def response(*lines: str, form: str = R4, net: float | None = 85, policy: str = POLICY, currency: str = "USD") -> Json:
    """The answer to Claim/c1, a decision for each line."""
    amount = {} if net is None else {"net": {"value": net, "currency": currency}}
    claim = {"id": "c1", "item": [{"sequence": at} | amount for at, _ in enumerate(lines, 1)]}
    determination = Determination("c1", tuple(_line(at, each, policy) for at, each in enumerate(lines, 1)))
    reference = {"reference": "Organization/payer"}
    envelope = Envelope(claim, "urn:test", reference, reference, None, "2026-01-31T12:00:00Z", form_of(form))
    return claim_response(determination, envelope)


def cancelled(*lines: str, form: str = R4) -> Json:
    return response(*lines, form=form) | {"status": "cancelled", "disposition": "Voided."}


def outcome(*codes: str) -> Json:
    return operation_outcome([Issue(each, "A sentence.", "Claim.item") for each in codes], "c1")


def _line(at: int, word: str, policy: str) -> LineDetermination:
    decision, (rule, carc, rarc) = Decision[word], REASONS[word]
    citation = Citation("A document", "Section 1", policy, "common")
    found = Finding(rule, "short", VERDICT_OF[decision], decision, citation, "29 of [30] (min)", "30", "", carc, rarc)
    findings = (found,) if rule else ()
    return LineDetermination(at, "0592T", date(2026, 1, 5), decision, findings, policy, "A policy", (), True)
