"""The benchmark runs and says what it says it does; how long anything takes is no test."""

from __future__ import annotations

import json

import pytest
from benchmarks.fhirpath import main
from fhirpath_compiled.shipped import shipped

TINY = ["--repeats", "1", "--elements", "1"]


def test_the_json_has_every_part_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    main([*TINY, "--format", "json"])
    *parts, total = json.loads(capsys.readouterr().out)["parts"]
    assert total["base"] == "all"
    assert {each["base"] for each in parts} <= {each.base for each in shipped("r4")}
    for figure in ("expressions", "evaluations", "library_seconds", "compiled_seconds"):
        assert total[figure] == pytest.approx(sum(each[figure] for each in parts))
        assert total[figure] > 0


def test_the_table_names_the_ratio_of_each_part(capsys: pytest.CaptureFixture[str]) -> None:
    main(TINY)
    shown = capsys.readouterr().out
    assert "ratio" in shown
    assert "Encounter.participant" in shown
