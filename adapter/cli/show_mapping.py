"""Mappings for the person who owns them: what is in effect and where it stands, and what it makes of a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import yaml
from rich.text import Text

from adapter.cli.console import console, folding, print_json
from adapter.evidence.references import Json
from adapter.layers import Layers
from adapter.mapping.trace import Trial
from adapter.session.model import Code, Money
from adapter.session.time import Days, Interval, Moment
from adapter.yaml_lines import Steps


def files(layers: Layers, names: Iterable[str], output_format: str) -> None:
    """Every mapping file and the folders that say something in it, the lowest first."""
    rows: list[Json] = [{"file": name, "from": [each.shown for each in layers.holding(name)]} for name in names]
    if output_format == "json":
        print_json(rows)
        return
    table = folding("file", "from")
    for row in rows:
        table.add_row(row["file"], ", then ".join(row["from"]))
    console().print(table)


def effective(layers: Layers, name: str, output_format: str) -> None:
    """One file with everything laid over it, each entry with the file and line it came from."""
    lined = layers.lined(name)
    rows = list(_entries(lined.root, ())) if lined.root is not None else []
    if output_format == "json":
        print_json([{"entry": _dotted(at), "value": value, "from": _place(mark)} for at, value, mark in rows])
        return
    table = folding("entry", "value", "from", title=name)
    for at, value, mark in rows:
        table.add_row(Text(_dotted(at)), Text(_shown(value)), Text(_place(mark)))
    console().print(table)


def _entries(node: yaml.Node, at: tuple[str | int, ...]) -> Iterator[tuple[Steps, Any, yaml.Mark]]:
    """The smallest parts that come from one place: a value, or a mapping of plain values from one file."""
    if isinstance(node, yaml.MappingNode) and node.value and not _is_entry(node):
        for key, value in node.value:
            below = (*at, key.value)
            apart = _has_parts(value) or _is_of_several(value)
            yield from _entries(value, below) if apart else [_entry(value, below, key)]
    elif isinstance(node, yaml.SequenceNode) and _is_of_several(node):
        for index, each in enumerate(node.value):
            yield from _entries(each, (*at, index))
    else:
        yield _entry(node, at, node)


def _entry(node: yaml.Node, at: Steps, place: yaml.Node) -> tuple[Steps, Any, yaml.Mark]:
    return at, yaml.constructor.SafeConstructor().construct_document(node), place.start_mark


def _has_parts(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode) or (
        isinstance(node, yaml.SequenceNode) and any(isinstance(each, yaml.MappingNode) for each in node.value)
    )


def _is_of_several(node: yaml.Node) -> bool:
    """Whether the values of a list have parts, or were added to it from another file."""
    return isinstance(node, yaml.SequenceNode) and (
        any(_has_parts(each) for each in node.value) or len({each.start_mark.name for each in node.value}) > 1
    )


def _is_entry(node: yaml.MappingNode) -> bool:
    """Whether a mapping is one entry: nothing inside it has parts, and all of it stands in one file."""
    plain = not any(_has_parts(value) or _is_of_several(value) for _, value in node.value)
    return plain and node.flow_style is not False and len({key.start_mark.name for key, _ in node.value}) == 1


def _dotted(at: Steps) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).removeprefix(".")


def _place(mark: yaml.Mark) -> str:
    return f"{mark.name}:{mark.line + 1}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        fallbacks = value["path"] if isinstance(value.get("path"), list) else None
        shown = value if fallbacks is None else value | {"path": ", else ".join(fallbacks)}
        return ", ".join(f"{key}: {_shown(each)}" for key, each in shown.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def trials(resource: str, version: str, tried: Iterable[tuple[Trial, str]], output_format: str) -> None:
    """What each expression found in one resource, and its file and line; those that found nothing are named too."""
    rows = [_trial_json(each) | {"from": stated} for each, stated in tried]
    if output_format == "json":
        print_json({"resource": resource, "fhir_version": version.upper(), "expressions": rows})
        return
    table = folding(
        "field", "read as", "expression", "found", "from", title=f"{resource}, read as FHIR {version.upper()}"
    )
    for row in rows:
        table.add_row(row["field"], row["as"], Text(row["expression"]), _found(row), Text(row["from"]))
    console().print(table)
    nothing = [row["expression"] for row in rows if row["needed"] and not row["found"] and not row["problems"]]
    console().print(f"{len(rows)} expressions tried, {len(nothing)} found nothing.")


def _trial_json(trial: Trial) -> Json:
    return {
        "field": trial.field,
        "as": trial.kind,
        "expression": trial.place,
        "needed": trial.needed,
        "found": [_value(each.value) for each in trial.values],
        "origin": trial.values[0].origin.resource if trial.values else None,
        "problems": [issue.text for issue in trial.issues],
    }


def _found(row: Json) -> Text:
    if row["problems"]:
        return Text("; ".join(row["problems"]), style="red")
    if row["found"]:
        return Text("; ".join(row["found"]), style="" if row["needed"] else "dim")
    return Text("nothing" if row["needed"] else "not needed", style="dim")


def _value(value: Any) -> str:
    """A value of the session as a person reads it."""
    match value:
        case Code():
            return f"{value.system or value.written_as or 'no system'} {value.code}"
        case Money():
            return f"{value.amount} {value.currency or 'no currency'}"
        case Interval():
            return f"{_value(value.start)} to {_value(value.end)}"
        case Moment() | Days() | Decimal():
            return str(value)
        case None:
            return "open"
        case dict():
            return str(value.get("reference") or (value.get("identifier") or {}).get("value") or "a reference")
        case _:
            return str(value)
