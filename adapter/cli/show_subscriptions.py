"""Subscriptions for the operator's eyes: never the secret they carry, never a server's free text."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.text import Text

from adapter.cli.console import console, folding, print_json
from adapter.evidence.references import Json
from adapter.subscriptions.manage import Done, Row

COLOUR = {"active": "green", "requested": "yellow", "error": "red", "off": "red"}


def rows(shown: Sequence[Row], output_format: str, notes: Sequence[str] = ()) -> None:
    """One line for each Subscription; notes go to stderr, so that JSON stays JSON."""
    if output_format == "json":
        print_json([_json(row) for row in shown])
    elif shown:
        _table(shown)
    for note in [*_problems(shown), *notes]:
        typer.echo(note, err=True)


def _table(shown: Sequence[Row]) -> None:
    """Columns with something in them, for addresses are long."""
    lines = [_cells(row) for row in shown]
    columns = [name for name in lines[0] if any(line[name] for line in lines)]
    table = folding(*columns)
    for line in lines:
        table.add_row(*(Text(line[name], style=COLOUR.get(line[name], "")) for name in columns))
    console().print(table)


def _json(row: Row) -> Json:
    found, health = row.found, row.health
    return {
        "id": found.id or None,
        "watches": found.subject,
        "status": _status(row) or None,
        "end": found.end or None,
        "endpoint": _shown(found.endpoint),
        "headers": found.headers,
        "made_by_us": found.is_marked,
        "done": row.done.value if row.done else None,
        "events": health.events if health else None,
        "heard": dict(row.heard),
        "errors": list(health.errors) if health else [],
        "problem": row.problem or None,
    }


def _cells(row: Row) -> dict[str, str]:
    found, health = row.found, row.health
    done = row.done.value if row.done else ""
    return {
        "id": found.id,
        "watches": found.subject,
        "status": _status(row),
        "ends": found.end[:10],
        "done": done if done or found.is_marked else "not made by us",
        "events": str(health.events) if health and health.events is not None else "",
        "heard": ", ".join(f"{count} {name}" for name, count in row.heard.items() if count),
        "sends along": ", ".join(found.headers),
        "endpoint": _shown(found.endpoint),
    }


def _status(row: Row) -> str:
    """Empty for what is not on the server."""
    return "" if row.done in (Done.DELETED, Done.GONE) or not row.found.id else row.status


def _shown(endpoint: str) -> str:
    """Others may have put a key into the query."""
    return endpoint.partition("?")[0]


def _problems(shown: Sequence[Row]) -> list[str]:
    """One sentence for each that needs somebody: what is wrong with it, and what to do."""
    found = [f"{row.found.subject}: {row.problem}" for row in shown if row.problem]
    for row in shown:
        codes = ", ".join(row.health.errors) if row.health else ""
        if row.found.is_marked and not row.works and not row.problem:
            reason = f" ({codes})" if codes else ""
            found.append(f"Subscription/{row.found.id} is {row.status}{reason}; `renew` starts it again.")
    return found
