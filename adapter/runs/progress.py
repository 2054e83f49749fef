"""How far a run of several processes has come, in the words of ``sync``: claims that were read, of how many."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from adapter.runs.model import Plan


class HowFar(NamedTuple):
    """What is counted, how much of it is done, and of how much where that is known; as ``Progress`` is told."""

    what: str
    done: int
    total: int | None


def how_far(plan: Plan, over: Collection[int]) -> HowFar:
    """By the numbers of the items that are over; those of the windows come first, from 1.

    Claims are as many as were counted when the run was cut. What remains after them has no number beforehand.
    """
    windows = len(plan.windows)
    read = [number for number in over if number <= windows]
    if len(read) == windows:
        return HowFar("claims read; looks at what changed besides", len(over) - windows, None)
    counts = [each.claims for each in plan.windows]
    known = [each for each in counts if each is not None]
    if len(known) < windows:
        return HowFar("stretches of claims read", len(read), windows)
    return HowFar("claims read", sum(known[number - 1] for number in read), sum(known))
