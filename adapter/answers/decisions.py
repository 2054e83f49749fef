"""Determinations as JSON: one object per claim line, for machines and for ``explain``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson

from adapter.answers.answer import Answer
from adapter.answers.claim_response import reason_codes
from adapter.answers.systems import CARC, RARC
from adapter.coverage.finding import Decision, Finding, LineDetermination, Verdict
from adapter.evidence.references import Json

_DECISION = {each: each.name for each in Decision}
_VERDICT = {each: each.value for each in Verdict}
"""As an Enum tells them itself, and in a fraction of the time: they are written for every finding."""


def decision_lines(answer: Answer) -> Iterator[Json]:
    """One JSON object per line of the claim, to be written; nothing for a message that could not be processed.

    Findings that many lines share are in them as text that ``orjson`` wrote before; ``line_json`` has them as objects.
    """
    if answer.determination is not None:
        for line in answer.determination.lines:
            yield _line(line, answer.determination.claim, _as_written)


def line_json(line: LineDetermination, claim: str) -> Json:
    """One line of a claim with its findings."""
    return _line(line, claim, finding_json)


def _as_written(finding: Finding) -> Json | orjson.Fragment:
    kept = finding.kept
    if kept is None:
        return finding_json(finding)
    if not kept.json:
        kept.json = orjson.dumps(finding_json(finding))
    return orjson.Fragment(kept.json)


def _line(line: LineDetermination, claim: str, finding: Callable[[Finding], Json | orjson.Fragment]) -> Json:
    codes = reason_codes(line)
    return {
        "claim": claim,
        "line": line.sequence,
        "code": line.code,
        "service_date": str(line.service_date) if line.service_date else None,
        "decision": _DECISION[line.decision],
        "carc": [code for system, code in codes if system == CARC],
        "rarc": [code for system, code in codes if system == RARC],
        "policy": line.policy,
        "findings": [finding(each) for each in line.findings],
    }


def finding_json(finding: Finding) -> Json:
    """One finding with the values it used, their origin and the citation."""
    return {
        "rule": finding.rule,
        "verdict": _VERDICT[finding.verdict],
        "decision": _DECISION[finding.decision],
        "outcome": finding.outcome,
        "advisory": finding.advisory,
        "found": finding.found,
        "needed": finding.needed,
        "fix": finding.fix,
        "carc": list(finding.carc),
        "rarc": list(finding.rarc),
        "values": [
            {
                "name": each.name,
                "value": each.value,
                "resource": each.origin.resource if each.origin else None,
                "path": each.origin.path if each.origin else None,
            }
            for each in finding.used
        ],
        "citation": {
            "document": finding.citation.document,
            "section": finding.citation.section,
            "policy": finding.citation.policy,
            "layer": finding.citation.layer,
        },
    }
