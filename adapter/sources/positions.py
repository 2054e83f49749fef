"""On which line of a JSON text an element stands: found out when asked, and only along the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from json import JSONDecoder

_BLANK = re.compile(r"[ \t\n\r]*")
_SKIPPER = JSONDecoder(parse_int=str, parse_float=str)  # a number of any length is passed over, not read


class Positions:
    """The places in one JSON text, which is known to be sound; what is inside an element is looked at once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._inside: dict[int, dict[str | int, tuple[int, int]]] = {}

    def line(self, path: Sequence[str | int]) -> int:
        """The line (from 1) of the element at ``path``, or of the nearest one above it."""
        stands = value = self._skip(0)
        for step in path:
            found = self._elements(value).get(step)
            if found is None:
                break
            stands, value = found
        return self._text.count("\n", 0, stands) + 1

    def _elements(self, at: int) -> dict[str | int, tuple[int, int]]:
        """Of each element of the object or list at a place: where it stands (its key, if any) and its value."""
        if at not in self._inside:
            elements: dict[str | int, tuple[int, int]] = {}
            for step, stands, value in self._walk(at):
                elements.setdefault(step, (stands, value))
            self._inside[at] = elements
        return self._inside[at]

    def _walk(self, at: int) -> Iterator[tuple[str | int, int, int]]:
        opening = self._text[at]
        if opening not in "{[":
            return
        index, place = 0, self._skip(at + 1)
        while self._text[place] not in "}]":
            step, value = self._key(place) if opening == "{" else (index, place)
            yield step, place, value
            index, place = index + 1, self._skip(_SKIPPER.raw_decode(self._text, value)[1])
            place = self._skip(place + 1) if self._text[place] == "," else place

    def _key(self, place: int) -> tuple[str, int]:
        key, end = _SKIPPER.raw_decode(self._text, place)
        return key, self._skip(self._skip(end) + 1)

    def _skip(self, place: int) -> int:
        found = _BLANK.match(self._text, place)
        return found.end() if found else place
