"""What refers in a way that a folder is not looked through by: told, and only where a decision can rest on it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from answers.story_stages import NOW, bundle_of, shipped
from big_folders.ways import WAYS, Json, ndjson, written

from adapter.sync.files import Order, Way, sync_files

CONTAINED = {"contained": [{"resourceType": "Organization", "id": "o"}], "status": "active"}
BY_NUMBER = {"patient": {"reference": "Patient?identifier=7"}}


def kept(folder: Path, other: Json) -> Path:
    """A claim with its evidence, and another resource."""
    resources = [each["resource"] for each in bundle_of("0592t-approved")["entry"]]
    ndjson(folder / "story.ndjson", resources)
    ndjson(folder / "other.ndjson", [other])
    return folder


@pytest.mark.parametrize(
    ("other", "memory", "told"),
    [
        pytest.param({"resourceType": "Coverage", "id": "x", **CONTAINED}, 100, True, id="Coverage"),
        pytest.param({"resourceType": "Coverage", "id": "x", **BY_NUMBER}, 100, True, id="by an identifier"),
        pytest.param({"resourceType": "ExplanationOfBenefit", "id": "x", **CONTAINED}, 100, False, id="no evidence"),
        pytest.param({"resourceType": "Coverage", "id": "x", **CONTAINED}, 1_000_000, False, id="a small folder"),
    ],
)
def test_a_large_folder_that_is_decided_at_once_is_told_of(
    tmp_path: Path, other: Json, memory: int, told: bool
) -> None:
    order = Order(kept(tmp_path / "in", other), tmp_path / "out", datetime.fromisoformat(NOW))
    report = sync_files(order, shipped(), lambda *_: None, Way(memory=memory))
    assert [each.partition(":")[0] for each in report.warnings] == ["other.ndjson, line 1"] * told
    assert all("in one process and in memory" in each for each in report.warnings)


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_what_is_no_evidence_changes_no_answer(tmp_path: Path, way: Way) -> None:
    other = {"resourceType": "ExplanationOfBenefit", "id": "x", **CONTAINED, **BY_NUMBER}
    found = written(kept(tmp_path / "in", other), way, tmp_path / "out")
    (tmp_path / "in" / "other.ndjson").unlink()
    without = written(tmp_path / "in", way, tmp_path / "without")
    assert {name: found[name] for name in found if name != "summary.json"} == {
        name: without[name] for name in without if name != "summary.json"
    }
