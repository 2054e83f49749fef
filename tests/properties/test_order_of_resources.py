"""The order of resources, in a Bundle or over files, never changes the bytes written."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import ROWS, files_of, world_of

BASE = "row 0: the base case"
SEVERAL = [name for name, row in ROWS.items() if len(row.expected) > 1 or "lines" in name or "two patients" in name]


@settings(max_examples=18)
@given(row=st.sampled_from(list(ROWS)) | st.sampled_from(SEVERAL), chance=st.randoms(use_true_random=False))
def test_in_files(row: str, chance: random.Random) -> None:
    resources = world_of(row).resources
    shuffled = chance.sample(resources, len(resources))
    assert files_of(shuffled, several=True) == files_of(resources)


@settings(max_examples=18)
@given(row=st.sampled_from(list(ROWS)) | st.sampled_from(SEVERAL), chance=st.randoms(use_true_random=False))
def test_in_a_bundle(row: str, chance: random.Random) -> None:
    bundle = world_of(row).bundle()
    shuffled = bundle | {"entry": chance.sample(bundle["entry"], len(bundle["entry"]))}
    plain, mixed = files_of([bundle]), files_of([shuffled])
    for each in (plain, mixed):
        for issue in (issue for outcome in each["OperationOutcome.ndjson"] for issue in outcome["issue"]):
            issue.pop("diagnostics", None)
    assert mixed == plain


STALE: dict[str, dict[str, object]] = {
    "Encounter": {"status": "cancelled"},
    "Procedure": {"status": "not-done"},
    "Practitioner": {"qualification": []},
    "Coverage": {"status": "cancelled"},
    "Claim": {"status": "draft"},
}
CASES = [pytest.param(kind, place) for kind in STALE for place in ("first", "last")]


@pytest.mark.parametrize(("kind", "place"), CASES)
def test_an_older_version_beside_the_newest(kind: str, place: str) -> None:
    """History bundles hold several versions of one resource; the newest counts, wherever it stands."""
    assert with_older(kind, place) == files_of([world_of(BASE).bundle()])["ClaimResponse.ndjson"]


def with_older(kind: str, place: str) -> Any:
    """The answers to the base case with older versions of its resources of a type in the Bundle."""
    bundle = world_of(BASE).bundle()
    stale = [deepcopy(each) for each in bundle["entry"] if each["resource"]["resourceType"] == kind]
    for each in stale:
        each["resource"] |= {"meta": {"versionId": "0", "lastUpdated": "2020-01-01T00:00:00Z"}} | STALE[kind]
    entries = [*stale, *bundle["entry"]] if place == "first" else [*bundle["entry"], *stale]
    return files_of([bundle | {"entry": entries}])["ClaimResponse.ndjson"]
