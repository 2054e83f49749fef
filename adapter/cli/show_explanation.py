"""One claim's determination for a terminal: what decided it, what else was found, what is in order."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from adapter.answers.answer import Answer
from adapter.answers.decisions import decision_lines
from adapter.answers.operation_outcome import fhir_id
from adapter.answers.words import DECIDED, disposition, warning
from adapter.cli.console import COLOUR, console, outcome_lines, print_json, visible
from adapter.cli.explained import ExplainedLine, Group, explained_lines, label, same_reason, standing, weight
from adapter.cli.explanation_html import page
from adapter.cli.timeline import Timeline, clock, timeline
from adapter.coverage.finding import Finding
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession
from adapter.session.time import Moment

LABEL_COLOUR = {"met": "green", "note": "blue", "not met": "red", "insufficient": "yellow"}
ORIGIN_SHOWN = 110
"""Characters of an origin that a terminal shows."""
INDENT = " " * 15
BAR_WIDTH = 40


def explanation(answer: Answer, sessions: tuple[CoachingSession, ...], book: PolicyBook, output_format: str) -> None:
    """One claim's determination, or why there is none."""
    if output_format == "json":
        print_json(
            {
                "claim": answer.claim,
                "lines": list(decision_lines(answer)),
                "warnings": _warnings(answer),
                "operation_outcome": answer.outcome,
            }
        )
    elif output_format == "html":
        sys.stdout.buffer.write(visible(page(answer, sessions, book)).encode())
        sys.stdout.buffer.flush()
    else:
        _explain(console(), answer, explained_lines(answer, sessions, book))


def _explain(out: Console, answer: Answer, lines: list[ExplainedLine]) -> None:
    if answer.outcome is not None:
        out.print(f"Claim/{fhir_id(answer.claim)} could not be processed:", soft_wrap=True)
        for sentence in outcome_lines([answer]):
            out.print(f"  {sentence}", soft_wrap=True)
    if (ended := standing(answer)) is not None:
        out.print(f"Claim/{answer.claim}: {ended}", soft_wrap=True)
    if answer.determination is not None:
        out.print(f"Claim/{answer.claim}: {disposition(answer.determination)}", soft_wrap=True)
    for line in lines:
        _explain_line(out, line)
    for sentence in _warnings(answer):
        out.print(f"\n{sentence}", soft_wrap=True)


def _warnings(answer: Answer) -> list[str]:
    return [warning(each) for each in answer.passed_over]


def _explain_line(out: Console, explained: ExplainedLine) -> None:
    """One line: its decision and visit, the findings in their groups, what to fix."""
    line = explained.line
    head = f"Line {line.sequence}, {line.code or 'no readable code'}, {line.service_date or 'no date'}: "
    out.print()
    colour = COLOUR.get(line.decision.name, "") if explained.answered else ""
    by_itself = "" if explained.answered else f" (the claim is rejected; by itself {DECIDED[line.decision]})"
    out.print(Text.assemble(head, (explained.decided, f"bold {colour}"), by_itself))
    if (visit := timeline(explained)) is not None:
        out.print(Text(f"Visit  {visit_line(visit, plain=out.options.ascii_only)}"), soft_wrap=True)
    for group, findings in explained.groups():
        out.print(f"\n{group}:")
        if group is Group.NOT_APPLICABLE:
            for why, rules in same_reason(findings).items():
                out.print(Text(f"  {', '.join(rules)} ({why})", style="dim"), soft_wrap=True)
            continue
        for finding in findings:
            _explain_finding(out, finding, explained)
    out.print(f"\n{explained.next_heading()}{':' if explained.fixes() else '.'}")
    for fix in explained.fixes():
        out.print(Text(f"  - {fix}"), soft_wrap=True)


def visit_line(visit: Timeline, *, plain: bool = False) -> str:
    """The session as a bar of documented minutes, with the minutes that lack up to those required."""
    done, lacking = ("#", ".") if plain else ("█", "░")
    offset = f" {visit.offset}" if visit.offset else ""
    needed = "none required" if visit.required is None else f"{visit.required} required"
    if visit.documented is None:
        bar, minutes = lacking * BAR_WIDTH, "minutes not known"
    else:
        longest = max(visit.documented, visit.required or 0, 1)
        filled = visit.documented * BAR_WIDTH // longest
        bar = done * filled + lacking * (BAR_WIDTH - filled)
        minutes = f"{visit.documented} minutes documented"
    return f"{_end(visit.start, 'no start')} {bar} {_end(visit.end, 'no end')}{offset}  {minutes}, {needed}"


def _end(moment: Moment | None, absent: str) -> str:
    if moment is None:
        return absent
    return clock(moment.instant) if moment.instant else str(moment)


def _explain_finding(out: Console, finding: Finding, explained: ExplainedLine) -> None:
    said = label(finding)
    verdict = Text(f"  {said.upper():<13}", style=LABEL_COLOUR.get(said, ""))
    weighs = f"  {_weight(finding, explained)}" if finding.noteworthy else ""
    out.print(Text.assemble(verdict, (finding.rule, "bold"), weighs), soft_wrap=True)
    needed = f"; needed: {finding.needed}" if finding.needed else ""
    out.print(Text(f"{INDENT}{finding.found}{needed}"), soft_wrap=True)
    for used in finding.used:
        origin = f"   from {_short(str(used.origin))}" if used.origin else ""
        out.print(Text(f"{INDENT}{used.name}: {used.value}{origin}", style="dim"), soft_wrap=True)
    out.print(Text(f"{INDENT}source: {finding.citation}", style="dim"), soft_wrap=True)
    if finding.fix and finding.fix not in explained.fixes():
        out.print(Text(f"{INDENT}next: {finding.fix}", style="dim"), soft_wrap=True)


def _weight(finding: Finding, explained: ExplainedLine) -> str:
    codes = [f"{each} {each.meaning}".rstrip() for each in explained.reasons_of(finding)]
    return "; ".join([weight(finding, explained.line), *codes])


def _short(origin: str) -> str:
    """An origin that fits a line; JSON and HTML have the whole expression."""
    plain = " ".join(origin.split())
    return plain if len(plain) <= ORIGIN_SHOWN else f"{plain[: ORIGIN_SHOWN - 3]}..."
