"""How findings say numbers."""

from __future__ import annotations

from decimal import Decimal


def counted(number: int | Decimal, noun: str) -> str:
    """A number with its noun: ``1 unit``, ``2 units``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
