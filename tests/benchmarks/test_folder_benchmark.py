"""The form of the benchmark of folders, at a small size: that it measures what it says, and not how long it took."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from benchmarks.folder import NOT_OURS, Peak, lines_of, main, make_folder, peak_over, table, table_of_memory
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
        "met": True,
    }
    assert table([row]).row_count == 1


@pytest.mark.parametrize(
    ("aim", "met"), [("<= 2", True), ("<= 1.99", False), (">= 2", True), (">= 2.01", False)], ids=str
)
def test_an_aim_is_met_up_to_its_limit(aim: str, met: bool) -> None:
    assert Row("a", "b", aim, [4.0], [2.0]).met is met


def test_memory_is_held_against_that_of_the_first_large_folder() -> None:
    peaks = [Peak(10_000, 200), Peak(100_000, 300), Peak(200_000, 360), Peak(1_000_000, 361)]
    columns = table_of_memory(peaks).columns
    assert [list(each.cells) for each in columns[2:]] == [
        ["", "", "1.20", "1.20"],
        ["", "", "<= 1.2", "<= 1.2"],
        ["", "", "yes", "no"],
    ]


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
    held = bytearray(b"x") * 400_000_000  # which is no part of what the other process needs
    assert 20 < peak_over(tmp_path) < 300
    assert held
