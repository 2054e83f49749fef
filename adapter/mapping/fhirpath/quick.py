"""A shorter way to what most expressions find: plain members of one object, one after the other.

Most of a mapping is ``status`` or ``item.productOrService.coding``, and most of what it names is absent. Both are told
here without a collection for each step. Anything unusual is left to the compiled expression, which has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapter.mapping.fhirpath.compiler import name_of
from adapter.mapping.fhirpath.members import child
from adapter.mapping.fhirpath.operators import without_duplicates
from adapter.mapping.fhirpath.step import QUANTITY, SCALARS, Kind, Model, Node, Unusual
from adapter.mapping.fhirpath.types import paths_of_type

Read = Callable[[dict[str, Any]], Sequence[Any]]
_Member = tuple[str, str, bool]
_TERMS = frozenset({"TermExpression", "InvocationTerm", "ParenthesizedTerm"})
_OF_NOTHING = frozenset({"where", "select", "ofType", "first", "last", "tail", "distinct"})
"""Functions that find nothing in nothing."""


@dataclass(frozen=True, slots=True)
class Quick:
    """``names``: an object that has none of them has nothing that the expression finds.

    ``read`` gives what is found as it stands in the object, not copied, and None where only the whole expression can;
    it raises ``Unusual`` where that must be asked after all.
    """

    names: tuple[str, ...]
    read: Read | None = None


def quick(tree: Node, base: str, model: Model) -> Quick | None:
    """The shorter way of a parsed expression on objects of type ``base``; None where there is none."""
    (expression,) = tree["children"]
    names = _names(expression, base, model)
    if names is None:
        return None
    return Quick(tuple(sorted(names, key=lambda each: each.startswith("_"))), _reader(expression, base, model))


def _names(node: Node, base: str, model: Model) -> frozenset[str] | None:
    """Every name under which an expression begins to look, with those of primitives' siblings."""
    node = _inside(node)
    if node["type"] == "MemberInvocation":
        first = child(model, base, name_of(node))
        names = frozenset(first.choices) or frozenset({name_of(node)})
        return names | {f"_{each}" for each in names}
    if node["type"] == "InvocationExpression":
        left, right = node["children"]
        function = right["children"][0]["children"][0]["text"] if right["type"] == "FunctionInvocation" else "where"
        return _names(left, base, model) if function in _OF_NOTHING else None
    if node["type"] == "UnionExpression":
        one, other = (_names(each, base, model) for each in node["children"])
        return None if one is None or other is None else one | other
    return None


def _inside(node: Node) -> Node:
    while node["type"] in _TERMS:
        node = node["children"][0]
    return node


def _reader(node: Node, base: str, model: Model) -> Read | None:
    """Reads what several chains of members find, or one."""
    node = _inside(node)
    if node["type"] != "UnionExpression":
        return _one_chain(node, base, model)
    one, other = (_reader(each, base, model) for each in node["children"])
    return None if one is None or other is None else _both(one, other)


def _both(one: Read, other: Read) -> Read:
    """What both find, without duplicates."""

    def read(element: dict[str, Any]) -> Sequence[Any]:
        left, right = one(element), other(element)
        if len(left) + len(right) < 2:
            return left or right
        return without_duplicates([*left, *right])

    return read


def _one_chain(node: Node, base: str, model: Model) -> Read | None:
    """Reads a chain of members, the first of which may be a choice narrowed to one type."""
    steps = _steps(node)
    if not steps or "extension" in steps:
        return None  # what only has an extension is no element, and is left out by the whole expression
    names = [each for each in steps if isinstance(each, str)]
    first = child(model, base, names[0])
    if not first.choices:
        return _chain(base, names, model) if len(names) == len(steps) else None
    if len(steps) < 2 or isinstance(steps[1], str):
        return None
    wanted = paths_of_type(model, Kind(frozenset(first.choices.values())), steps[1])
    if len(wanted) != 1 or QUANTITY in wanted:
        return None
    chosen = frozenset(name for name, path in first.choices.items() if path in wanted)
    watched = tuple(name for each in first.choices for name in (each, f"_{each}"))
    (path,) = wanted
    below = _members(path, names[1:], model)
    return None if below is None else _choice(chosen, watched, _rest(below))


def _steps(node: Node) -> list[str | Node]:
    """Names of members, and the type of an ``ofType``, from the first on; nothing where there is anything else."""
    if node["type"] == "MemberInvocation":
        return [name_of(node)]
    if node["type"] != "InvocationExpression":
        return []
    left, right = node["children"]
    before = _steps(_inside(left))
    if right["type"] == "MemberInvocation":
        return [*before, name_of(right)] if before else []
    identifier, *parameters = right["children"][0]["children"]
    narrows = identifier["text"] == "ofType" and len(before) == 1 and len(parameters) == 1
    return [*before, parameters[0]["children"][0]] if narrows else []


def _chain(base: str, names: Sequence[str], model: Model) -> Read | None:
    """Reads members, none of them a choice."""
    steps = _members(base, names, model)
    return None if steps is None else _one(*steps[0], _rest(steps[1:]))


def _members(base: str | None, names: Sequence[str], model: Model) -> list[_Member] | None:
    """Each member's name, its sibling's, and whether it must be an object; None where one is a choice."""
    path = base
    steps: list[_Member] = []
    for name in names:
        below = child(model, path, name)
        if below.choices:
            return None
        path = below.path
        steps.append((name, f"_{name}", path == QUANTITY))
    return steps


def _one(name: str, sibling: str, objects: bool, rest: Callable[[Sequence[Any]], Sequence[Any]] | None) -> Read:
    def read(element: dict[str, Any]) -> Sequence[Any]:
        if sibling in element:
            raise Unusual
        value = element.get(name)
        if value is None:
            return ()
        found = value if type(value) is list else (value,)
        if objects:
            _all_objects(found)
        return found if rest is None else rest(found)

    return read


def _rest(steps: Sequence[_Member]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """What follows the first member; None where nothing does."""

    def read(found: Sequence[Any]) -> Sequence[Any]:
        for name, sibling, objects in steps:
            below: list[Any] = []
            for each in found:
                if type(each) is not dict:
                    if name == "length" or type(each) not in SCALARS:
                        raise Unusual
                    continue
                if sibling in each or "resourceType" in each:
                    raise Unusual
                value = each.get(name)
                if type(value) is list:
                    below += value
                elif value is not None:
                    below.append(value)
            if objects:
                _all_objects(below)
            found = below
        return found

    return read if steps else None


def _all_objects(found: Sequence[Any]) -> None:
    if any(type(each) is not dict for each in found):
        raise Unusual


def _choice(
    chosen: frozenset[str], watched: Sequence[str], rest: Callable[[Sequence[Any]], Sequence[Any]] | None
) -> Read:
    """The one element that stands for a choice, where it is of the type asked for."""

    def read(element: dict[str, Any]) -> Sequence[Any]:
        names = [each for each in watched if each in element]
        if len(names) != 1:
            if names:
                raise Unusual
            return ()
        (name,) = names
        value = element[name]
        if name.startswith("_") or type(value) is list or (type(value) is dict and "resourceType" in value):
            raise Unusual
        if name not in chosen or value is None:
            return ()
        return (value,) if rest is None else rest((value,))

    return read
