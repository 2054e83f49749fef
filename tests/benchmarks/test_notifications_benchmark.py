"""The benchmark of the door runs and says what it says it does; how long anything takes is no test."""

from __future__ import annotations

import json

import pytest
from benchmarks.load import Taken
from benchmarks.notifications import KINDS, Round, Row, main, percentile, table


def test_each_kind_is_taken_by_both_sides_and_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--requests", "20", "--senders", "4", "--rounds", "1", "--format", "json"])
    told = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in told["kinds"]] == list(KINDS)
    for each in told["kinds"]:
        assert each["refused"] == 0
        assert len(each["ratios"]) == 1
        for side in ("serve", "bare"):
            assert set(each[side]) == {"per_second", "p50_ms", "p99_ms"}
            assert all(figure > 0 for figure in each[side].values())


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    rounds = [Round(taken(per_second), taken(100), 0.5) for per_second in (50, 300, 200)]
    row = Row("a kind", rounds)
    assert row.ratio == pytest.approx(2)
    assert row.figures()["serve"]["per_second"] == pytest.approx(200)
    assert table([row]).row_count == 2


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        pytest.param([7.0], 99, 7.0, id="one alone"),
        pytest.param([1.0, 2.0, 3.0], 50, 2.0, id="the middle"),
        pytest.param([float(each) for each in range(101)], 99, 99.0, id="the end"),
    ],
)
def test_percentiles_lie_among_the_values(values: list[float], percent: int, expected: float) -> None:
    assert percentile(values, percent) == pytest.approx(expected)


def taken(per_second: int) -> Taken:
    return Taken(1.0, [0.01] * per_second, refused=0)
