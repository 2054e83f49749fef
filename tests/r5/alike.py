"""What an answer says apart from its form, so that answers to one claim in two versions of FHIR can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from answers.story_stages import CLINIC, Run, run_resources
from r5.convert import to_r5

from adapter.answers.answer import Answer
from adapter.answers.decisions import line_json

Json = dict[str, Any]


@cache
def clinic_as_r5() -> Run:
    return run_resources(*map(to_r5, clinic_resources()))


def clinic_resources() -> list[Json]:
    files = sorted(CLINIC.glob("*.ndjson"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def said(answers: Iterable[Answer]) -> dict[str | None, Json]:
    """By claim: the decision, reasons and findings of each line, or the issues where it could not be processed."""
    return {each.claim: _said(each) for each in answers}


def _said(answer: Answer) -> Json:
    response, outcome = answer.response or {}, answer.outcome or {}
    return {
        "answered by": response.get("outcome", "an OperationOutcome"),
        "status": response.get("status"),
        "disposition": response.get("disposition"),
        "lines": [_line(line_json(each, "")) for each in (answer.determination.lines if answer.determination else ())],
        "issues": sorted(each["code"] for each in outcome.get("issue", [])),
    }


def _line(line: Json) -> Json:
    findings = [(each["rule"], each["verdict"], each["outcome"], each["found"]) for each in line["findings"]]
    return {name: line[name] for name in ("line", "code", "service_date", "decision", "carc", "rarc")} | {
        "findings": findings
    }
