"""Members: ``period.start``, and choices such as ``performed``, which stands as ``performedPeriod`` or another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapter.mapping.fhirpath.step import QUANTITY, SCALARS, Kind, Model, NotCompiled, Run, Step, Typed, Unusual, after

NO_ONE_TYPE = object()
"""Expected ``resourceType`` where elements of several paths come together: any at all is unusual."""


@dataclass(frozen=True, slots=True)
class Child:
    """Where a member leads: to a path, or for a choice to one of several names, each with its path."""

    path: str
    choices: Mapping[str, str]


def child(model: Model, path: str | None, name: str) -> Child:
    """The member of an element, by the same look-ups as the library's."""
    below = f"{path}.{name}" if path else f"_.{name}"
    below = model["pathsDefinedElsewhere"].get(below, below)
    types = model["choiceTypePaths"].get(below) or ()
    choices = {f"{name}{each}": model["path2Type"].get(below + each, below + each) for each in types}
    if name == "extension":
        below = "Extension"
    return Child(model["path2Type"].get(below, below), choices)


def member(model: Model, name: str, source: Step) -> Step:
    """The step from elements to what they have under a name.

    Raises:
        NotCompiled: it is a choice for some of the elements, and which ones cannot be told.
    """
    if source.kind.values:
        raise NotCompiled("a member of what is no element")
    children = {path: child(model, path, name) for path in source.kind.paths}
    if not any(each.choices for each in children.values()):
        return _named(name, children, source)
    if len(children) == 1:
        ((path, only),) = children.items()
        return _choice(name, path, only.choices, source)
    return _each_by_its_path(model, name, source)


def _named(name: str, children: Mapping[str | None, Child], source: Step) -> Step:
    expected = next(iter(children)) if len(children) == 1 else NO_ONE_TYPE
    kind = Kind(frozenset(each.path for each in children.values()))
    read = _reader(name, expected)
    if QUANTITY in kind.paths:
        read = _objects_only(read)
    return Step(after(source.run, read), kind)


def _reader(name: str, expected: object) -> Run:
    sibling = f"_{name}"

    def read(elements: list[Any]) -> list[Any]:
        found: list[Any] = []
        for element in elements:
            if type(element) is not dict:
                _has_no_members(element, name)
                continue
            if sibling in element or element.get("resourceType", expected) != expected:
                raise Unusual
            value = element.get(name)
            if type(value) is list:
                found += value
            elif value is not None:
                found.append(value)
        return found

    return read


def _has_no_members(element: Any, name: str) -> None:
    """A text or number has no members; the library makes an exception of ``length``."""
    if name == "length" or type(element) not in SCALARS:
        raise Unusual


def _objects_only(read: Run) -> Run:
    """Keeps the promise of ``Kind``: the library compares Quantities by their parts, and fails where there are none."""

    def read_objects(elements: list[Any]) -> list[Any]:
        found = read(elements)
        if any(type(each) is not dict for each in found):
            raise Unusual
        return found

    return read_objects


def _choice(name: str, path: str | None, choices: Mapping[str, str], source: Step) -> Step:
    watched = frozenset(choices) | {f"_{each}" for each in choices}
    before = source.run

    def typed(found: list[Any]) -> list[tuple[str, Any]]:
        chosen: list[tuple[str, Any]] = []
        for element in before(found):
            if type(element) is not dict:
                _has_no_members(element, name)
                continue
            names = [each for each in element if each in watched]
            if len(names) > 1 or element.get("resourceType", path) != path:
                raise Unusual
            for each in names:
                chosen += _chosen(choices.get(each), element[each])
        return chosen

    return Step(_without_paths(typed), Kind(frozenset(choices.values())), typed)


def _chosen(path: str | None, value: Any) -> list[tuple[str, Any]]:
    """The one element that stands for a choice: no sibling, no list, no resource, and a Quantity is an object."""
    kind = type(value)
    if (
        path is None
        or kind is list
        or (kind is dict and "resourceType" in value)
        or (path == QUANTITY and kind is not dict)
    ):
        raise Unusual
    return [] if value is None else [(path, value)]


def _without_paths(typed: Typed) -> Run:
    return lambda found: [value for _, value in typed(found)]


def _each_by_its_path(model: Model, name: str, source: Step) -> Step:
    """A member that only some alternatives of a choice have as a choice: each element is read by its own path."""
    if source.typed is None:
        raise NotCompiled(f"{name}, which is a choice for some of the elements and none for others")
    steps = {path: member(model, name, Step(list, Kind(frozenset({path})))) for path in source.kind.paths}
    readers = {path: step.run for path, step in steps.items()}
    paths: frozenset[str | None] = frozenset().union(*(step.kind.paths for step in steps.values()))
    typed = source.typed

    def read(found: list[Any]) -> list[Any]:
        return [value for path, element in typed(found) for value in readers[path]([element])]

    return Step(read, Kind(paths))
