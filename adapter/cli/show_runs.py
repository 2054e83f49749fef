"""Runs for people (tables) and machines (JSON). Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from adapter.cli import show
from adapter.cli.console import console, folding, print_json
from adapter.evidence.references import Json
from adapter.runs.model import Item, ItemState, Look, Refusal, RunState, State
from adapter.runs.tally import UNANSWERED, report_of, totals
from adapter.sync.report import Report

ITEMS_SHOWN = 100
"""Items of larger runs are shown when something can be told of them: they are worked on, or failed."""


def result(run: RunState, output_format: str, target: str) -> None:
    """What a run did that is over, as ``sync`` tells it."""
    kept = run.totals or totals([])
    done = report_of(kept)
    _complaints(run, kept)
    if output_format == "json":
        print_json(_result_json(run, kept, done))
        return
    out = console()
    out.print(show.decision_table(done))
    for sentence in _sentences(done):
        out.print(sentence, soft_wrap=True)
    out.print(f"{target}; run {run.id}, {_seconds(run):.1f} s.", soft_wrap=True)


def left(run: RunState) -> None:
    """That we go, and the run goes on."""
    show.complain(
        f"run {run.id} goes on where there are other workers. How far it is: coaching-adapter runs show {run.id}. "
        "The same command again goes on with it"
    )


def runs(found: Sequence[tuple[RunState, Mapping[State, int]]], output_format: str) -> None:
    """Every run in one line."""
    if output_format == "json":
        print_json([_run_json(each) | {"items": _counts_json(counts)} for each, counts in found])
        return
    table = folding("run", "server", "since", "begun", "state", "items done", "in scope", "unanswered")
    for each, counts in found:
        claims = each.totals["claims"] if each.totals else {}
        told = (claims.get(name, "-") for name in ("in_scope", "unanswered"))
        done = f"{_over(counts)} of {sum(counts.values())}"
        since = each.plan.asked or "everything"
        row = (each.id, each.plan.server, since, _instant(each.begun), each.state.value, done, *map(str, told))
        table.add_row(*map(Text, row))
    console().print(table if found else "There is no run.")


def run(
    found: RunState,
    items: Sequence[ItemState],
    refusals: Sequence[Refusal],
    present: Mapping[str, str],
    output_format: str,
) -> None:
    """One run with its items, and who works for it or does not."""
    so_far = found.totals or totals(each for each in items if each.state.over)
    if output_format == "json":
        print_json(
            _run_json(found)
            | {"items": [_item_json(each) for each in items], "totals": so_far}
            | {"refused": [{"process": each.process, "differs": list(each.differs)} for each in refusals]}
            | {"workers": [{"process": name, "basis": basis} for name, basis in sorted(present.items())]}
        )
        return
    out = console()
    for sentence in _about(found, items):
        out.print(sentence, soft_wrap=True)
    out.print(_items(items))
    for sentence in [*_sentences(report_of(so_far)), *_workers(found, refusals, present)]:
        out.print(sentence, soft_wrap=True)


# --- for people


def _about(run: RunState, items: Sequence[ItemState]) -> list[str]:
    plan, done = run.plan, sum(1 for each in items if each.state.over)
    return [
        f"Run {run.id}: {run.state}; {done} of {len(items)} items, {_seconds(run):.0f} s.",
        f"Server {plan.server}, claims changed since {plan.since or 'ever'}; decided as of {plan.instant}; "
        f"basis {plan.basis.digest}.",
    ]


def _items(items: Sequence[ItemState]) -> Table:
    table = folding("item", "looks at", "claims", "state", "worker", "attempts", "seconds", "why")
    telling = [each for each in items if each.state in (State.RUNNING, State.INCOMPLETE)]
    for each in items if len(items) <= ITEMS_SHOWN else telling:
        row = (
            str(each.item.number),
            _looks_at(each.item),
            "-" if each.tally is None else str(_claims(each.tally)),
            each.state.value,
            each.process or "-",
            str(each.attempts),
            "-" if each.seconds is None else f"{each.seconds:.1f}",
            each.failed or "",
        )
        table.add_row(*map(Text, row))
    return table


def _looks_at(item: Item) -> str:
    if item.look is Look.AGAIN:
        return f"{len(item.ids)} claims that refer to others, again"
    if item.look is Look.CONCERNED:
        return f"{len(item.ids)} claims that a change concerns"
    if item.look is Look.FIND:
        return f"{item.kind}: changed since {item.window.since}"
    return f"{item.window.since or '...'} to {item.window.until or 'now'}"


def _claims(tally: Json) -> int:
    counts: Mapping[str, int] = tally["claims"]
    return counts["in_scope"] + counts["out_of_scope"]


def _workers(run: RunState, refusals: Sequence[Refusal], present: Mapping[str, str]) -> list[str]:
    if run.state.over:
        return []
    same = sorted(name for name, basis in present.items() if basis == run.plan.basis.digest)
    named = ", ".join(same) or "none; start one: coaching-adapter worker"
    return [f"Workers: {named}."] + [
        f"Left to others by {each.process}: it decides by other {', '.join(each.differs)}." for each in refusals
    ]


def _sentences(done: Report) -> list[str]:
    counts = ", ".join(f"{count} {name}" for name, count in show.written_counts(done).items() if count)
    return [*show.sentences(done), *([f"Written: {counts}."] if counts else [])]


def _complaints(run: RunState, kept: Json) -> None:
    """What went wrong, each in a sentence."""
    if run.state is State.CANCELLED:
        show.complain(f"run {run.id} was cancelled")
    for each in kept["given_up"]:
        named = f"item {each['item']} of run {run.id}, {_extent(each)},"
        show.complain(f"{named} was given up, and not all of its claims are answered: {each['why']}")
    show.complaints(report_of(kept))


def _extent(given_up: Json) -> str:
    """Which claims an item was to look at, as far as that is known without reading them."""
    if given_up.get("since") or given_up.get("until"):
        return f"claims changed from {given_up.get('since') or 'ever'} to {given_up.get('until') or 'now'}"
    return "all claims" if given_up.get("look") == Look.WINDOW.value else "claims named below"


# --- for machines


def _result_json(run: RunState, kept: Json, done: Report) -> Json:
    took = {"elapsed_seconds": round(_seconds(run), 3), "run": run.id, "state": run.state.value}
    items = {name: kept[name] for name in ("items", "given_up")}
    return done.summary() | {"written": show.written_counts(done)} | items | took


def _run_json(run: RunState) -> Json:
    plan = run.plan
    return {
        "run": run.id,
        "server": plan.server,
        "asked": plan.asked,
        "since": plan.since,
        "instant": plan.instant,
        "basis": {
            "digest": plan.basis.digest,
            "program": plan.basis.program,
            "mappings": plan.basis.mappings,
            "settings": plan.basis.settings,
        },
        "state": run.state.value,
        "begun": _instant(run.begun),
        "ended": _instant(run.ended) if run.ended else None,
        "totals": run.totals,
    }


def _counts_json(counts: Mapping[State, int]) -> Json:
    return {state.value: count for state, count in counts.items()}


def _item_json(found: ItemState) -> Json:
    item = found.item
    return {
        "item": item.number,
        "look": item.look.value,
        "since": item.window.since,
        "until": item.window.until,
        "expected": item.window.claims,
        "ids": len(item.ids),
        "kind": item.kind or None,
        "state": found.state.value,
        "worker": found.process,
        "attempts": found.attempts,
        "seconds": found.seconds,
        "claims": None if found.tally is None else found.tally.get("claims"),
        "unanswered": [] if found.tally is None else found.tally[UNANSWERED],
        "failed": found.failed,
    }


def _over(counts: Mapping[State, int]) -> int:
    return sum(count for state, count in counts.items() if state.over)


def _seconds(run: RunState) -> float:
    return max(0.0, (run.ended or datetime.now(UTC).timestamp()) - run.begun)


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
