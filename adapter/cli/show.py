"""Results for people (tables) and machines (JSON). Nothing here decides anything."""

from __future__ import annotations

import sys
from collections import Counter

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapter.answers.answer import Action, Answer
from adapter.answers.decisions import line_json
from adapter.answers.words import DECIDED, disposition, noteworthy
from adapter.coverage.finding import Decision, Finding, LineDetermination, Verdict
from adapter.evidence.references import Json
from adapter.policy.book import PolicyBook
from adapter.reconcile import Adjudicator
from adapter.sync import Report

LINES_SHOWN = 100
"""Runs of up to this many lines are shown line by line; of larger ones only the counts."""
ORIGIN_SHOWN = 110
"""Characters of an origin that a terminal shows."""
COLOUR = {"APPROVE": "green", "DENY": "red", "PEND": "yellow", "REVIEW": "cyan", "REJECT": "magenta"}
VERDICT_COLOUR = {
    Verdict.MET: "green",
    Verdict.NOT_MET: "red",
    Verdict.INSUFFICIENT: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}


def _console() -> Console:
    """Stdout as it is: as wide as the terminal, and wide enough for a table where there is none."""
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def _json(value: Json | list[Json]) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


# --- sync


def report(done: Report, output_format: str, target: str, dry_run: bool) -> None:
    """What a run did."""
    for each in done.unanswered:
        sys.stderr.write(f"coaching-adapter: no answer for Claim/{each.claim}: {each.problem}\n")
    for missing in done.missing:
        sys.stderr.write(f"coaching-adapter: there is no Claim/{missing}\n")
    for warning in done.warnings:
        sys.stderr.write(f"coaching-adapter: {warning}\n")
    if output_format == "json":
        _json(done.summary() | {"written": _written_counts(done), **({"changes": _changes(done)} if dry_run else {})})
        return
    _report_tables(done, target, dry_run)


def _written_counts(done: Report) -> Json:
    counts = Counter(each.action.value for each in done.written)
    return {action.value: counts.get(action.value, 0) for action in Action}


def _changes(done: Report) -> list[Json]:
    return [{"claim": each.claim, "action": each.action.value} for each in done.written]


def _report_tables(done: Report, target: str, dry_run: bool) -> None:
    console, lines = _console(), _lines(done)
    if 0 < len(lines) <= LINES_SHOWN:
        console.print(_line_table(lines))
    console.print(_decision_table(done))
    for sentence in _sentences(done):
        console.print(sentence, soft_wrap=True)
    if done.written:
        counts = ", ".join(f"{count} {name}" for name, count in _written_counts(done).items() if count)
        console.print(f"{'Would be' if dry_run else 'Written'}: {counts}.")
    if dry_run:
        for each in done.written:
            if each.action is not Action.UNCHANGED:
                console.print(f"  would be {each.action.value}: the answer to Claim/{each.claim}", soft_wrap=True)
    summary = done.summary()
    console.print(f"{target}; {summary['elapsed_seconds']:.1f} s.", soft_wrap=True)


def _lines(done: Report) -> list[tuple[str, LineDetermination]]:
    found = [
        (each.determination.claim, line)
        for each in done.answers
        if each.determination
        for line in each.determination.lines
    ]
    return sorted(found, key=lambda each: (each[0], each[1].sequence))


def _line_table(lines: list[tuple[str, LineDetermination]]) -> Table:
    table = Table("claim", "line", "code", "date", "decision", "codes", "why", title="Decisions", title_justify="left")
    for claim, line in lines:
        described = line_json(line, claim, "")
        codes = " ".join([*described["carc"], *described["rarc"]])
        table.add_row(
            claim,
            str(line.sequence),
            line.code or "-",
            str(line.service_date or "-"),
            _decision_text(line.decision),
            codes,
            _why(line),
        )
    return table


def _decision_text(decision: Decision) -> Text:
    return Text(decision.name, style=COLOUR.get(decision.name, ""))


def _why(line: LineDetermination) -> str:
    """The deciding findings in a few words; how many more there are to read."""
    deciding = [each for each in line.deciding if each.noteworthy]
    if not deciding:
        return "all criteria met"
    words = "; ".join(dict.fromkeys(each.found for each in deciding))
    return words if len(words) <= 90 else f"{words[:87]}..."


def _decision_table(done: Report) -> Table:
    table = Table("decision", "lines", "most frequent reasons", title="Summary", title_justify="left")
    lines = [line for _, line in _lines(done)]
    for name, count in done.summary()["lines"].items():
        rules = Counter(
            each.rule for line in lines if line.decision.name == name for each in line.deciding if each.noteworthy
        )
        reasons = ", ".join(f"{rule} {times}" for rule, times in rules.most_common(4))
        table.add_row(_decision_text(Decision[name]), str(count), reasons)
    return table


def _sentences(done: Report) -> list[str]:
    counts = done.summary()
    claims, outcomes, read = counts["claims"], counts["operation_outcomes"], counts["read"]
    sentences = [
        f"Claims: {claims['in_scope']} in scope, {claims['out_of_scope']} out of scope, "
        f"{claims['unanswered']} unanswered.",
    ]
    if outcomes["claims"] or outcomes["unreadable_input"]:
        sentences.append(
            f"OperationOutcomes: {outcomes['claims']} claims that could not be processed, "
            f"{outcomes['unreadable_input']} places that could not be read:"
        )
        sentences += [f"  {line}" for line in _outcome_lines(done.answers)]
    if read["files"]:
        sentences.append(
            f"Read: {read['resources']} resources from {read['files']} files; "
            f"{read['not_fhir']} were JSON but no FHIR, "
            f"{read['superseded']} older or repeated versions."
        )
    return sentences


def _outcome_lines(answers: list[Answer], limit: int = 25) -> list[str]:
    """Each OperationOutcome in one line: where, what, and the element."""
    found = []
    for answer in answers:
        for issue in (answer.outcome or {}).get("issue", []):
            who = f"Claim/{answer.claim}: " if answer.claim else ""
            found.append(f"{who}{issue['details']['text']} ({issue.get('diagnostics', 'no place known')})")
    more = [f"... and {len(found) - limit} more in OperationOutcome.ndjson"] if len(found) > limit else []
    return found[:limit] + more


# --- explain


def explanation(answer: Answer, output_format: str) -> None:
    """One claim's determination, or why there is none."""
    determination = answer.determination
    if output_format == "json":
        lines = (
            []
            if determination is None
            else [line_json(each, determination.claim, determination.policy) for each in determination.lines]
        )
        _json({"claim": answer.claim, "lines": lines, "operation_outcome": answer.outcome})
        return
    console = _console()
    if determination is None:
        console.print(f"Claim/{answer.claim} could not be processed:", soft_wrap=True)
        for sentence in _outcome_lines([answer]):
            console.print(f"  {sentence}", soft_wrap=True)
        return
    console.print(f"Claim/{determination.claim}: {disposition(determination)}", soft_wrap=True)
    for line in determination.lines:
        _explain_line(console, line)


def _explain_line(console: Console, line: LineDetermination) -> None:
    """One line: what decided it, what else was found, what is in order, what does not concern it."""
    head = f"Line {line.sequence}, {line.code or 'no readable code'}, {line.service_date or 'no date'}: "
    colour = COLOUR.get(line.decision.name, "")
    console.print()
    console.print(Text.assemble(head, (DECIDED[line.decision], f"bold {colour}")))
    for finding in noteworthy(line):
        _explain_finding(console, finding)
    in_order = [each for each in line.findings if each.verdict is Verdict.MET and not each.noteworthy]
    if in_order:
        console.print("\nIn order:")
        for finding in in_order:
            _explain_finding(console, finding)
    skipped = [f"{each.rule} ({each.found})" for each in line.findings if each.verdict is Verdict.NOT_APPLICABLE]
    if skipped:
        console.print(f"\nNot applicable: {'; '.join(skipped)}.", soft_wrap=True)
    fixes = list(dict.fromkeys(each.fix for each in noteworthy(line) if each.fix))
    if fixes:
        console.print("\nWhat to fix and resubmit:")
        for fix in fixes:
            console.print(f"  - {fix}", soft_wrap=True)


def _explain_finding(console: Console, finding: Finding) -> None:
    verdict = Text(f"  {finding.verdict.value.upper():<13}", style=VERDICT_COLOUR[finding.verdict])
    decides = f"  decides: {_decides(finding)}" if finding.noteworthy else ""
    console.print(Text.assemble(verdict, (finding.rule, "bold"), decides), soft_wrap=True)
    indent = " " * 15
    needed = f"; needed: {finding.needed}" if finding.needed else ""
    console.print(f"{indent}{finding.found}{needed}", soft_wrap=True)
    for used in finding.used:
        origin = f"   from {_short(str(used.origin))}" if used.origin else ""
        console.print(Text(f"{indent}{used.name}: {used.value}{origin}", style="dim"), soft_wrap=True)
    console.print(Text(f"{indent}source: {finding.citation}", style="dim"), soft_wrap=True)


def _decides(finding: Finding) -> str:
    name = "nothing, advice only" if finding.advisory else finding.decision.name
    codes = [f"CARC {code}" for code in finding.carc] + [f"RARC {code}" for code in finding.rarc]
    return ", ".join([name, *codes])


def _short(origin: str) -> str:
    """An origin that fits a line; the JSON has the whole expression."""
    plain = " ".join(origin.split())
    return plain if len(plain) <= ORIGIN_SHOWN else f"{plain[: ORIGIN_SHOWN - 3]}..."


# --- policies and check


def policies(book: PolicyBook, output_format: str) -> None:
    """Payers with their policies; a payer without one is listed as such."""
    rows: list[Json] = []
    for payer, names in sorted(book.by_payer.items()):
        for name in names or (None,):
            header = book.policies[name].header if name else None
            rows.append(
                {
                    "payer": payer,
                    "title": book.payer_titles[payer],
                    "policy": name,
                    "version": header.version if header else None,
                    "effective": str(header.effective) if header else None,
                    "next_review": str(header.next_review) if header and header.next_review else None,
                    "rules": len(book.policies[name].rules) if name else 0,
                    "note": header.note if header else book.payer_notes[payer],
                }
            )
    if output_format == "json":
        _json(rows)
        return
    table = Table("payer", "policy", "version", "effective", "next review", "rules", "note")
    for row in rows:
        table.add_row(
            row["title"],
            row["policy"] or "none published: review",
            row["version"] or "-",
            row["effective"] or "-",
            row["next_review"] or "-",
            str(row["rules"]),
            row["note"],
        )
    _console().print(table)


def checked(adjudicator: Adjudicator) -> None:
    """That everything loaded, and how much of it."""
    mappings, book = adjudicator.mappings, adjudicator.book
    _console().print(
        f"In order: {len(mappings.resources)} resource mappings for FHIR {mappings.version.upper()}, "
        f"{len(book.policies)} policies, {len(mappings.payers.payers)} payers, "
        f"ICD-10-CM edition {adjudicator.icd10cm.edition}, settings.",
        soft_wrap=True,
    )
