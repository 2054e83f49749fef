"""What the benchmark of the whole way reads out of a server's answers; the server itself is left to the script."""

from __future__ import annotations

import pytest
from benchmarks.latency import Latency, copies, groups, table


def test_copies_share_nothing_and_each_has_one_claim() -> None:
    made = copies(0, 20)
    names = [(each["resourceType"], each["id"]) for copy in made for each in copy]
    assert len(names) == len(set(names))
    assert [sum(each["resourceType"] == "Claim" for each in copy) for copy in made] == [1] * 20


def test_answers_of_one_instant_are_one_group() -> None:
    assert groups([{"created": f"2026-01-31T12:00:{second}+00:00"} for second in (10, 10, 11, 10)]) == [3, 1]


def test_the_figures_tell_of_claims_and_of_groups() -> None:
    row = Latency("a kind", 4, [1.0, 2.0, 3.0, 4.0], [3, 1], rewritten=0, writing=2.0)
    figures = row.figures()
    assert figures["per_second"] == pytest.approx(2)
    assert figures["p50_seconds"] == pytest.approx(2.5)
    assert (figures["groups"], figures["claims_a_group"], figures["most_in_a_group"]) == (2, 2, 3)
    assert table([row]).row_count == 1
