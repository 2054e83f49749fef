"""What a look over all changes leaves for the next: only what was brought to its end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from adapter.receiver.work.sweep import Sweep


def look(sweep: Sweep, versions: str, instant: str | None, *, ends: bool = True) -> tuple[str | None, str]:
    """One look; returns what is kept of the one before, and the versions that are decided."""
    kept = sweep.begin()
    fresh = "".join(sorted(sweep.fresh(versions)))
    if instant is not None:
        sweep.reach(instant)
    if ends:
        sweep.finish()
    return kept, fresh


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        pytest.param([("ab", "12:00", True)], [(None, "ab")], id="the first"),
        pytest.param([("ab", "12:00", True), ("bc", "12:01", True)], [(None, "ab"), ("12:00", "c")], id="the overlap"),
        pytest.param([("ab", "12:00", False), ("b", "12:01", True)], [(None, "ab"), (None, "b")], id="broken off"),
        pytest.param([("ab", None, True), ("b", "12:01", True)], [(None, "ab"), (None, "b")], id="no clock"),
        pytest.param(
            [("a", "12:00", True), ("ab", "12:01", False), ("ab", "12:02", True)],
            [(None, "a"), ("12:00", "b"), (None, "b")],
            id="broken off after one that was not",
        ),
    ],
)
def test_looks_one_after_another(
    looks: Sequence[tuple[str, str | None, bool]], told: Sequence[tuple[str | None, str]]
) -> None:
    sweep = Sweep()
    assert [look(sweep, versions, instant, ends=ends) for versions, instant, ends in looks] == told
