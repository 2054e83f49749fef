"""The visit of one line for a page: a table whose last column is a scale with a bar in each row."""

from __future__ import annotations

from datetime import datetime

from adapter.cli.explained import ExplainedLine
from adapter.cli.markup import Html, code, tag, together
from adapter.cli.timeline import Bar, Scale, Timeline, timeline


def visit_section(explained: ExplainedLine) -> Html:
    """The visit of a line; nothing for a line of another service, for which no visit is looked for."""
    heading = tag("h3", "The visit")
    if not explained.is_ours:
        return Html()
    found = timeline(explained)
    if found is None:
        return together(heading, tag("p", "No visit is on file."))
    return together(heading, tag("p", found.summary, class_="lead"), _table(found))


def _table(visit: Timeline) -> Html:
    columns = [tag("th", each, scope="col") for each in ("What", "When", "Minutes")]
    if visit.scale is not None:
        columns.append(tag("th", _ticks(visit.scale), scope="col", class_="scale"))
    rows = [_bar_row(each, visit) for each in visit.bars]
    return tag("table", tag("thead", tag("tr", *columns)), tag("tbody", *rows), class_="timeline")


def _ticks(scale: Scale) -> Html:
    marks = [tag("span", text, class_="tick", style=f"left:{place:.2f}%") for place, text in scale.ticks()]
    return together(tag("span", f"Time of day, {scale.offset}", class_="offset"), tag("span", *marks, class_="ticks"))


def _bar_row(bar: Bar, visit: Timeline) -> Html:
    beyond = tag("div", "goes on beyond the scale") if visit.scale is not None and visit.scale.cuts(bar) else Html()
    origin = tag("div", code(str(bar.origin))) if bar.origin else Html()
    when = tag("td", tag("div", bar.when), beyond, origin)
    cells = [tag("th", bar.name, scope="row"), when, tag("td", bar.minutes, class_="minutes")]
    if visit.scale is not None:
        cells.append(tag("td", _track(bar, visit.scale, visit.limit), class_="scale"))
    return tag("tr", *cells)


def _track(bar: Bar, scale: Scale, limit: datetime | None) -> Html:
    """A bar before the round times of the scale, and before the line that the required minutes reach to."""
    drawn = [_upright("grid", place) for place, _ in scale.ticks()]
    if (placed := scale.place(bar)) is not None:
        drawn.append(tag("span", class_=_look(bar, scale), style=f"left:{placed[0]:.2f}%;width:{placed[1]:.2f}%"))
    if limit is not None:
        drawn.append(_upright("limit", scale.percent(limit)))
    return tag("span", *drawn, class_="track", aria_hidden="true")


def _look(bar: Bar, scale: Scale) -> str:
    """Classes of a bar: open where no end is known, pointed where it goes on beyond the scale."""
    looks = {"open": bar.open_ended, "before": scale.begins_before(bar), "after": scale.ends_after(bar)}
    return " ".join(["bar", bar.kind, *(name for name, applies in looks.items() if applies)])


def _upright(kind: str, place: float) -> Html:
    return tag("span", class_=kind, style=f"left:{place:.2f}%")
