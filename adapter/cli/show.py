"""Results for people (tables) and machines (JSON). Nothing here decides anything."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from adapter.answers.answer import Action
from adapter.answers.decisions import line_json
from adapter.answers.operation_outcome import fhir_id
from adapter.cli import changes_json
from adapter.cli.console import (
    COLOUR,
    console,
    folding,
    outcome_lines,
    print_json,
    print_json_line,
    print_json_listing,
    visible,
)
from adapter.cli.show_changes import show_changes
from adapter.coverage.finding import Decision, LineDetermination
from adapter.errors import ConfigurationFault
from adapter.evidence.references import Json
from adapter.fhir.version import NAMES
from adapter.policy.book import Policy, PolicyBook
from adapter.reconcile.adjudicator import Adjudicator
from adapter.sync.report import LINES_SHOWN, Report

# --- sync


def report(done: Report, output_format: str, target: str, *, dry_run: bool, stays: bool) -> None:
    """What a run did; ``stays``: what it wrote before it was asked to end."""
    complaints(done, stays=stays)
    if output_format == "json":
        _report_json(done, dry_run)
        return
    _report_tables(done, target, dry_run)


def report_line(done: Report, began: datetime) -> None:
    """What one of many runs did, as a line of NDJSON."""
    print_json_line({"instant": began.isoformat(timespec="seconds")} | _counted(done))


def _counted(done: Report) -> Json:
    return done.summary() | {"written": written_counts(done)}


def complaints(done: Report, *, stays: bool = True) -> None:
    """What a run left undone, and what it warns of; ``stays`` as in ``report``."""
    for each in done.unanswered:
        whom = f"Claim/{fhir_id(each.claim)}" if each.claim else "some claims"
        complain(f"no answer for {whom}: {each.problem}")
    for missing in done.missing:
        complain(f"there is no Claim/{missing}")
    for warning in (*done.unread, *done.warnings):
        complain(warning)
    if done.ended_early:
        nothing = "ended as asked before all claims were looked at; nothing was written. Run it again to begin anew"
        complain(_how_far(done) if stays else nothing)


def _how_far(done: Report) -> str:
    """What a run that was asked to end has done, and how to go on."""
    known = f"every claim last changed before {done.reached} has its answer" if done.reached else "the rest is due"
    return f"ended as asked after {done.written.total() or done.tally.claims} answers; {known}. Run it again to go on"


def complain(sentence: str) -> None:
    """A sentence on stderr."""
    sys.stderr.write(visible(f"coaching-adapter: {sentence}") + "\n")


def written_counts(done: Report) -> Json:
    """How many answers were created, updated, ..."""
    return {action.value: done.written.get(action, 0) for action in Action if action is not Action.REMOVED}


def _report_json(done: Report, dry_run: bool) -> None:
    if not dry_run:
        print_json(_counted(done))
        return
    sums = {"totals": changes_json.totals(done.foreseen.totals)}
    print_json_listing(_counted(done) | sums, "changes", done.foreseen.in_order())


def _report_tables(done: Report, target: str, dry_run: bool) -> None:
    out, lines = console(), _lines(done)
    # Where claims of many were decided anew, not all lines are at hand; then none are shown.
    if 0 < len(lines) == done.tally.lines.total() <= LINES_SHOWN and not dry_run:
        out.print(_line_table(lines))
    out.print(decision_table(done))
    for sentence in sentences(done):
        out.print(sentence, soft_wrap=True)
    if dry_run:
        show_changes(out, done.foreseen.totals, done.foreseen.first)
    elif done.written:
        counts = ", ".join(f"{count} {name}" for name, count in written_counts(done).items() if count)
        out.print(f"Written: {counts}.")
    summary = done.summary()
    out.print(f"{target}; {summary['elapsed_seconds']:.1f} s.", soft_wrap=True)


def _lines(done: Report) -> list[tuple[str, LineDetermination]]:
    return sorted(done.tally.first_lines, key=lambda each: (each[0], each[1].sequence))


def _line_table(lines: list[tuple[str, LineDetermination]]) -> Table:
    table = folding("claim", "line", "code", "date", "decision", "codes", "why", title="Decisions")
    for claim, line in lines:
        described = line_json(line, claim)
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


def decision_table(done: Report) -> Table:
    """Lines by decision, with the rules that decided most often."""
    table = folding("decision", "lines", "most frequent reasons", title="Summary")
    for name, count in done.summary()["lines"].items():
        rules = done.tally.reasons.get(name, Counter())
        most = sorted(rules.items(), key=lambda each: (-each[1], each[0]))[:4]
        reasons = ", ".join(f"{rule} {times}" for rule, times in most)
        table.add_row(_decision_text(Decision[name]), str(count), reasons)
    return table


def sentences(done: Report) -> list[str]:
    """What there is to say of a run beside the table."""
    counts = done.summary()
    claims, outcomes, read = counts["claims"], counts["operation_outcomes"], counts["read"]
    found = [
        f"Claims: {claims['in_scope']} in scope, {claims['out_of_scope']} out of scope, "
        f"{claims['unanswered']} unanswered.",
    ]
    if outcomes["claims"] or outcomes["unreadable_input"]:
        lines = outcome_lines(done.tally)
        found.append(
            f"OperationOutcomes: {outcomes['claims']} claims that could not be processed, "
            f"{outcomes['unreadable_input']} places that could not be read{':' if lines else '.'}"
        )
        found += [f"  {line}" for line in lines]
    if ignored := counts["warnings"]["unknown_elements"]:
        found.append(f"Passed over: {ignored} elements that FHIR does not know; each is noted in its ClaimResponse.")
    if done.structure_trusted:
        found.append("Trusted: the structure of resources was not validated (--trust-structure).")
    if read["files"]:
        found.append(
            f"Read: {read['resources']} resources from {read['files']} files; "
            f"{read['not_fhir']} were JSON but no FHIR, "
            f"{read['superseded']} older or repeated versions."
        )
    return found


# --- policies and check


def policies(book: PolicyBook, output_format: str) -> None:
    """Payers with their policies, a payer without one as such; then what binds every payer, and overlays."""
    rows = [*_by_payer(book), *_of_no_payer(book)]
    if output_format == "json":
        print_json(rows)
        return
    out, table = console(), folding("payer", "policy", "version", "effective", "next review", "rules")
    for row in rows:
        table.add_row(
            row["title"],
            row["policy"] or "none published: review",
            row["version"] or "-",
            row["effective"] or "-",
            row["next_review"] or "-",
            str(row["rules"]),
        )
    out.print(table)
    for row in rows:
        out.print(f"{row['title']}: {row['note']}")


def _by_payer(book: PolicyBook) -> Iterator[Json]:
    for payer, names in sorted(book.by_payer.items()):
        title, note = book.payer_titles[payer], book.payer_notes[payer]
        for name in names:
            yield {"payer": payer, "title": title} | _policy_row(book.policies[name], note)
        if not names:
            nothing = {"policy": None, "version": None, "effective": None, "next_review": None, "rules": 0}
            yield {"payer": payer, "title": title} | nothing | {"note": note}


def _of_no_payer(book: PolicyBook) -> Iterator[Json]:
    """The common rules, overlays, and policies that only others extend, which bind through those."""
    listed = {name for names in book.by_payer.values() for name in names}
    for name, policy in sorted(book.policies.items()):
        if name not in listed:
            binds = "every payer" if name == book.common else _overlaid(policy, book)
            yield {"payer": None, "title": binds} | _policy_row(policy, policy.header.title)


def _overlaid(policy: Policy, book: PolicyBook) -> str:
    """Which claims an overlay lies on."""
    overlay = policy.header.overlay
    if overlay is None:
        return "through those that extend it"
    payer = book.payer_titles[overlay.payer] if overlay.payer else "every payer"
    return "; ".join(
        [payer, *(f"plan {each}" for each in overlay.plans), *(f"state {each}" for each in overlay.states)]
    )


def _policy_row(policy: Policy, note: str) -> Json:
    header = policy.header
    return {
        "policy": header.policy,
        "version": header.version,
        "effective": str(header.effective),
        "next_review": str(header.next_review) if header.next_review else None,
        "rules": len(policy.rules),
        "note": header.note or note,
    }


def checked(adjudicator: Adjudicator, notices: Sequence[ConfigurationFault]) -> None:
    """That everything loaded, how much of it, and what of it does nothing."""
    for each in notices:
        sys.stderr.write(f"coaching-adapter: notice: {each}\n")
    mappings, book = adjudicator.mappings, adjudicator.book
    counted = ", ".join(
        f"{len(each.resources)} resource mappings for FHIR {NAMES[each.version]}" for each in adjudicator.loaded
    )
    console().print(
        f"In order: {counted}, "
        f"{len(book.policies)} policies, {len(mappings.payers.payers)} payers, "
        f"ICD-10-CM edition {adjudicator.icd10cm.edition}, settings.",
        soft_wrap=True,
    )
