"""How long to wait before something is tried again."""

from __future__ import annotations

import random

FIRST_WAIT = 2.0
LONGEST_AFTER = 8
"""Attempts after which the wait grows no further."""


def pause(attempt: int) -> float:
    """Seconds before an attempt: longer each time, and never the same for two."""
    doublings = min(attempt, LONGEST_AFTER) - 1
    return FIRST_WAIT * float(2**doublings) * random.uniform(0.5, 1.0)
