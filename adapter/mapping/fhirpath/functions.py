"""Functions: filters, existence, subsets, types, extensions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapter.mapping.fhirpath import types
from adapter.mapping.fhirpath.operators import FALSE, TRUE, distinct
from adapter.mapping.fhirpath.step import (
    VALUES,
    Kind,
    Model,
    Node,
    NotCompiled,
    Run,
    Step,
    Unusual,
    after,
    same_type,
    start,
)
from adapter.mapping.fhirpath.texts import hashable_text


@dataclass(frozen=True, slots=True)
class Call:
    """A function called on what a step found; ``compile`` compiles a parameter for what it begins with."""

    model: Model
    source: Step
    parameters: Sequence[Node]
    compile: Callable[[Node, Step], Step]

    def body(self, number: int = 0) -> Step:
        """A parameter as an expression on the collection, or on one element of it."""
        return self.compile(self.parameters[number], start(self.source.kind))

    def after(self, run: Run, kind: Kind) -> Step:
        """``run`` on what the source finds."""
        return Step(after(self.source.run, run), kind)


Function = Callable[[Call], Step]


def _where(call: Call) -> Step:
    holds = _condition(call)
    return call.after(lambda found: [each for each in found if holds(each)], call.source.kind)


def _condition(call: Call) -> Callable[[Any], bool]:
    """Whether an element is kept: by any element found, even one that is false, or by the first value found."""
    body = call.body()
    run = body.run
    if body.kind.mixed:
        raise NotCompiled("a condition that finds elements or what is no element")
    if not body.kind.values:
        return lambda each: bool(run([each]))

    def holds(each: Any) -> bool:
        found = run([each])
        return bool(found and found[0])

    return holds


def _exists(call: Call) -> Step:
    found = _where(call) if call.parameters else call.source
    run = found.run
    return Step(lambda data: TRUE if run(data) else FALSE, VALUES)


def _all(call: Call) -> Step:
    run = call.body().run
    return call.after(lambda found: [all(_is_true(run([each])) for each in found)], VALUES)


def _is_true(found: list[Any]) -> bool:
    """The library's notion, for which 1 is true."""
    return len(found) == 1 and found[0] == True  # noqa: E712 - 1 == True holds, as in the library


def _select(call: Call) -> Step:
    body = call.body()
    run = body.run
    return call.after(lambda found: [each for element in found for each in run([element])], body.kind)


def _repeat(call: Call) -> Step:
    """Over what the expression finds in what it found; compiled where one pass settles the types."""
    first = call.body()
    again = call.compile(call.parameters[0], start(first.kind))
    if first.kind.values or again.kind != first.kind or len(first.kind.paths) != 1:
        raise NotCompiled("repeat() through elements of several types")
    (path,) = first.kind.paths
    one, rest = first.run, again.run

    def run(found: list[Any]) -> list[Any]:
        repeated: list[Any] = []
        seen: set[str] = set()
        pending = deque((one, each) for each in found)
        while pending:
            step, element = pending.popleft()
            texts = [(hashable_text(same_type(each, path)), each) for each in step([element])]
            new = [each for text, each in texts if text not in seen]
            seen.update(text for text, _ in texts)
            repeated += new
            pending.extend((rest, each) for each in new)
        return repeated

    return call.after(run, first.kind)


def _iif(call: Call) -> Step:
    condition, then = call.body(0).run, call.body(1)
    otherwise = call.body(2) if len(call.parameters) > 2 else Step(lambda _: [], Kind())

    def run(found: list[Any]) -> list[Any]:
        return then.run(found) if _is_true(condition(found)) else otherwise.run(found)

    return call.after(run, then.kind | otherwise.kind)


def _not(call: Call) -> Step:
    """Of a single boolean its opposite; any other single element counts as true."""
    return call.after(lambda found: [found[0] is False] if len(found) == 1 else [], VALUES)


def _extension(call: Call) -> Step:
    """The first extension of each element that has the URL."""
    url = literal_text(call)

    def run(found: list[Any]) -> list[Any]:
        return [each for element in found for each in _extensions(element, url)[:1]]

    return call.after(run, Kind(frozenset({"Extension"})))


def _extensions(element: Any, url: str) -> list[Any]:
    extensions = element.get("extension", []) if type(element) is dict else []
    if type(extensions) is not list or not all(type(each) is dict and "url" in each for each in extensions):
        raise Unusual
    return [each for each in extensions if each["url"] == url]


def literal_text(call: Call) -> str:
    """The only parameter, which must be a text written out.

    Raises:
        NotCompiled: it is an expression, which the library evaluates from another place than it seems.
    """
    parameter: Node = call.parameters[0]
    while parameter["type"] in {"TermExpression", "LiteralTerm"}:
        parameter = parameter["children"][0]
    if parameter["type"] != "StringLiteral":
        raise NotCompiled("a parameter that is no text")
    (text,) = call.compile(parameter, start(VALUES)).run([])
    return str(text)


FUNCTIONS: dict[tuple[str, int], Function] = {
    ("where", 1): _where,
    ("select", 1): _select,
    ("repeat", 1): _repeat,
    ("all", 1): _all,
    ("exists", 0): _exists,
    ("exists", 1): _exists,
    ("empty", 0): lambda call: call.after(lambda found: FALSE if found else TRUE, VALUES),
    ("not", 0): _not,
    ("count", 0): lambda call: call.after(lambda found: [len(found)], VALUES),
    ("first", 0): lambda call: call.after(lambda found: found[:1], call.source.kind),
    ("last", 0): lambda call: call.after(lambda found: found[-1:], call.source.kind),
    ("tail", 0): lambda call: call.after(lambda found: found[1:], call.source.kind),
    ("distinct", 0): lambda call: distinct(call.source),
    ("iif", 2): _iif,
    ("iif", 3): _iif,
    ("ofType", 1): lambda call: types.of_type(call.model, call.source, call.parameters[0]),
    ("as", 1): lambda call: types.as_type(call.model, call.source, call.parameters[0]),
    ("is", 1): lambda call: types.is_type(call.model, call.source, call.parameters[0]),
    ("extension", 1): _extension,
}
"""By name and number of parameters; any other call is the library's."""
