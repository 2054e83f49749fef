"""What an item did, as it is kept and added up: a report of ``sync`` as JSON, and back.

No health data beyond the ids of claims, so without the lines and OperationOutcomes that ``sync`` shows one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from adapter.answers.answer import Action
from adapter.evidence.references import Json
from adapter.reconcile.reconciliation import Unanswered
from adapter.runs.model import UNFINISHED, ItemState, Look
from adapter.sync.report import Report, Tally

RELATED, CONCERNED = "related", "concerned"
REASONS, UNANSWERED, NOTICES, UNREAD = "reasons", "no_answer", "notices", "unread"


def tally(report: Report, look: Look, related: Sequence[str] = ()) -> Json:
    """A report as it is kept. What is looked at again was counted before: of that, only the writes count.

    ``related`` are the claims that refer to others, whose answers theirs may change.
    """
    if look is Look.AGAIN:
        report = Report(
            written=report.written,
            unanswered=report.unanswered,
            warnings=report.warnings,
            unread=report.unread,
            unfinished=report.unfinished,
        )
    return _json(report) | {RELATED: list(related)}


def concerned(claims: Iterable[str], notices: Iterable[str]) -> Json:
    """What an item found that decides nothing itself."""
    return _json(Report(warnings=list(notices))) | {CONCERNED: sorted(set(claims))}


def _json(report: Report) -> Json:
    summary = {name: value for name, value in report.summary().items() if name != "elapsed_seconds"}
    return summary | {
        "written": {action.value: report.written.get(action, 0) for action in Action},
        UNANSWERED: [{"claim": each.claim, "problem": each.problem} for each in report.unanswered],
        NOTICES: report.warnings,
        UNREAD: report.unread,
        REASONS: {decision: dict(rules) for decision, rules in sorted(report.tally.reasons.items())},
        **({UNFINISHED: True} if report.unfinished else {}),
    }


def report_of(kept: Json) -> Report:
    """The report that was kept, as far as it was."""
    claims, outcomes = kept["claims"], kept["operation_outcomes"]
    counts = Tally(
        claims=claims["in_scope"] - claims["unanswered"],
        lines=Counter(kept["lines"]),
        reasons={decision: Counter(rules) for decision, rules in kept[REASONS].items()},
        responses=Counter(kept["claim_responses"]),
        refused=outcomes["claims"],
        unreadable=outcomes["unreadable_input"],
        passed_over=kept["warnings"]["unknown_elements"],
    )
    return Report(
        tally=counts,
        written=Counter({Action(name): count for name, count in kept["written"].items()}),
        unanswered=[Unanswered(each["claim"], each["problem"]) for each in kept[UNANSWERED]],
        out_of_scope=claims["out_of_scope"],
        warnings=list(kept[NOTICES]),
        unread=list(kept[UNREAD]),
        structure_trusted="structure" in kept,
        unfinished=UNFINISHED in kept,
    )


def totals(items: Iterable[ItemState]) -> Json:
    """What a run did: the sum of what its items did, and those that were given up."""
    whole, failed, done = Report(), list[Json](), 0
    for each in items:
        if each.tally is not None:
            whole.absorb(report_of(each.tally))
            done += 1
        else:
            failed.append(_given_up(each))
            whole.unanswered += [Unanswered(id, f"its item was given up: {_why(each)}") for id in each.item.ids]
    whole.warnings = sorted(set(whole.warnings))
    whole.unanswered = list(
        {each.claim or each.problem: each for each in whole.unanswered}.values()
    )  # some are looked at twice
    return _json(whole) | {"items": {"done": done, "failed": len(failed)}, "given_up": failed}


def _given_up(state: ItemState) -> Json:
    """An item that came to no end, with what is known of the claims that it was to look at."""
    window = state.item.window
    extent = {"since": window.since, "until": window.until, "expected": window.claims}
    return {"item": state.item.number, "look": state.item.look.value, **extent, "why": _why(state)}


def _why(state: ItemState) -> str:
    return state.failed or "cancelled"


def complete(totals: Json) -> bool:
    """Every claim in scope got its answer."""
    return not totals[UNANSWERED] and not totals[UNREAD] and not totals["given_up"]
