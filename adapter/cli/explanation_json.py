"""One claim's determination for a machine: what the page and the terminal say, part by part.

The lines are those of ``decisions.ndjson``, with what an explanation adds: the rule's sentence, the values of the
policy, the weight of each finding, the visit.
"""

from __future__ import annotations

from datetime import datetime

from adapter.answers.answer import Answer
from adapter.answers.decisions import decision_lines, finding_json
from adapter.answers.words import disposition, warning
from adapter.cli.explained import ExplainedLine, explained_lines, group_of, label, standing, weight
from adapter.cli.policy_values import PolicyValue
from adapter.cli.timeline import Bar, Timeline, timeline
from adapter.coverage.finding import Finding
from adapter.evidence.references import Json
from adapter.policy.book import Policy, PolicyBook
from adapter.session.model import CoachingSession


def explanation_json(answer: Answer, sessions: tuple[CoachingSession, ...], book: PolicyBook) -> Json:
    """The whole explanation; without lines where nothing was determined."""
    explained = explained_lines(answer, sessions, book)
    return {
        "claim": answer.claim,
        "disposition": disposition(answer.determination) if answer.determination else None,
        "ended": standing(answer),
        "lines": [line | _line(each) for line, each in zip(decision_lines(answer), explained, strict=True)],
        "notes": [each["text"] for each in (answer.response or {}).get("processNote", [])],
        "warnings": [warning(each) for each in answer.passed_over],
        "operation_outcome": answer.outcome,
    }


def _line(explained: ExplainedLine) -> Json:
    visit = timeline(explained)
    return {
        "decided": explained.decided,
        "answered": explained.answered,
        "service": explained.service,
        "payer": explained.payer,
        "policies": [_policy(each) for each in explained.policies],
        "reasons": [{"kind": each.kind, "code": each.code, "meaning": each.meaning} for each in explained.reasons()],
        "to_do": explained.fixes(),
        "required_minutes": explained.required_minutes,
        "visit": _visit(visit) if visit else None,
        "findings": [_finding(each, explained) for each in explained.line.findings],
    }


def _policy(policy: Policy) -> Json:
    header = policy.header
    return {"policy": header.policy, "title": header.title, "version": header.version, "uri": policy.uri}


def _visit(visit: Timeline) -> Json:
    return {
        "documented_minutes": visit.documented,
        "required_minutes": visit.required,
        "rows": [_row(each) for each in visit.bars],
    }


def _row(bar: Bar) -> Json:
    return {
        "name": bar.name,
        "when": bar.when,
        "minutes": bar.minutes,
        "start": _instant(bar.start),
        "end": _instant(bar.end),
        "resource": bar.origin.resource if bar.origin else None,
        "path": bar.origin.path if bar.origin else None,
    }


def _instant(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _finding(finding: Finding, explained: ExplainedLine) -> Json:
    return finding_json(finding) | {
        "sentence": explained.criterion(finding),
        "said": label(finding),
        "group": str(group_of(finding, explained.line)),
        "weight": weight(finding, explained.line) if finding.noteworthy else None,
        "layer": explained.layer(finding),
        "policy_values": [_policy_value(each) for each in explained.policy_values(finding)],
    }


def _policy_value(value: PolicyValue) -> Json:
    reference = value.reference
    return {
        "name": value.name,
        "description": value.description,
        "value": value.value,
        "words": value.words,
        "since": str(value.since) if value.since else None,
        "reference": {"document": reference.document, "section": reference.section} if reference else None,
        "layer": value.layer or None,
    }
