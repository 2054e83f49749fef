"""How much of anything is taken in before it is refused by name. What is over a limit never holds up the rest."""

from __future__ import annotations

from dataclasses import dataclass

DEEPEST = 250
"""Levels of nesting beyond which JSON is not read at all, whatever the setting: our JSON library writes no deeper."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run; ``settings`` says what each is for."""

    max_file_bytes: int = 500_000_000
    max_unpacked_bytes: int = 500_000_000
    max_unpack_ratio: int = 200
    max_json_bytes: int = 64_000_000
    max_response_bytes: int = 64_000_000
    max_depth: int = 100
    max_claim_lines: int = 1000


DEFAULT = Limits()
