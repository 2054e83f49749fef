"""Types of elements: ``ofType``, ``is`` and ``as``."""

from __future__ import annotations

from typing import Any

from fhirpathpy.engine import type_specifier
from fhirpathpy.engine.nodes import ResourceNode, TypeInfo

from adapter.mapping.fhirpath.step import VALUES, Kind, Model, Node, NotCompiled, Step, Typed, Unusual, with_paths


def of_type(model: Model, source: Step, named: Node) -> Step:
    """Only the elements of a type."""
    typed, wanted = with_paths(source), paths_of_type(model, source.kind, named)
    return _narrowed(typed, wanted)


def as_type(model: Model, source: Step, named: Node) -> Step:
    """The single element, if it is of a type."""
    typed, wanted = _single(with_paths(source)), paths_of_type(model, source.kind, named)
    return _narrowed(typed, wanted)


def is_type(model: Model, source: Step, named: Node) -> Step:
    """Whether the single element is of a type."""
    typed, wanted = _single(with_paths(source)), paths_of_type(model, source.kind, named)
    return Step(lambda found: [path in wanted for path, _ in typed(found)], VALUES)


def _narrowed(typed: Typed, wanted: frozenset[str | None]) -> Step:
    def run(found: list[Any]) -> list[Any]:
        return [value for path, value in typed(found) if path in wanted]

    def narrowed(found: list[Any]) -> list[tuple[str, Any]]:
        return [each for each in typed(found) if each[0] in wanted]

    return Step(run, Kind(wanted), narrowed)


def _single(typed: Typed) -> Typed:
    def single(found: list[Any]) -> list[tuple[str, Any]]:
        elements = typed(found)
        if len(elements) > 1:
            raise Unusual
        return elements

    return single


def paths_of_type(model: Model, kind: Kind, named: Node) -> frozenset[str | None]:
    """Those paths whose elements are of the type: asked of the library, once, so that there is one type system."""
    if "text" not in named or len(named["text"].split(".")) > 2:
        raise NotCompiled("a type that is not named")
    wanted = type_specifier({}, [], named)  # type: ignore[no-untyped-call] # not annotated there
    TypeInfo.model = model  # type: ignore[assignment] # annotated as what it begins with
    return frozenset(path for path in kind.paths if ResourceNode(None, path).get_type_info().is_(wanted))  # type: ignore[no-untyped-call] # as above
