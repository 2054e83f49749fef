"""The visit of one line for a terminal: a row of characters for each bar, its times in words below."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.cli.timeline import Bar, Scale, Timeline

NAME_WIDTH = 18
LABEL = 5
"""Room to the right of the bars for the time that begins above their end, as in 10:30."""
MOST_CELLS = 60
FEWEST_CELLS = 20
BLOCKS = {"recorded": "▒", "documented": "█", "required": "░", "open": "╌", "before": "◄", "after": "►"}
PLAIN = {"recorded": "=", "documented": "#", "required": "-", "open": ".", "before": "<", "after": ">"}
"""For a terminal that knows ASCII only."""


def visit_rows(visit: Timeline, width: int, *, plain: bool = False) -> Iterator[tuple[str, str]]:
    """Name and drawing, then the words of each bar; a scale of the time of day above them where it is known."""
    cells = max(FEWEST_CELLS, min(MOST_CELLS, width - NAME_WIDTH - LABEL))
    look = PLAIN if plain else BLOCKS
    if visit.scale is not None:
        yield visit.scale.offset, _ticks(visit.scale, cells)
    for bar in visit.bars:
        drawn = _drawn(bar, visit.scale, cells, look) if visit.scale else ""
        words = _words(bar, visit.scale)
        yield bar.name, drawn or words
        if drawn:
            yield "", words


def _ticks(scale: Scale, cells: int) -> str:
    """Times of the day, each beginning above its own cell; one that would touch its neighbour is left out."""
    row = ""
    for place, text in scale.ticks():
        at = round(place * cells / 100)
        if at == 0 or at > len(row):
            row = row.ljust(at) + text
    return row


def _drawn(bar: Bar, scale: Scale, cells: int, look: dict[str, str]) -> str:
    """The bar in its cells; arrows where it goes on beyond the scale, a broken line where no end is known."""
    placed = scale.place(bar)
    if placed is None:
        return ""
    left, right = (round(each * cells / 100) for each in (placed[0], sum(placed)))
    first = min(left, cells - 1)
    drawn = look["open" if bar.open_ended else bar.kind] * max(1, right - first)
    drawn = look["before"] + drawn[1:] if scale.begins_before(bar) else drawn
    drawn = drawn[:-1] + look["after"] if scale.ends_after(bar) else drawn
    return " " * first + drawn


def _words(bar: Bar, scale: Scale | None) -> str:
    minutes = f", {bar.minutes}" if bar.minutes[:1].isdigit() else ""  # without a number, the words before say why
    beyond = " (goes on beyond the scale)" if scale is not None and scale.cuts(bar) else ""
    return f"{bar.when}{minutes}{beyond}"
