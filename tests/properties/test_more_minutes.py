"""A longer session never gets a worse decision: not for the coaching codes, and not for H0038 with its units fixed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import decision_of
from table.rows import peer
from table.world import Change, alone, changed, code, lasting, of_class, only_procedure

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
    def after(length: int) -> int:
        service = () if billed == "0592T" else (code(billed),)
        return decision_of(changed(*service, lasting(length), *RECORDS[record]))

    assert after(minutes + more) <= after(minutes)


@settings(max_examples=25)
@given(minutes=MINUTES, more=MINUTES, units=st.integers(1, 24))
def test_peer_support(minutes: int, more: int, units: int) -> None:
    assert decision_of(changed(*peer(minutes + more, units))) <= decision_of(changed(*peer(minutes, units)))


@settings(max_examples=25)
@given(minutes=st.integers(0, 300), units=st.integers(1, 24))
def test_fewer_units_never_hurt(minutes: int, units: int) -> None:
    assert decision_of(changed(*peer(minutes, units))) <= decision_of(changed(*peer(minutes, units + 1)))
