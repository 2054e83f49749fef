"""What a dry run prints: sums first, then the claims; nothing cut off, nothing that steers a terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from command_line import STORY, Command
from dry_run.made import cancelled, outcome, response
from rich.console import Console

from adapter.answers.answer import Action, Written
from adapter.answers.change_json import change_json
from adapter.answers.difference import difference
from adapter.answers.totals import Totals
from adapter.cli.show_changes import show_changes
from adapter.sync.foreseen import CLAIMS_SHOWN

Json = dict[str, Any]


def changed(claim: str, old: Json | None, new: Json | None, *elements: str) -> Written:
    action = Action.CREATED if old is None else Action.REMOVED if new is None else Action.UPDATED
    return Written(claim, action, difference=difference(old, new, elements))


WRITTEN = [
    changed("approved-now", response("DENY"), response("APPROVE")),
    changed("two-lines", response("DENY", "APPROVE"), response("PEND", "APPROVE", policy="common 2026-02-01")),
    changed("rejected", response("DENY"), response("REJECT")),
    changed("cancelled", response("APPROVE"), cancelled("APPROVE")),
    changed("to-outcome", response("PEND"), outcome("structure")),
    changed("amended", response("APPROVE", net=80), response("APPROVE", net=85.5)),
    changed("other-words", response("DENY"), response("DENY"), "disposition", "processNote"),
    changed("another-currency", response("DENY", currency="CAD"), response("APPROVE", currency="CAD")),
    changed("new", None, response("DENY")),
    changed("new-outcome", None, outcome("structure")),
    changed("gone", response("REVIEW"), None),
    Written("left", Action.UNCHANGED),
    Written("failed", Action.FAILED, "conflict"),
]


def printed(written: list[Written], width: int = 120) -> list[str]:
    out = io.StringIO()
    show_changes(Console(file=out, width=width, highlight=False, markup=False), Totals.of(written), written)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def cells(lines: list[str]) -> list[list[str]]:
    """The rows of all tables, headings left out."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


def test_the_sums_come_first() -> None:
    lines = printed(WRITTEN)
    assert lines[0] == "Of the answers a run would create 2, change 8, leave 1, remove 1, fail 1."
    titles = [line for line in lines[1:] if line and line[0] not in "┏┃┡│└"]
    assert titles == ["Lines decided otherwise", "Reasons, by the lines that name them", "Answers that would change"]


@pytest.mark.parametrize(
    "row",
    [
        ["DENY", "APPROVE", "2", "85.00 CAD, 85.00 USD"],
        ["DENY", "PEND", "1", "85.00 USD"],
        ["DENY", "REJECT", "1", "85.00 USD"],
        ["APPROVE", "cancelled", "1", "85.00 USD"],
        ["PEND", "OperationOutcome", "1", "85.00 USD"],
        ["no answer", "DENY", "1", "85.00 USD"],
        ["REVIEW", "no answer", "1", "85.00 USD"],
        ["rule session_length (DENY)", "4", ""],
        ["rule quantity (REJECT)", "", "1"],
        ["CARC 152", "4", ""],
        ["policy common 2026-02-01", "", "1"],
        ["approved-now", "1", "DENY -> APPROVE", "85.00 USD", "-152 -N163 -session_length -[common 2026-01-01]"],
        ["rejected", "1", "DENY -> REJECT", "85.00 USD", "-152 -N163 -session_length -[common 2026-01-01] +16 +M53"],
        ["", "-", "DENY -> REJECT", "", "+quantity +[common 2026-01-01]"],
        ["cancelled", "1", "APPROVE -> cancelled", "85.00 USD", ""],
        ["amended", "1", "APPROVE", "85.50 USD", "-submitted 80.00 USD +submitted 85.50 USD"],
        ["other-words", "-", "DENY", "", "other words in disposition, processNote"],
        ["new", "1", "new: DENY", "85.00 USD", "152 N163"],
        ["new-outcome", "-", "new: OperationOutcome", "", "structure"],
        ["gone", "1", "gone: REVIEW", "85.00 USD", "133"],
    ],
    ids=lambda row: " ".join(row[:2]),
)
def test_a_row(row: list[str]) -> None:
    assert row in cells(printed(WRITTEN, width=200))


@pytest.mark.parametrize("claim", ["left", "failed"])
def test_what_does_not_change_is_counted_and_not_listed(claim: str) -> None:
    assert claim not in {row[0] for row in cells(printed(WRITTEN))}


@pytest.mark.parametrize("width", [80, 120])
def test_a_narrow_terminal_folds_and_cuts_nothing(width: int) -> None:
    lines = printed(WRITTEN, width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    folded = "".join(row[0] for row in cells(lines))
    assert all(each.claim in folded for each in WRITTEN[:-2] if each.claim)


@pytest.mark.parametrize(("count", "listed"), [(CLAIMS_SHOWN, CLAIMS_SHOWN), (CLAIMS_SHOWN + 2, CLAIMS_SHOWN)])
def test_some_hundred_claims_are_listed_and_json_has_all(count: int, listed: int) -> None:
    written = [changed(f"claim-{number}", response("DENY"), response("APPROVE")) for number in range(count)]
    lines = printed(written)
    assert sum(1 for row in cells(lines) if row[0].startswith("claim-")) == listed
    assert (lines[-1] == f"... and {count - listed} more answers; --format json has them all.") is (count > listed)


def test_without_an_answer_that_is_said() -> None:
    assert printed([]) == ["A run would write no answers."]


def test_json_of_one_change() -> None:
    found = change_json(changed("c1", response("DENY"), response("APPROVE", net=85.5), "item"))
    submitted = {"category": "submitted", "value": "85.50", "currency": "USD"}
    gone = [{"category": "benefit", "value": "0.00", "currency": "USD"}, submitted | {"value": "85.00"}]
    assert json.loads(json.dumps(found)) == {
        "claim": "c1",
        "action": "updated",
        "effect": "change",
        "difference": {
            "before": {"standing": "DENY", "status": "active", "outcome": "complete", "decision": "denied"},
            "after": {"standing": "APPROVE", "status": "active", "outcome": "complete", "decision": "approved"},
            "lines": [
                {
                    "line": 1,
                    "before": {"standing": "DENY", "decision": "DENY"},
                    "after": {"standing": "APPROVE", "decision": "APPROVE"},
                    "reasons": {
                        "gone": [{"system": "CARC", "code": "152"}, {"system": "RARC", "code": "N163"}],
                        "new": [],
                    },
                    "rules": {"gone": [{"decision": "DENY", "rule": "session_length"}], "new": []},
                    "policies": {"gone": ["common 2026-01-01"], "new": []},
                    "amounts": {"gone": gone, "new": [submitted]},
                    "submitted": submitted,
                }
            ],
            "elements": ["item"],
        },
    }


# --- through the command


def test_a_claim_alone_takes_the_place_of_all_that_the_folder_holds(command: Command, folder: Any) -> None:
    assert folder.is_dir()
    old = command.folder / "out"
    old.mkdir()
    (old / "ClaimResponse.ndjson").write_text('{"resourceType":"ClaimResponse","id":"other-response"}\n')
    whole = json.loads(command.sync("--dry-run", "--format", "json").stdout)["totals"]["answers"]
    one = json.loads(command.sync("--dry-run", "--format", "json", "--claim", STORY).stdout)["totals"]["answers"]
    assert (whole["create"], whole["remove"]) == (1, 1)
    assert (one["create"], one["remove"]) == (1, 1)


def test_old_answers_that_cannot_be_read_are_told(command: Command, folder: Any) -> None:
    assert folder.is_dir()
    old = command.folder / "out"
    old.mkdir()
    (old / "ClaimResponse.ndjson").write_text("not JSON\n")
    result = command.sync("--dry-run")
    assert result.code == 0
    assert "1 lines of the old answers in out could not be read" in result.stderr


def test_a_claim_without_an_answer_ends_a_dry_run_as_it_ends_a_run(command: Command, folder: Any) -> None:
    assert folder.is_dir()
    assert command.sync("--dry-run", "--claim", "nobody").code == 3
    assert command.sync("--claim", "nobody").code == 3
