"""The form of the benchmark of folders, at a small size: that it measures what it says, and not how long it took."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from benchmarks.folder import NOT_OURS, lines_of, main, make_folder, peak_over, table
from benchmarks.ratio import Row
from big_folders.ways import AT_ONCE, decisions


def test_of_a_made_folder_one_claim_in_twenty_is_ours(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", 3, NOT_OURS)
    claims = [each for each in map(orjson.loads, lines_of(tmp_path / "in")) if each["resourceType"] == "Claim"]
    assert len({each["id"] for each in claims}) == len(claims) == 3 * (NOT_OURS + 1)
    assert len(decisions(tmp_path / "in", AT_ONCE, tmp_path / "out")) == 3


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    row = Row("a", "b", "<= 2", [2.0, 30.0, 3.0], [1.0, 10.0, 2.0])
    assert row.figures() == {
        "what": "a",
        "floor": "b",
        "aim": "<= 2",
        "seconds": 3.0,
        "floor_seconds": 2.0,
        "ratio": 2.0,
    }
    assert table([row]).row_count == 1


def test_a_small_run_tells_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--claims", "8", "--rounds", "1", "--format", "json"])
    figures = json.loads(capsys.readouterr().out)
    assert [each["what"] for each in figures["rows"]] == [
        "95 % not ours, trusted",
        "95 % not ours",
        "all ours",
        "all ours, trusted",
        "one process",
    ]
    assert all(each["ratio"] > 0 for each in figures["rows"])


def test_the_peak_of_memory_is_that_of_a_process_of_its_own(tmp_path: Path) -> None:
    make_folder(tmp_path, 1, 0)
    assert 20 < peak_over(tmp_path) < 2000
