"""Named pieces of FHIRPath: ``%name`` in a mapping stands for the piece of that name, in parentheses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_WORD = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|%(?P<name>[A-Za-z_]\w*)")
"""A text, a quoted name, or a variable: what looks like a variable inside the first two is none."""
_NAME = re.compile(r"[A-Za-z_]\w*")
VARIABLES = "variables.yaml"
"""The file of a version folder that names them."""
BUILT_IN = frozenset(["context", "resource", "ucum"])
"""FHIRPath's own, https://hl7.org/fhirpath/N1/#environment-variables."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The pieces of one FHIR version."""

    pieces: Mapping[str, str] = field(default_factory=dict)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Pieces that no path could name, or that cannot be written out; each with what is wrong."""
        for name, piece in self.pieces.items():
            if name in BUILT_IN:
                yield name, f"%{name} is FHIRPath's own"
            elif _NAME.fullmatch(name) is None:
                yield name, f"no path can name %{name}: letters, digits and _ only, and no digit first"
            try:
                self.expanded(piece, (name,))
            except ValueError as error:
                yield name, str(error)

    def named_in(self, text: str) -> set[str]:
        """The variables of ours that an expression names."""
        return {found["name"] for found in _WORD.finditer(text) if found["name"]} - BUILT_IN

    def expanded(self, text: str, within: tuple[str, ...] = ()) -> str:
        """The expression with every piece written out.

        Raises:
            ValueError: no piece of a name, or a piece that names itself.
        """

        def piece(found: re.Match[str]) -> str:
            name = found["name"]
            if name is None or name in BUILT_IN:
                return found[0]
            if name in within:
                raise ValueError(f"%{name} names itself")
            if name not in self.pieces:
                known = ", ".join(sorted(self.pieces)) or "none"
                raise ValueError(f"there is no variable %{name}; variables: {known}")
            return f"({self.expanded(self.pieces[name], (*within, name))})"

        return _WORD.sub(piece, text)
