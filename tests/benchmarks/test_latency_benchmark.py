"""What the benchmark of the whole way reads out of a server's answers; the server itself is left to the script."""

from __future__ import annotations

import pytest
from benchmarks.latency import Json, Latency, copies, groups, table


def test_copies_share_nothing_and_each_has_one_claim() -> None:
    made = copies(0, 20)
    names = [(each["resourceType"], each["id"]) for copy in made for each in copy]
    assert len(names) == len(set(names))
    assert [sum(each["resourceType"] == "Claim" for each in copy) for copy in made] == [1] * 20


def test_answers_between_two_batches_of_provenances_are_one_group() -> None:
    kinds = ["ClaimResponse"] * 3 + ["Provenance"] * 3 + ["ClaimResponse", "Provenance"]
    written = [resource(kind, second) for second, kind in enumerate(kinds)]
    assert list(groups(written[::-1])) == [3, 1]


def test_the_figures_tell_of_claims_and_of_groups() -> None:
    row = Latency("a kind", 4, [1.0, 2.0, 3.0, 4.0], [3, 1], rewritten=0, writing=2.0)
    figures = row.figures()
    assert figures["per_second"] == pytest.approx(2)
    assert figures["p50_seconds"] == pytest.approx(2.5)
    assert (figures["groups"], figures["claims_a_group"], figures["most_in_a_group"]) == (2, 2, 3)
    assert table([row]).row_count == 1


def resource(kind: str, second: int) -> Json:
    return {"resourceType": kind, "meta": {"lastUpdated": f"2026-01-31T12:00:{second:02}.000+00:00"}}
