"""A server that lets us write nothing ends the run; one that refuses a single answer does not."""

from __future__ import annotations

import pytest

from adapter.errors import AccessRefused, Step
from adapter.sinks.barred import Barred


@pytest.mark.parametrize(
    ("batches", "ends"),
    [
        pytest.param([("ClaimResponse", [403, 403])], True, id="all of the first batch, no rights"),
        pytest.param([("ClaimResponse", [401])], True, id="one of one, not let in"),
        pytest.param([("ClaimResponse", [403, 201])], False, id="one of two"),
        pytest.param([("ClaimResponse", [403, 422])], False, id="another was looked into"),
        pytest.param([("ClaimResponse", [500])], False, id="another fault"),
        pytest.param([("ClaimResponse", [])], False, id="nothing to write"),
        pytest.param([("ClaimResponse", [201]), ("ClaimResponse", [403])], False, id="after one was written"),
        pytest.param([("ClaimResponse", [201]), ("Provenance", [403])], True, id="rights to one type only"),
    ],
)
def test_when_it_ends_the_run(batches: list[tuple[str, list[int]]], ends: bool) -> None:
    barred = Barred("https://user:s3cret@fhir.test/r4?x=y")
    *before, last = batches
    for kind, statuses in before:
        barred.refuse(kind, statuses)
    if not ends:
        barred.refuse(*last)
        return
    with pytest.raises(AccessRefused) as caught:
        barred.refuse(*last)
    assert (caught.value.step, caught.value.exit_code) == (Step.WRITE, 4)
    assert f"https://fhir.test/r4 refused every {last[0]} of a batch" in str(caught.value)
    assert "s3cret" not in str(caught.value)
