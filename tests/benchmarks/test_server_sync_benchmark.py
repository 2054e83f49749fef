"""The benchmark of ``sync URL`` runs and says what it says it does; how long anything takes is no test."""

from __future__ import annotations

import json

import pytest
from benchmarks.ratio import Row
from benchmarks.server_sync import entries_like, main


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    assert Row("", "", "<= 1.3", [2.0, 3.0, 9.0], [1.0, 2.0, 3.0]).ratio == pytest.approx(2.0)


@pytest.mark.parametrize(("once", "conditions"), [(True, 2), (False, 0)])
def test_the_floor_writes_as_many_answers_in_the_same_or_in_the_plainest_way(once: bool, conditions: int) -> None:
    answers = [{"resourceType": "ClaimResponse", "id": "1", "meta": {}, "outcome": "complete"}]
    trail = {"resourceType": "Provenance", "id": "2", "target": [{"reference": "ClaimResponse/1"}], "recorded": "2026"}
    entries = [each for some in entries_like(answers, [trail], once=once) for each in some]
    assert [each["resource"]["resourceType"] for each in entries] == ["ClaimResponse", "Provenance"]
    assert sum("ifNoneExist" in each["request"] for each in entries) == conditions


def test_a_small_run_has_every_row_of_the_table(java: None, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--claims", "8", "--rounds", "0", "--format", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["claims"] == 8
    assert [each["what"] for each in told["rows"]] == ["initial sync", "initial sync", "nothing changed"]
    assert all(each["seconds"] >= 0 and each["floor_seconds"] > 0 for each in told["rows"])
    assert told["requests_a_claim"] < 3  # of so few, most are asked once for all
