"""Standard output: text for people, JSON for machines."""

from __future__ import annotations

import os
import sys

import orjson
from rich.console import Console
from rich.table import Table

from adapter.answers.answer import Answer
from adapter.evidence.references import Json

COLOUR = {"APPROVE": "green", "DENY": "red", "PEND": "yellow", "REVIEW": "cyan", "REJECT": "magenta"}


def console() -> Console:
    """Stdout as it is: as wide as the terminal, or as COLUMNS says; wide enough for a table where neither is known."""
    told = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if told else 140, highlight=False)


def folding(*columns: str, title: str | None = None) -> Table:
    """A table whose cells fold on a narrow terminal; nothing is cut off."""
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def print_json(value: Json | list[Json]) -> None:
    """Indented JSON on stdout, byte for byte what orjson gives."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def outcome_lines(answers: list[Answer], limit: int = 25) -> list[str]:
    """Each OperationOutcome in one line: where, what, and the element."""
    found = []
    for answer in answers:
        for issue in (answer.outcome or {}).get("issue", []):
            who = f"Claim/{answer.claim}: " if answer.claim else ""
            found.append(f"{who}{issue['details']['text']} ({issue.get('diagnostics', 'no place known')})")
    more = [f"... and {len(found) - limit} more in OperationOutcome.ndjson"] if len(found) > limit else []
    return found[:limit] + more
