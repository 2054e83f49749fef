"""Operators: ``=``, ``!=``, ``~``, ``!~``, comparisons, ``and``, ``or``, ``+`` and ``|``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

from adapter.mapping.fhirpath.step import SCALARS, VALUES, Kind, NotCompiled, Step, Unusual, after
from adapter.mapping.fhirpath.texts import comparable_text

TRUE, FALSE = [True], [False]
CONVERTED = frozenset({"date", "dateTime", "time"})
"""Types that the library turns into objects of its own before it adds."""

Operator = Callable[[Step, Step], Step]


def _infix(result: Callable[[list[Any], list[Any]], list[Any]]) -> Operator:
    """An operator of two collections that gives computed values."""

    def compiled(left: Step, right: Step) -> Step:
        one, other = left.run, right.run
        return Step(lambda found: result(one(found), other(found)), VALUES)

    return compiled


def _equality(equal: list[bool], unequal: list[bool]) -> Operator:
    def result(one: list[Any], other: list[Any]) -> list[Any]:
        """As the library has it: several elements are equal when there are as many and the first ones are."""
        if not one or not other:
            return []
        if type(one[0]) not in SCALARS or type(other[0]) not in SCALARS:
            raise Unusual
        return equal if len(one) == len(other) and one[0] == other[0] else unequal

    return _infix(result)


def _equivalence(equivalent: list[bool], different: list[bool]) -> Operator:
    def result(one: list[Any], other: list[Any]) -> list[Any]:
        if not one or not other:
            return equivalent if one == other else different
        if type(one[0]) is not str or type(other[0]) is not str:
            raise Unusual
        return equivalent if _normal(one[0]) == _normal(other[0]) else different

    return _infix(result)


def _normal(text: str) -> str:
    """A text in lower case with single spaces."""
    return " ".join(text.lower().split())


def _comparison(holds: Callable[[Any, Any], bool]) -> Operator:
    def result(one: list[Any], other: list[Any]) -> list[Any]:
        return [holds(*_alike(one, other))] if one and other else []

    return _infix(result)


def _alike(one: list[Any], other: list[Any]) -> tuple[Any, Any]:
    """Two texts or two numbers; the library tells what becomes of anything else."""
    if len(one) != 1 or len(other) != 1:
        raise Unusual
    pair = _exact(one[0]), _exact(other[0])
    kinds = {type(each) for each in pair}
    if kinds != {str} and not kinds <= {int, Decimal}:
        raise Unusual
    return pair


def _exact(value: Any) -> Any:
    return Decimal(str(value)) if type(value) is float else value


def _logic(result: Callable[[bool | None, bool | None], bool | None]) -> Operator:
    def three_valued(one: list[Any], other: list[Any]) -> list[Any]:
        """Both sides are looked at whatever the first says: the library fails on a second one that is no boolean."""
        truth = result(_truth(one), _truth(other))
        return [] if truth is None else [truth]

    return _infix(three_valued)


def _truth(found: list[Any]) -> bool | None:
    """True, False, or None for an empty collection."""
    if not found:
        return None
    truth = found[0]
    if len(found) > 1 or type(truth) is not bool:
        raise Unusual
    return truth


def _and(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _or(one: bool | None, other: bool | None) -> bool | None:
    if one is True or other is True:
        return True
    return None if one is None or other is None else False


def _plus(left: Step, right: Step) -> Step:
    if (left.kind | right.kind).paths & CONVERTED:
        raise NotCompiled("a sum with a date or time")
    return _infix(lambda one, other: [operator.add(*_alike(one, other))] if one and other else [])(left, right)


def union(operands: Sequence[Step]) -> Step:
    """What all of them find, without duplicates."""
    runs = [each.run for each in operands]
    kind = reduce(operator.or_, (each.kind for each in operands))
    return distinct(Step(lambda found: [each for run in runs for each in run(found)], kind))


def distinct(source: Step) -> Step:
    """Without duplicates; elements lose their types by it, as they do in the library.

    Raises:
        NotCompiled: elements beside computed values.
    """
    if source.kind.mixed:
        raise NotCompiled("a union of elements with what is no element")
    return Step(after(source.run, without_duplicates), Kind(frozenset({None})) if source.kind.paths else source.kind)


def without_duplicates(found: list[Any]) -> list[Any]:
    """In the order of the first of each, as the last of each: an object counts by its JSON."""
    return found if len(found) < 2 else list({comparable_text(each): each for each in found}.values())


OPERATORS: dict[str, Operator] = {
    "=": _equality(TRUE, FALSE),
    "!=": _equality(FALSE, TRUE),
    "~": _equivalence(TRUE, FALSE),
    "!~": _equivalence(FALSE, TRUE),
    "<": _comparison(operator.lt),
    "<=": _comparison(operator.le),
    ">": _comparison(operator.gt),
    ">=": _comparison(operator.ge),
    "and": _logic(_and),
    "or": _logic(_or),
    "+": _plus,
}
