"""What an expression hands out: copies, decimals as they were written, no leftovers of primitive extensions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapter.mapping.compiled.step import SCALARS, Unusual


def results(found: list[Any]) -> list[Any]:
    """The elements as the library gives them.

    Raises:
        Unusual: a list in a list, or something that is no JSON.
    """
    handed: list[Any] = []
    for each in found:
        if type(each) is list:
            raise Unusual
        _hand(each, handed)
    return handed


def _hand(value: Any, out: list[Any]) -> None:
    """An object that has an ``extension`` and nothing else is left out: to the library it belongs to a primitive."""
    kind = type(value)
    if kind is str:
        out.append(value)
    elif kind is not dict or len(value) != 1 or "extension" not in value:
        out.append(_copy(value))


def _copy(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {name: each if type(each) is str else _copy(each) for name, each in value.items()}
    if kind is list:
        copies: list[Any] = []
        for each in value:
            _hand(each, copies)
        return copies
    if kind is float:
        return Decimal(str(value))
    if kind in SCALARS:
        return value
    raise Unusual
