"""Dated code lists: what a code is, and whether it was in effect on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Generic

from adapter.mapping.code_files import Entry, ModifierEntry, NcciUnits, PlaceEntry, ReasonEntry, ServiceEntry
from adapter.session.model import ClaimLine


@dataclass(frozen=True, slots=True)
class CodeList(Generic[Entry]):
    """One list of ``mappings/codes/``, with its edition."""

    name: str
    edition: str
    codes: Mapping[str, Entry]

    def get(self, code: str) -> Entry | None:
        return self.codes.get(code)

    def in_effect(self, code: str, on: date) -> bool | None:
        """Whether a code of the list was in effect on a day; None for a code the list lacks."""
        entry = self.codes.get(code)
        if entry is None:
            return None
        return (entry.start is None or entry.start <= on) and (entry.end is None or on <= entry.end)


@dataclass(frozen=True, slots=True)
class Ncci:
    """Same-day edits of dates of service from ``start`` on: pairs, as (column one, column two), and unit limits."""

    pairs: Mapping[tuple[str, str], int]
    """To the modifier indicator."""
    unit_limits: Mapping[str, NcciUnits]
    start: date

    def in_effect(self, on: date | None) -> bool:
        """Whether there are edits for a date of service; of earlier files nothing is known here."""
        return on is not None and self.start <= on


@dataclass(frozen=True, slots=True)
class CodeLists:
    """The lists that rules look things up in."""

    services: CodeList[ServiceEntry]
    modifiers: CodeList[ModifierEntry]
    places: CodeList[PlaceEntry]
    carc: CodeList[ReasonEntry]
    rarc: CodeList[ReasonEntry]
    ncci: Ncci

    def is_ours(self, code: str) -> bool:
        """Whether a code, however it is written, is one of those that put a claim in scope."""
        entry = self.services.get(code.strip().upper())
        return entry is not None and entry.scope

    def bills_ours(self, line: ClaimLine) -> bool:
        """Whether a line carries, or by text claims to carry, one of our codes."""
        return line.named_in_text is not None or any(self.is_ours(each.value.code) for each in line.services)
