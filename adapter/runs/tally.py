"""What an item did, in numbers and names that can be kept and added up; no health data beyond the ids of claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from adapter.answers.answer import Action
from adapter.evidence.references import Json
from adapter.runs.model import ItemState, Look
from adapter.sync.report import Report

RELATED, REASONS, UNANSWERED, NOTICES = "related", "reasons", "no_answer", "notices"


def tally(report: Report, look: Look) -> Json:
    """A report as it is kept. What is looked at again was counted before: of that, only the writes count."""
    written = Counter(each.action.value for each in report.written)
    kept: Json = {
        "written": {action.value: written.get(action.value, 0) for action in Action},
        UNANSWERED: [{"claim": each.claim, "problem": each.problem} for each in report.unanswered],
        NOTICES: report.warnings,
        RELATED: report.related,
    }
    if look is Look.AGAIN:
        return kept
    summary = {name: value for name, value in report.summary().items() if name != "elapsed_seconds"}
    return summary | kept | {REASONS: _reasons(report)}


def _reasons(report: Report) -> Json:
    """How often each rule decided, by the decision."""
    found: dict[str, Counter[str]] = {}
    for answer in report.answers:
        for line in answer.determination.lines if answer.determination else ():
            deciding = (each.rule for each in line.deciding if each.noteworthy)
            found.setdefault(line.decision.name, Counter()).update(deciding)
    return {decision: dict(rules) for decision, rules in sorted(found.items())}


def totals(items: Iterable[ItemState]) -> Json:
    """What a run did: the sum of what its items did, and those that were given up."""
    sum_of_all: Json = tally(Report(), Look.WINDOW)
    sum_of_all = {name: value for name, value in sum_of_all.items() if name != RELATED}
    failed, done = [], 0
    for each in items:
        if each.tally is not None:
            told = {name: value for name, value in each.tally.items() if name != RELATED}
            sum_of_all, done = added(sum_of_all, told), done + 1
        else:
            failed.append({"item": each.item.number, "why": each.failed or "cancelled"})
    sum_of_all[NOTICES] = sorted(set(sum_of_all[NOTICES]))
    return sum_of_all | {"items": {"done": done, "failed": len(failed)}, "given_up": failed}


def added(one: Any, other: Any) -> Any:
    """Numbers added up, lists one after the other, objects by their names."""
    if isinstance(one, dict):
        return {
            name: added(one[name], other[name]) if name in one and name in other else {**one, **other}[name]
            for name in dict.fromkeys([*one, *other])
        }
    return one + other


def complete(totals: Json) -> bool:
    """Every claim in scope got its answer."""
    return not totals[UNANSWERED] and not totals["given_up"]
