"""One claim's determination for a terminal: what decided it, what else was found, what is in order.

Every line folds at the width of the terminal; nothing is cut off.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import fill

from rich.console import Console
from rich.text import Text

from adapter.answers.answer import Answer
from adapter.answers.operation_outcome import fhir_id
from adapter.answers.words import DECIDED, disposition, warning
from adapter.cli.console import COLOUR, console, outcome_lines, print_json, visible
from adapter.cli.explained import ExplainedLine, Group, explained_lines, label, same_reason, source, standing, weight
from adapter.cli.explanation_html import page
from adapter.cli.explanation_json import explanation_json
from adapter.cli.timeline import timeline
from adapter.cli.timeline_text import NAME_WIDTH, visit_rows
from adapter.coverage.finding import Finding
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession
from adapter.sync.report import Tally

LABEL_COLOUR = {"met": "green", "note": "blue", "not met": "red", "insufficient": "yellow"}
INDENT = 15
"""Where what a finding says begins, below its rule's sentence."""
NARROWEST = 20
"""Characters a line has at least, however narrow the terminal is said to be."""


def explanation(answer: Answer, sessions: tuple[CoachingSession, ...], book: PolicyBook, output_format: str) -> None:
    """One claim's determination, or why there is none."""
    if output_format == "json":
        print_json(explanation_json(answer, sessions, book))
    elif output_format == "html":
        sys.stdout.buffer.write(visible(page(answer, sessions, book)).encode())
        sys.stdout.buffer.flush()
    else:
        _explain(console(), answer, explained_lines(answer, sessions, book))


def _explain(out: Console, answer: Answer, lines: list[ExplainedLine]) -> None:
    if answer.outcome is not None:
        out.print(f"Claim/{fhir_id(answer.claim)} could not be processed:")
        for sentence in outcome_lines(Tally.of([answer])):
            _print(out, 2, sentence)
    if (ended := standing(answer)) is not None:
        out.print(f"Claim/{answer.claim}: {ended}")
    if answer.determination is not None:
        out.print(f"Claim/{answer.claim}: {disposition(answer.determination)}")
    for line in lines:
        _explain_line(out, line)
    for each in answer.passed_over:
        out.print()
        _print(out, 0, warning(each))


def _explain_line(out: Console, explained: ExplainedLine) -> None:
    """One line: its decision and visit, the findings in their groups, what to fix."""
    _head(out, explained)
    _visit(out, explained)
    for group, findings in explained.groups():
        out.print(f"\n{group}:")
        if group is Group.NOT_APPLICABLE:
            for why, rules in same_reason(findings).items():
                _print(out, 2, f"{', '.join(rules)} ({why})", "dim")
            continue
        for finding in findings:
            _explain_finding(out, finding, explained)
    out.print(f"\n{explained.next_heading()}{':' if explained.fixes() else '.'}")
    for fix in explained.fixes():
        _print(out, 2, f"- {fix}")


def _head(out: Console, explained: ExplainedLine) -> None:
    line = explained.line
    head = f"Line {line.sequence}, {line.code or 'no readable code'}, {line.service_date or 'no date'}: "
    colour = COLOUR.get(line.decision.name, "") if explained.answered else ""
    by_itself = "" if explained.answered else f" (the claim is rejected; by itself {DECIDED[line.decision]})"
    out.print()
    out.print(Text.assemble(head, (explained.decided, f"bold {colour}"), by_itself))
    _print(out, 2, f"Payer: {explained.payer}")
    for policy in explained.policies:
        _print(out, 2, f"Policy: {policy.title}")


def _visit(out: Console, explained: ExplainedLine) -> None:
    visit = timeline(explained)
    if visit is None:
        return
    out.print(f"\nVisit. {visit.summary}")
    for name, row in visit_rows(visit, out.width - 2, plain=out.options.ascii_only):
        if name:
            out.print(Text(f"  {name:<{NAME_WIDTH}}{row}"))
        else:
            _print(out, 2 + NAME_WIDTH, row, "dim")


def _explain_finding(out: Console, finding: Finding, explained: ExplainedLine) -> None:
    said = label(finding)
    sentence = _folded(out, f"{explained.criterion(finding)} ({finding.rule})", INDENT, INDENT).lstrip()
    verdict = (f"  {said.upper():<{INDENT - 2}}", LABEL_COLOUR.get(said, ""))
    out.print(Text.assemble(verdict, (sentence, "bold")), soft_wrap=True)
    for name, text in _said(finding, explained):
        _print(out, INDENT, f"{name}: {text}", "" if name in ("found", "needed", "next") else "dim")


def _said(finding: Finding, explained: ExplainedLine) -> Iterator[tuple[str, str]]:
    """All that belongs to a finding, each part by its name."""
    yield "found", finding.found
    if finding.needed:
        yield "needed", finding.needed
    if finding.noteworthy:
        yield "weight", weight(finding, explained.line)
    for reason in explained.reasons_of(finding):
        yield "code", f"{reason} {reason.meaning}".rstrip()
    if finding.fix:
        yield "next", finding.fix
    for value in explained.policy_values(finding):
        yield f"policy value {value.name}", str(value)
    for used in finding.used:
        yield used.name, f"{used.value}   from {_plain(str(used.origin))}" if used.origin else used.value
    yield "source", source(finding)
    yield "layer", explained.layer(finding)


def _plain(origin: str) -> str:
    """An origin in one run of words; an expression of several lines folds like any other text."""
    return " ".join(origin.split())


def _print(out: Console, indent: int, text: str, style: str = "") -> None:
    """Text of which what goes over to another line stands a little further in."""
    out.print(Text(_folded(out, text, indent, indent + 2), style=style), soft_wrap=True)


def _folded(out: Console, text: str, first: int, others: int) -> str:
    """Lines no wider than the terminal, broken between words, as far in as told."""
    width = max(out.width, others + NARROWEST)
    return fill(text, width, initial_indent=" " * first, subsequent_indent=" " * others, break_on_hyphens=False)
