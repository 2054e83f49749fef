"""How values are declared: dataclasses that nobody changes once they are made.

``@value(frozen=True, slots=True)`` is ``@dataclass(frozen=True, slots=True)`` to the type checker, which refuses every
assignment to a field; equality and hash are the same. At run time the fields are plain: Python sets each field of a
frozen dataclass by a call, and making one takes three to eight times as long. A claim is some hundreds of values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen, slots=False, eq=True):
        """Declare a value; see the module."""
        return dataclass(slots=slots, eq=eq, unsafe_hash=frozen and eq)


__all__ = ["value"]
