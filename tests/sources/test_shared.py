"""What many claims share is kept for a run, and dropped when an answer may rest on newer evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapter.sources.shared import Shared

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
COACH = ("Practitioner", "_id", "x")


def kept(now: datetime | None = NOW, key: tuple[str, str, str] = COACH) -> Shared:
    shared = Shared(most=2)
    shared.keep(key, [{"id": "x"}], now)
    return shared


@pytest.mark.parametrize(
    ("shared", "key", "there"),
    [
        pytest.param(kept(), COACH, True, id="kept"),
        pytest.param(kept(None), COACH, False, id="of a server without a clock"),
        pytest.param(kept(key=("Encounter", "_id", "x")), ("Encounter", "_id", "x"), False, id="of one claim only"),
    ],
)
def test_what_is_kept(shared: Shared, key: tuple[str, str, str], there: bool) -> None:
    assert (shared.get(key) is not None) is there


@pytest.mark.parametrize(
    ("written", "there"),
    [
        pytest.param(None, True, id="no answer"),
        pytest.param(NOW - timedelta(seconds=2), True, id="before it was read"),
        pytest.param(NOW - timedelta(seconds=1), False, id="within the second that a clock counts by"),
        pytest.param(NOW + timedelta(seconds=5), False, id="since it was read"),
    ],
)
def test_an_answer_written_since_makes_it_forget(written: datetime | None, there: bool) -> None:
    shared = kept()
    shared.forget_before(written)
    assert (shared.get(COACH) is not None) is there


def test_the_one_not_used_for_longest_goes_first() -> None:
    shared = kept()
    shared.keep(("Practitioner", "_id", "y"), [], NOW)
    shared.get(COACH)
    shared.keep(("Practitioner", "_id", "z"), [], NOW)
    known = [name for name in "xyz" if shared.get(("Practitioner", "_id", name)) is not None]
    assert known == ["x", "z"]
