"""No more than the rate in the long run and the burst at once; whoever waits as long as told is let in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from adapter.receiver.door import Credentials, NotAdmitted
from adapter.receiver.rate_limit import PacedDoor, TokenBucket

SECRET = "0123456789abcdef"
GOOD, BAD = Credentials(f"Bearer {SECRET}", None), Credentials("Bearer wrong", None)
RATES = st.floats(0.01, 10_000)
PAUSES = st.lists(st.floats(0, 100), max_size=60)


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(rate=RATES, burst=st.integers(1, 1000), pauses=PAUSES, asked=st.integers(1, 30))
def test_over_any_time_no_more_come_in_than_burst_and_rate_allow(
    rate: float, burst: int, pauses: list[float], asked: int
) -> None:
    bucket, now = TokenBucket(rate, burst, 0.0), 0.0
    let_in: list[float] = []
    for pause in pauses:
        now += pause
        let_in += [now for _ in range(asked) if bucket.take(now) == 0]
    for first, begin in enumerate(let_in):
        for last in range(first, len(let_in)):
            assert last - first + 1 <= burst + (let_in[last] - begin) * rate + 1e-6


@given(rate=RATES, burst=st.integers(1, 50), pauses=PAUSES)
def test_whoever_waits_as_long_as_told_comes_in(rate: float, burst: int, pauses: list[float]) -> None:
    bucket, now = TokenBucket(rate, burst, 0.0), 0.0
    for pause in pauses:
        now += pause
        wait = bucket.take(now)
        assert 0 <= wait <= 1 / rate + 1e-9
        if wait:
            now += wait * 1.000001 + 1e-9
            assert bucket.take(now) == 0


@given(burst=st.integers(1, 50))
def test_a_clock_that_stands_or_goes_back_gives_nothing_away(burst: int) -> None:
    bucket = TokenBucket(1.0, burst, 100.0)
    assert [bucket.take(100.0 - each) for each in range(burst)] == [0] * burst
    assert bucket.take(100.0) > 0
    assert bucket.take(0.0) > 0


def test_a_name_has_its_pace_and_holds_up_no_other() -> None:
    clock = Time()
    door = PacedDoor({"a": SecretStr(SECRET), "b": SecretStr(SECRET)}, rate=2, burst=3, clock=clock)
    for _ in range(3):
        door.check("a", GOOD, b"")
    with pytest.raises(NotAdmitted) as refused:
        door.check("a", GOOD, b"")
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, "throttled", 0.5)
    door.check("b", GOOD, b"")
    clock.now = 0.5
    door.check("a", GOOD, b"")


def test_whoever_is_not_let_in_uses_up_nobodys_pace() -> None:
    door = PacedDoor({"a": SecretStr(SECRET)}, rate=1, burst=1, clock=Time())
    for name, shown, status in [("a", BAD, 403), ("a", Credentials(None, None), 401), ("none", GOOD, 404)] * 5:
        with pytest.raises(NotAdmitted) as refused:
            door.check(name, shown, b"")
        assert refused.value.status == status
    door.check("a", GOOD, b"")
