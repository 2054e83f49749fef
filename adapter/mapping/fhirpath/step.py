"""What the parts of a compiled expression are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Node = Mapping[str, Any]
"""A node of the library's syntax tree: ``type``, ``children``, ``terminalNodeText``, sometimes ``text``."""

Model = Mapping[str, Mapping[str, Any]]
"""The library's model of a FHIR version: choice types, types of paths, parents of types."""

Run = Callable[[list[Any]], list[Any]]
Typed = Callable[[list[Any]], list[tuple[str, Any]]]

SCALARS = frozenset({str, int, float, bool, type(None), Decimal})
QUANTITY = "Quantity"


class NotCompiled(Exception):
    """An expression that is left to the library; the message says which part of it, and quotes no data."""


class Unusual(Exception):
    """Data of a shape that the compiled form does not read; the library has to."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a collection may hold: elements, by their paths in the model, and values that an operator or literal made.

    The path of an element is its type where the model knows it, None after ``|``. An element of type Quantity is always
    an object: members of that type that are none are ``Unusual``.
    """

    paths: frozenset[str | None] = frozenset()
    values: bool = False

    @property
    def mixed(self) -> bool:
        """Whether elements and values may stand side by side; the library treats the two differently."""
        return self.values and bool(self.paths)

    def __or__(self, other: Kind) -> Kind:
        return Kind(self.paths | other.paths, self.values or other.values)


VALUES = Kind(values=True)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of an expression: what it finds in a collection, and of what kind that is."""

    run: Run
    kind: Kind
    typed: Typed | None = None
    """Finds the same, each with its path; set where a choice makes the paths differ."""


def start(kind: Kind) -> Step:
    """The collection itself: where an expression, or the body of a ``where``, begins."""
    return Step(_itself, kind)


def _itself(found: list[Any]) -> list[Any]:
    return found


def after(before: Run, run: Run) -> Run:
    """One after the other; nothing is called for a start."""
    return run if before is _itself else lambda found: run(before(found))


def with_paths(step: Step) -> Typed:
    """What the step finds, each with its path.

    Raises:
        NotCompiled: the path of an element cannot be told.
    """
    if step.typed is not None:
        return step.typed
    paths = [path for path in step.kind.paths if path is not None]
    if step.kind.values or len(step.kind.paths) != 1 or not paths:
        raise NotCompiled("the type of an element that is not known")
    (path,) = paths
    run = step.run

    def typed(found: list[Any]) -> list[tuple[str, Any]]:
        return [(path, same_type(each, path)) for each in run(found)]

    return typed


def same_type(element: Any, path: str | None) -> Any:
    """The element; Unusual where its own ``resourceType`` says something else than its path."""
    if type(element) is dict and element.get("resourceType", path) != path:
        raise Unusual
    return element
