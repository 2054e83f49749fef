"""What is told of a run while it goes on: claims, whose rate and time left the progress line adds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from adapter.cli.progress import _Since
from adapter.runs.model import Basis, Plan, Window
from adapter.runs.progress import how_far

COUNTED, NOT_COUNTED = (500, 300, 200), (500, None)


def plan(counts: Sequence[int | None]) -> Plan:
    windows = tuple(Window(claims=each) for each in counts)
    return Plan("http://fhir.test", None, None, None, "2026-03-01T12:00:00Z", Basis("1", "a", "b"), windows)


@pytest.mark.parametrize(
    ("counts", "over", "told"),
    [
        (COUNTED, (), ("claims read", 0, 1000)),
        (COUNTED, (2,), ("claims read", 300, 1000)),
        (COUNTED, (1, 3), ("claims read", 700, 1000)),
        (COUNTED, (1, 3, 4), ("claims read", 700, 1000)),  # the fourth looks at evidence
        (COUNTED, (1, 2, 3), ("claims read; looks at what changed besides", 0, None)),
        (COUNTED, (1, 2, 3, 4, 5), ("claims read; looks at what changed besides", 2, None)),
        (NOT_COUNTED, (1,), ("stretches of claims read", 1, 2)),
        ((), (1,), ("claims read; looks at what changed besides", 1, None)),
    ],
)
def test_how_far_a_run_is(
    counts: Sequence[int | None], over: Collection[int], told: tuple[str, int, int | None]
) -> None:
    assert how_far(plan(counts), over) == told


def test_the_line_has_a_rate_and_the_time_left() -> None:
    times = iter([0.0, 10.0])
    since = _Since(lambda: next(times))
    since.sentence(*how_far(plan(COUNTED), ()))
    assert since.sentence(*how_far(plan(COUNTED), (1,))) == "claims read: 500 of 1,000 (50/s, 10 s left)"
