"""One claim's determination for a terminal: what decided it, what else was found, what is in order."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from adapter.answers.answer import Answer
from adapter.answers.decisions import line_json
from adapter.answers.words import DECIDED, disposition, noteworthy
from adapter.cli.console import COLOUR, console, outcome_lines, print_json
from adapter.coverage.finding import Finding, LineDetermination, Verdict

VERDICT_COLOUR = {
    Verdict.MET: "green",
    Verdict.NOT_MET: "red",
    Verdict.INSUFFICIENT: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}
ORIGIN_SHOWN = 110
"""Characters of an origin that a terminal shows."""


def explanation(answer: Answer, output_format: str) -> None:
    """One claim's determination, or why there is none."""
    determination = answer.determination
    if output_format == "json":
        lines = (
            []
            if determination is None
            else [line_json(each, determination.claim, determination.policy) for each in determination.lines]
        )
        print_json({"claim": answer.claim, "lines": lines, "operation_outcome": answer.outcome})
        return
    out = console()
    if determination is None and answer.response is not None:
        out.print(f"Claim/{answer.claim}: {answer.response['disposition']}", soft_wrap=True)
        return
    if determination is None:
        out.print(f"Claim/{answer.claim} could not be processed:", soft_wrap=True)
        for sentence in outcome_lines([answer]):
            out.print(f"  {sentence}", soft_wrap=True)
        return
    out.print(f"Claim/{determination.claim}: {disposition(determination)}", soft_wrap=True)
    for line in determination.lines:
        _explain_line(out, line)


def _explain_line(out: Console, line: LineDetermination) -> None:
    """One line: what decided it, what else was found, what is in order, what does not concern it."""
    head = f"Line {line.sequence}, {line.code or 'no readable code'}, {line.service_date or 'no date'}: "
    colour = COLOUR.get(line.decision.name, "")
    out.print()
    out.print(Text.assemble(head, (DECIDED[line.decision], f"bold {colour}")))
    for finding in noteworthy(line):
        _explain_finding(out, finding)
    in_order = [each for each in line.findings if each.verdict is Verdict.MET and not each.noteworthy]
    if in_order:
        out.print("\nIn order:")
        for finding in in_order:
            _explain_finding(out, finding)
    skipped = [f"{each.rule} ({each.found})" for each in line.findings if each.verdict is Verdict.NOT_APPLICABLE]
    if skipped:
        out.print(f"\nNot applicable: {'; '.join(skipped)}.", soft_wrap=True)
    fixes = list(dict.fromkeys(each.fix for each in noteworthy(line) if each.fix))
    if fixes:
        out.print("\nWhat to fix and resubmit:")
        for fix in fixes:
            out.print(f"  - {fix}", soft_wrap=True)


def _explain_finding(out: Console, finding: Finding) -> None:
    verdict = Text(f"  {finding.verdict.value.upper():<13}", style=VERDICT_COLOUR[finding.verdict])
    decides = f"  decides: {_decides(finding)}" if finding.noteworthy else ""
    out.print(Text.assemble(verdict, (finding.rule, "bold"), decides), soft_wrap=True)
    indent = " " * 15
    needed = f"; needed: {finding.needed}" if finding.needed else ""
    out.print(f"{indent}{finding.found}{needed}", soft_wrap=True)
    for used in finding.used:
        origin = f"   from {_short(str(used.origin))}" if used.origin else ""
        out.print(Text(f"{indent}{used.name}: {used.value}{origin}", style="dim"), soft_wrap=True)
    out.print(Text(f"{indent}source: {finding.citation}", style="dim"), soft_wrap=True)


def _decides(finding: Finding) -> str:
    name = "nothing, advice only" if finding.advisory else finding.decision.name
    codes = [f"CARC {code}" for code in finding.carc] + [f"RARC {code}" for code in finding.rarc]
    return ", ".join([name, *codes])


def _short(origin: str) -> str:
    """An origin that fits a line; the JSON has the whole expression."""
    plain = " ".join(origin.split())
    return plain if len(plain) <= ORIGIN_SHOWN else f"{plain[: ORIGIN_SHOWN - 3]}..."
