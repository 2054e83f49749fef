"""Standard output: text for people, JSON for machines."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator

import orjson
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from adapter.answers.operation_outcome import fhir_id
from adapter.evidence.references import Json
from adapter.sync.report import OUTCOMES_SHOWN, Tally

COLOUR = {"APPROVE": "green", "DENY": "red", "PEND": "yellow", "REVIEW": "cyan", "REJECT": "magenta"}


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What moves a cursor, colours, rings, turns or hides text, and what no output can encode."""


_DOCUMENT = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_WITHIN = "    "
"""Before each line of what stands in a list of an indented object."""


def visible(text: str) -> str:
    """Text in which nothing steers a terminal: ``\\x1b`` stands for the escape itself."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _PlainConsole(Console):
    """Whatever is printed, also in the cells of a table, comes through here as pieces of text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for piece in super().render(renderable, options):
            yield piece if piece.control else piece._replace(text=visible(piece.text))


def console() -> Console:
    """Stdout as it is: as wide as the terminal, or as COLUMNS says; wide enough for a table where neither is known.

    Brackets in a text are brackets and no markup, for ids and file names are anybody's.
    """
    told = sys.stdout.isatty() or "COLUMNS" in os.environ
    return _PlainConsole(width=None if told else 140, highlight=False, markup=False, emoji=False)


def folding(*columns: str, title: str | None = None) -> Table:
    """A table whose cells fold on a narrow terminal; nothing is cut off."""
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def print_json(value: Json | list[Json]) -> None:
    """Indented JSON on stdout, as orjson gives it, but for what would steer a terminal, which stands escaped."""
    _print_json(value, orjson.OPT_INDENT_2)


def print_json_line(value: Json) -> None:
    """As ``print_json``, on one line: one of those of NDJSON."""
    _print_json(value, 0)


def print_json_listing(value: Json, name: str, items: Iterable[Json]) -> None:
    """As ``print_json`` of the object with all these items in a list under ``name``, the last key; each is printed as
    it comes, and none is kept."""
    start, end = orjson.dumps(value | {name: []}, option=_DOCUMENT).decode().rsplit("[]", 1)
    _write_json(f"{start}[")
    separator, closing = "\n", ""
    for each in items:
        item = orjson.dumps(each, option=orjson.OPT_INDENT_2).decode()
        _write_json(f"{separator}{_WITHIN}{item.replace(chr(10), chr(10) + _WITHIN)}")
        separator, closing = ",\n", "\n  "
    _write_json(f"{closing}]{end}")
    sys.stdout.buffer.flush()


def _print_json(value: Json | list[Json], option: int) -> None:
    _write_json(orjson.dumps(value, option=option | orjson.OPT_APPEND_NEWLINE).decode())
    sys.stdout.buffer.flush()


def _write_json(written: str) -> None:
    escaped = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
    sys.stdout.buffer.write(escaped.encode())


def outcome_lines(tally: Tally) -> list[str]:
    """The issues of the first OperationOutcomes in a line each: where, what, the element; how many more there are."""
    found = []
    for answer in tally.first_outcomes[:OUTCOMES_SHOWN]:
        for issue in (answer.outcome or {}).get("issue", []):
            who = f"Claim/{fhir_id(answer.claim)}: " if answer.claim else ""
            found.append(f"{who}{issue['details']['text']} ({issue.get('diagnostics', 'no place known')})")
    shown = found[:OUTCOMES_SHOWN]
    more = [f"... and {tally.issues - len(shown)} more in OperationOutcome.ndjson"] if tally.issues > len(shown) else []
    return shown + more
