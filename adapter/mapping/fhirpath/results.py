"""What an expression hands out: copies, decimals as they were written, no leftovers of primitive extensions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from adapter.mapping.fhirpath.step import SCALARS, Unusual


def results(found: list[Any]) -> list[Any]:
    """The elements as the library gives them.

    Raises:
        Unusual: a list in a list, or something that is no JSON.
    """
    return _list(found, nested=False)


def as_handed_out(found: Sequence[Any]) -> Sequence[Any]:
    """What ``results`` would hand out of elements, without the copies: they are only to be looked at.

    Raises:
        Unusual: a list in a list, or something that is no JSON.
    """
    for each in found:
        kind = type(each)
        if kind is str or kind is int:
            continue
        if kind is not dict or (len(each) == 1 and "extension" in each):
            return _list([*found], nested=False)
    return found


def copied(element: dict[str, Any]) -> dict[str, Any]:
    """An object as an expression would hand it out."""
    return _object(element)


def _list(values: list[Any], *, nested: bool) -> list[Any]:
    """An object that has an ``extension`` and nothing else is left out: to the library it belongs to a primitive."""
    handed: list[Any] = []
    for each in values:
        kind = type(each)
        if kind is str:
            handed.append(each)
        elif kind is dict:
            if len(each) != 1 or "extension" not in each:
                handed.append(_object(each))
        elif kind is list and not nested:
            raise Unusual
        else:
            handed.append(_value(each))
    return handed


def _object(value: dict[str, Any]) -> dict[str, Any]:
    """A copy, made in one go because most elements hold nothing but texts; the rest is copied where it differs."""
    copied = value.copy()
    for name, each in value.items():
        if type(each) is not str:
            copied[name] = _value(each)
    return copied


def _value(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return _object(value)
    if kind is list:
        return _list(value, nested=True)
    if kind is float:
        return Decimal(str(value))
    if kind in SCALARS:
        return value
    raise Unusual
