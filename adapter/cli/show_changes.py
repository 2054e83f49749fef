"""What a dry run would change, as tables for people: the sums first, then claim by claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapter.answers.answer import Written
from adapter.answers.change_json import in_cents
from adapter.answers.difference import Difference, LineDifference, gone
from adapter.answers.operation_outcome import fhir_id
from adapter.answers.said import Amount, Line, Standing
from adapter.answers.totals import UNCHANGING, Effect, Swaps, Totals, effect, is_change
from adapter.cli.console import COLOUR, folding
from adapter.sync.foreseen import CLAIMS_SHOWN

_WORDS = {
    Standing.NO_ANSWER: "no answer",
    Standing.CANCELLED: "cancelled",
    Standing.OPERATION_OUTCOME: "OperationOutcome",
    Standing.PENDING: "pending",
    Standing.OTHER: "not ours",
}
K = TypeVar("K", str, tuple[str, str])


def show_changes(out: Console, sums: Totals, written: Sequence[Written]) -> None:
    """Sums over all answers, then the first of those that would not be left as they are."""
    counts = ", ".join(f"{each.value} {sums.answers[each]}" for each in Effect if sums.answers[each])
    out.print(f"Of the answers a run would {counts}." if counts else "A run would write no answers.", soft_wrap=True)
    for table in (_moves(sums), _reasons(sums), _claims(written)):
        if table.row_count:
            out.print(table)
    if (more := _changed(sums) - CLAIMS_SHOWN) > 0:
        out.print(f"... and {more} more answers; --format json has them all.", soft_wrap=True)


# --- sums


def _moves(sums: Totals) -> Table:
    table = folding("from", "to", "lines", "submitted on them", title="Lines decided otherwise")
    for move, count in sums.lines.most_common():
        table.add_row(*map(_word, move), str(count), _sums(sums.submitted.get(move, {})))
    return table


def _reasons(sums: Totals) -> Table:
    """Rules, codes and policies: on how many lines each is no longer named, and on how many newly."""
    table = folding("reason", "no longer", "newly", title="Reasons, by the lines that name them")
    for (decision, rule), swaps in _by_weight(sums.rules):
        table.add_row(f"rule {rule} ({decision})", *_swaps(swaps))
    for (system, code), swaps in _by_weight(sums.codes):
        table.add_row(f"{system} {code}", *_swaps(swaps))
    for policy, swaps in _by_weight(sums.policies):
        table.add_row(f"policy {policy}", *_swaps(swaps))
    return table


def _by_weight(counted: Mapping[K, Swaps]) -> list[tuple[K, Swaps]]:
    return sorted(counted.items(), key=lambda each: (-each[1].gone - each[1].new, each[0]))


def _swaps(swaps: Swaps) -> tuple[str, str]:
    return str(swaps.gone or ""), str(swaps.new or "")


def _sums(by_currency: Mapping[str, Decimal]) -> str:
    return ", ".join(_money(currency, value) for currency, value in sorted(by_currency.items()))


def _money(currency: str, value: Decimal) -> str:
    return f"{in_cents(value)} {currency or '(no currency)'}"


# --- claim by claim


def _claims(written: Iterable[Written]) -> Table:
    table = folding("claim", "line", "decision", "submitted", "reasons", title="Answers that would change")
    for number, each in enumerate(filter(is_change, written)):
        if number == CLAIMS_SHOWN:
            break
        for row in _rows(each):
            table.add_row(*row)
    return table


def _changed(sums: Totals) -> int:
    return sum(count for of, count in sums.answers.items() if of not in UNCHANGING)


def _rows(written: Written) -> Iterator[tuple[str | Text, ...]]:
    """A row for each line of which something else is said; one for an answer that differs in nothing but its words."""
    difference, claim = written.difference, fhir_id(written.claim) or "-"
    if difference is None:
        return
    changes = effect(written) is Effect.CHANGE
    lines = difference.lines if changes else _lines_only(difference.lines)
    for number, each in enumerate(lines):
        line = "-" if each.line is None else str(each.line)
        decision = _from_to(each.before.standing, each.after.standing)
        yield claim if number == 0 else "", line, decision, _submitted(each), _why(each) if changes else _codes(each)
    if not lines:
        yield claim, "-", _from_to(difference.before.standing, difference.after.standing), "", _words_only(difference)


def _lines_only(lines: Sequence[LineDifference]) -> Sequence[LineDifference]:
    """The lines of an answer that is new or gone; what is said beside them only where it has none."""
    return [each for each in lines if each.line is not None] or lines


def _from_to(before: Standing, after: Standing) -> Text:
    if before is after:
        return _word(after)
    if before is Standing.NO_ANSWER:
        return Text.assemble("new: ", _word(after))
    if after is Standing.NO_ANSWER:
        return Text.assemble("gone: ", _word(before))
    return Text.assemble(_word(before), " -> ", _word(after))


def _word(standing: Standing) -> Text:
    return Text(_WORDS.get(standing, standing.value), style=COLOUR.get(standing.value, ""))


def _submitted(line: LineDifference) -> str:
    return _money(line.submitted.currency, line.submitted.value) if line.submitted else ""


def _codes(line: LineDifference) -> str:
    return " ".join(code for _, code in gone(line.before.codes | line.after.codes, frozenset()))


def _why(line: LineDifference) -> str:
    """``-`` before what is no longer said, ``+`` before what is new. That a denied line has no benefit goes unsaid."""
    return " ".join(
        [
            *(f"-{each}" for each in _named(line.before, line.after)),
            *(f"+{each}" for each in _named(line.after, line.before)),
        ]
    )


def _named(one: Line, other: Line) -> Iterator[str]:
    yield from (code for _, code in gone(one.codes, other.codes))
    yield from (rule for _, rule in gone(one.rules, other.rules))
    yield from (f"[{policy}]" for policy in gone(one.policies, other.policies))
    yield from (_amount(each) for each in gone(one.amounts, other.amounts) if each.value and other.amounts)


def _amount(amount: Amount) -> str:
    return f"{amount.category} {_money(amount.currency, amount.value)}"


def _words_only(difference: Difference) -> str:
    return f"other words in {', '.join(difference.elements)}" if difference.elements else ""
