"""A longer session never gets a worse decision: not for the coaching codes, and not for H0038 with its units fixed.

That holds for the session as a whole and for each record that tells its length, as long as the records agree. Where one
outgrows what it lies in, it is the contradiction that is asked about, not the minutes: those cases stand at the end.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import decision_of
from table.more import alone, only_procedure
from table.rows_codes import peer
from table.world import Change, changed, code, inner, lasting, length, of_class, visit

from adapter.coverage.finding import Decision

MINUTES = st.integers(0, 300)
RECORDS: dict[str, tuple[Change, ...]] = {
    "both": (),
    "encounter": (alone,),
    "procedure": (only_procedure,),
    "virtual": (of_class("VR"),),
}


@pytest.mark.parametrize("billed", ["0591T", "0592T", "0593T"])
@settings(max_examples=15)
@given(minutes=MINUTES, more=MINUTES, record=st.sampled_from(sorted(RECORDS)))
def test_coaching(billed: str, minutes: int, more: int, record: str) -> None:
    def after(session: int) -> int:
        service = () if billed == "0592T" else (code(billed),)
        return decision_of(changed(*service, lasting(session), *RECORDS[record]))

    assert after(minutes + more) <= after(minutes)


@settings(max_examples=25)
@given(minutes=MINUTES, more=MINUTES, session=st.integers(0, 60))
def test_an_encounter_around_its_procedure(minutes: int, more: int, session: int) -> None:
    def within(rest: int) -> int:
        return decision_of(changed(visit(session + rest), inner(session)))

    assert within(minutes + more) == within(minutes)


@settings(max_examples=25)
@given(minutes=MINUTES, more=MINUTES)
def test_a_procedure_within_its_encounter(minutes: int, more: int) -> None:
    def within(session: int) -> int:
        return decision_of(changed(visit(600), inner(session)))

    assert within(minutes + more) <= within(minutes)


@settings(max_examples=25)
@given(minutes=MINUTES, more=MINUTES)
def test_a_stated_length_within_its_period(minutes: int, more: int) -> None:
    def within(stated: int) -> int:
        return decision_of(changed(visit(600), length(stated), alone))

    assert within(minutes + more) <= within(minutes)


@settings(max_examples=25)
@given(seconds=st.integers(0, 59), more=st.integers(0, 59), minutes=st.sampled_from([0, 14, 15, 29, 30, 44]))
def test_seconds(minutes: int, seconds: int, more: int) -> None:
    few, many = sorted((seconds, more))
    for service in ((), peer(0, 2)):
        after = [decision_of(changed(*service, lasting(minutes, each))) for each in (many, few)]
        assert after[0] <= after[1]


@settings(max_examples=25)
@given(minutes=MINUTES, more=MINUTES, units=st.integers(1, 24))
def test_peer_support(minutes: int, more: int, units: int) -> None:
    assert decision_of(changed(*peer(minutes + more, units))) <= decision_of(changed(*peer(minutes, units)))


@settings(max_examples=25)
@given(minutes=st.integers(0, 300), units=st.integers(1, 24))
def test_fewer_units_never_hurt(minutes: int, units: int) -> None:
    assert decision_of(changed(*peer(minutes, units))) <= decision_of(changed(*peer(minutes, units + 1)))


@pytest.mark.parametrize(
    ("agreeing", "contradictory", "expected"),
    [
        pytest.param((visit(40), inner(40)), (visit(40), inner(41)), Decision.PEND, id="row 20: outgrows its visit"),
        pytest.param(
            (visit(40), length(40), alone),
            (visit(40), length(41), alone),
            Decision.PEND,
            id="row 17: outgrows its period",
        ),
    ],
)
def test_a_minute_that_contradicts_another_record_is_asked_about(
    agreeing: tuple[Change, ...], contradictory: tuple[Change, ...], expected: Decision
) -> None:
    assert decision_of(changed(*agreeing)) is Decision.APPROVE
    assert decision_of(changed(*contradictory)) is expected
