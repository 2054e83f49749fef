"""Any value of another type, anywhere in any resource: nothing raises, and no claim is left without an answer."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import ROWS, files_of, outcome_of, places, replaced, world_of

VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    10**18,
    "",
    " ",
    "x",
    "2023-06-01",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "#",
    "Patient/",
    "é\u2028\U0001f600",
    [],
    {},
    [None],
    [[]],
    [0, "x", {}],
    {"x": 1},
    {"reference": 5},
    {"reference": "#nothing"},
    {"coding": "0592T"},
    {"start": 1, "end": []},
    {"resourceType": "Patient"},
    [{"value": {"value": []}}],
]


@cache
def answered(row: str) -> int:
    """How many claims of a row get an answer when nothing is wrong."""
    return len(outcome_of(world_of(row)).answers)


@settings(max_examples=200)
@given(data=st.data(), row=st.sampled_from(list(ROWS)), value=st.sampled_from(VALUES))
def test_in_memory(data: st.DataObject, row: str, value: Any) -> None:
    world = world_of(row)
    place = data.draw(st.sampled_from(places(world, whole=False)))
    outcome = outcome_of(replaced(world, place, value))
    assert not outcome.unanswered, (str(place), value)
    if "productOrService" not in place.path and place.path not in ("Claim.item", "Claim"):
        assert len(outcome.answers) == answered(row), (str(place), value)
    assert all((each.response is None) != (each.outcome is None) for each in outcome.answers.values())


@settings(max_examples=40)
@given(data=st.data(), row=st.sampled_from(list(ROWS)), value=st.sampled_from(VALUES), times=st.integers(1, 3))
def test_in_files(data: st.DataObject, row: str, value: Any, times: int) -> None:
    world = world_of(row)
    for _ in range(times):
        place = data.draw(st.sampled_from(places(world, whole=False)))
        replaced(world, place, value)
    written = files_of(world.resources)
    answers = written["ClaimResponse.ndjson"].splitlines()
    assert all(json.loads(each)["resourceType"] == "ClaimResponse" for each in answers)


@pytest.mark.parametrize("key", ["Claim", "Encounter", "Coverage"])
def test_nested_too_deep(key: str) -> None:
    world = world_of("row 0: the base case")
    deep: Any = {}
    for _ in range(400):
        deep = {"extension": [deep]}
    resource = next(each for each in world.resources if each["resourceType"] == key)
    resource["extension"] = [deep]
    outcome = outcome_of(world)
    assert not outcome.unanswered
    assert len(outcome.answers) == 1


OF_CLAIM = [
    pytest.param(name, value) for name in ("id", "resourceType", "item", "meta", "contained") for value in VALUES
]


@pytest.mark.parametrize(("name", "value"), OF_CLAIM)
def test_the_claim_itself(name: str, value: Any) -> None:
    """An id or a type that is none: an OperationOutcome, or no claim at all; never a crash."""
    world = world_of("row 0: the base case")
    world.claim[name] = value
    files_of(world.resources)
