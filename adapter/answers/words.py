"""The words of an answer: plain sentences for people, the same in every place.

No name and no free text of the record: what a rule found is codes, dates and numbers, and the rest is ours.
"""

from __future__ import annotations

from adapter.coverage.finding import Decision, Determination, Finding, LineDetermination
from adapter.errors import Issue

DECIDED = {
    Decision.APPROVE: "approved",
    Decision.REVIEW: "under review by a person",
    Decision.PEND: "waiting for information",
    Decision.DENY: "denied",
    Decision.REJECT: "rejected",
}
LABEL = {Decision.WARN: "Note"}
"""What a finding is called where its decision's own name would sound like more than it is."""


def disposition(determination: Determination) -> str:
    """One sentence on the claim as a whole."""
    lines = determination.lines
    if determination.decision is Decision.REJECT:
        return "Rejected: the claim cannot be processed as sent; correct it and send a new claim."
    if len({_by(line) for line in lines}) > 1:
        parts = ", ".join(f"line {line.sequence} {DECIDED[line.decision]} ({_by(line)})" for line in lines)
        return f"By line: {parts}."
    if len({line.decision for line in lines}) == 1:
        start = "The claim is" if len(lines) == 1 else "All lines are"
        return f"{start} {DECIDED[lines[0].decision]}{_under(lines[0])}."
    parts = ", ".join(f"line {line.sequence} {DECIDED[line.decision]}" for line in lines)
    return f"By line: {parts}{_under(lines[0])}."


def _under(line: LineDetermination) -> str:
    return f"{' ' if line.decides else '; '}{_by(line)}"


def _by(line: LineDetermination) -> str:
    """By which policy a line was decided."""
    return f"under {line.policy_title}" if line.decides else "no coverage policy decides it"


def note(finding: Finding) -> str:
    """What was found, what was needed, the sentence it rests on, and what to do next."""
    label = "Advice" if finding.advisory else LABEL.get(finding.decision, finding.decision.name.capitalize())
    needed = f" Needed: {finding.needed}." if finding.needed else ""
    fix = f" Next: {finding.fix}" if finding.fix else ""
    codes = _codes(finding)
    return f"{label} ({finding.rule}{codes}): {finding.found.rstrip('.')}.{needed} Source: {finding.citation}.{fix}"


def warning(issue: Issue) -> str:
    """What was passed over in the claim or its evidence, and where it stands."""
    return f"Warning (structure): {issue.text}; it was not read. Place: {issue.where}. Next: leave it out."


def _codes(finding: Finding) -> str:
    codes = [f"CARC {code}" for code in finding.carc] + [f"RARC {code}" for code in finding.rarc]
    return f"; {', '.join(codes)}" if codes else ""


def noteworthy(line: LineDetermination) -> list[Finding]:
    """The findings of a line that its reader must see, strongest first, then in the order of the rules."""
    found = [each for each in line.findings if each.decision is not Decision.APPROVE]
    return sorted(found, key=lambda each: -each.decision)
