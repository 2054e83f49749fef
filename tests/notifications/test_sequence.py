"""Event numbers as servers send them: in order, out of it, twice, with holes, and from 1 again."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.notifications.model import Heard, Kind
from adapter.notifications.sequence import MOST_GAPS, RETRIED, SILENCE, EventLog, Gap, noted, recovered

NOW = 1000.0


def event(*numbers: int, at: float = NOW, since_start: int | None = None, kind: Kind = Kind.EVENT) -> Heard:
    return Heard("claims", at, "s1", kind, numbers, since_start)


def heartbeat(since_start: int) -> Heard:
    return event(since_start=since_start, kind=Kind.HEARTBEAT)


def handshake(since_start: int | None = 0) -> Heard:
    return event(since_start=since_start, kind=Kind.HANDSHAKE)


def of(*heard: Heard) -> EventLog:
    return reduce(noted, heard, EventLog())


def gaps(log: EventLog) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in log.gaps]


LATER = NOW + RETRIED + 1
"""When a sender no longer tries again what came before; the next event notices that so much time has gone by."""


@pytest.mark.parametrize(
    ("heard", "highest", "missing", "duplicates", "sweep"),
    [
        pytest.param([event(1), event(2)], 2, [], 0, False, id="in order"),
        pytest.param([event(500), event(501)], 501, [], 0, True, id="first heard of in the middle: what was before?"),
        pytest.param([event(1), event(3)], 3, [(2, 2)], 0, False, id="one missing"),
        pytest.param([event(1), event(9)], 9, [(2, 8)], 0, False, id="several missing"),
        pytest.param([event(1), event(3), event(2)], 3, [], 0, False, id="a straggler fills it"),
        pytest.param([event(1), event(9), event(5)], 9, [(2, 4), (6, 8)], 0, False, id="a straggler cuts it in two"),
        pytest.param([event(1), event(5), event(2)], 5, [(3, 4)], 0, False, id="a straggler at its beginning"),
        pytest.param([event(1), event(5), event(4)], 5, [(2, 3)], 0, False, id="a straggler at its end"),
        pytest.param([event(3), event(1)], 3, [(2, 2)], 0, True, id="a straggler before the first"),
        pytest.param([event(2), event(3), event(1)], 3, [], 0, True, id="out of order at the start"),
        pytest.param([event(1, 2, 3)], 3, [], 0, False, id="several in one notification"),
        pytest.param([event(1), event(2), event(2)], 2, [], 1, False, id="the last one again"),
        pytest.param([event(1, 2, 3, 4), event(3)], 4, [], 1, False, id="an earlier one again"),
        pytest.param([event(1, 2, 3, 4), event(2), event(3)], 4, [], 2, False, id="a burst of retries"),
        pytest.param([event(1, 2, 3, 4), event(1), event(5)], 5, [], 1, False, id="the first one again"),
        pytest.param(
            [event(1, 2, 3), event(4, at=LATER), event(1, at=LATER)], 1, [], 0, True, id="an old number: restarted"
        ),
        pytest.param(
            [event(1, 2, 3), event(4, at=LATER), event(4, at=LATER)], 4, [], 1, False, id="a new number again: a retry"
        ),
        pytest.param(
            [event(1, 2, 3), event(9, at=LATER), event(2, at=LATER), event(3, at=LATER)],
            *(3, [], 0, True),
            id="restarted, the first was lost, a gap was open",
        ),
        pytest.param([handshake(), event(1)], 1, [], 0, False, id="a new Subscription"),
        pytest.param([handshake(), event(2)], 2, [(1, 1)], 0, False, id="a new one whose first event was lost"),
        pytest.param([handshake(), event(2), event(1)], 2, [], 0, False, id="a new one, out of order"),
        pytest.param([handshake(None), event(1)], 1, [], 0, False, id="a handshake without a count"),
        pytest.param([handshake(), handshake(), event(1)], 1, [], 0, False, id="a handshake twice"),
        pytest.param([event(1, 2, 3, 4), handshake(), event(1)], 1, [], 0, True, id="activated again"),
        pytest.param([event(1), heartbeat(1)], 1, [], 0, False, id="a heartbeat, nothing missed"),
        pytest.param([event(1), heartbeat(3)], 3, [(2, 3)], 0, False, id="a heartbeat tells of what never came"),
        pytest.param([event(1, 2, 3), heartbeat(1)], 3, [], 0, False, id="a heartbeat that comes late"),
        pytest.param(
            [event(1, 2, 3), event(4, at=LATER), heartbeat(1)], 1, [], 0, True, id="a heartbeat tells of a restart"
        ),
        pytest.param([heartbeat(7), event(8)], 8, [], 0, True, id="a heartbeat first: what was before?"),
        pytest.param([heartbeat(0), event(1)], 1, [], 0, False, id="a heartbeat first, of none"),
        pytest.param([event(1, since_start=1), event(2, since_start=4)], 4, [(3, 4)], 0, False, id="more under way"),
        pytest.param([event(1, 2, 3), event(2, since_start=2)], 3, [], 1, False, id="a late one tells an old count"),
        pytest.param([event(since_start=1), event(since_start=3)], 3, [(2, 3)], 0, True, id="counts without numbers"),
        pytest.param([event(), event()], None, [], 0, False, id="neither numbers nor counts"),
    ],
)
def test_what_numbers_tell(
    heard: list[Heard], highest: int | None, missing: list[tuple[int, int]], duplicates: int, sweep: bool
) -> None:
    log = of(*heard)
    assert (log.highest, gaps(log), log.duplicates, log.sweep_due) == (highest, missing, duplicates, sweep)
    assert log.received == len(heard)


def test_a_gap_is_overdue_when_the_grace_period_is_over() -> None:
    log = of(event(1, at=100), event(3, at=110))
    assert log.overdue(119.9, 10) == ()
    assert log.overdue(120, 10) == log.gaps


def test_what_was_asked_for_counts_as_missed_and_recovered_and_a_late_one_as_neither() -> None:
    log = of(event(1), event(5))
    asked = log.gaps
    log = recovered(noted(log, event(3)), asked)
    assert (gaps(log), log.missed, log.recovered) == ([], 2, 2)


def test_a_gap_that_opened_meanwhile_stays() -> None:
    log = of(event(1), event(3))
    asked = log.gaps
    assert gaps(recovered(noted(log, event(9)), asked)) == [(4, 8)]


def test_too_many_gaps_are_swept_instead() -> None:
    log = of(event(1), *(event(2 * number + 1) for number in range(1, MOST_GAPS + 1)))
    assert (len(log.gaps), log.sweep_due) == (MOST_GAPS, False)
    log = noted(log, event(2 * MOST_GAPS + 3))
    assert (log.gaps, log.sweep_due, log.recovered) == ((), True, MOST_GAPS + 1)


@pytest.mark.parametrize(
    ("period", "seconds", "silent"), [(None, 10**9, False), (60, SILENCE * 60, False), (60, SILENCE * 60 + 1, True)]
)
def test_silence_is_a_broken_promise_of_heartbeats(period: int | None, seconds: float, silent: bool) -> None:
    log = of(Heard("claims", 1000.0, "s1", period=period))
    assert log.is_silent(1000.0 + seconds) is silent


def test_the_period_stays_known_and_time_does_not_run_backwards() -> None:
    log = of(Heard("claims", 50.0, "s1", period=60), Heard("claims", 40.0, "s1"))
    assert (log.period, log.heard) == (60, 50.0)


@given(numbers=st.permutations(range(1, 30)), lost=st.sets(st.integers(2, 29)))
def test_in_any_order_what_is_missing_is_what_was_lost(numbers: list[int], lost: set[int]) -> None:
    """From a handshake on, within the time that a sender may try again."""
    came = [each for each in numbers if each not in lost]
    log = of(handshake(), *map(event, came))
    missing = {number for gap in log.gaps for number in range(gap.first, gap.last + 1)}
    assert missing == {each for each in lost if each < max(came)}
    assert log.duplicates == 0
    assert not log.sweep_due


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(Kind), st.none() | st.integers(0, 40)), max_size=30))
def test_whatever_is_sent_gaps_lie_apart_below_the_highest(said: list[tuple[int, Kind, int | None]]) -> None:
    log = of(*(event(number, kind=kind, since_start=total) for number, kind, total in said))
    inside = [number for gap in log.gaps for number in range(gap.first, gap.last + 1)]
    assert len(inside) == len(set(inside))
    assert all(number < (log.highest or 0) or log.highest == number for number in inside)
    assert all(isinstance(each, Gap) and each.size > 0 for each in log.gaps)
