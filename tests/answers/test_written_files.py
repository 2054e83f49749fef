"""The files of a run: which there are, what stands in them, and that a crash leaves the old or the new, never half."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import CLINIC, FIXTURES, NOW, run, shipped

from adapter.errors import AdapterError
from adapter.sync.files import Order, sync_files
from adapter.sync.report import Report

Json = dict[str, Any]
FILES = {"ClaimResponse.ndjson", "OperationOutcome.ndjson", "Provenance.ndjson", "decisions.ndjson", "summary.json"}
APPROVED = FIXTURES / "stories" / "0592t-approved" / "0_bundle.json"
DENIED = FIXTURES / "stories" / "0592t-29-minutes" / "0_bundle.json"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def ndjson(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    run(CLINIC, out=folder)
    return folder


def test_there_are_exactly_the_files_of_the_contract(out: Path) -> None:
    assert set(contents(out)) == FILES


def test_each_line_is_one_resource_of_the_type_in_the_files_name(out: Path) -> None:
    for kind in ("ClaimResponse", "OperationOutcome", "Provenance"):
        assert {each["resourceType"] for each in ndjson(out / f"{kind}.ndjson")} == {kind}
        assert (out / f"{kind}.ndjson").read_bytes().endswith(b"\n")


def test_a_file_with_nothing_in_it_is_empty(tmp_path: Path) -> None:
    run(APPROVED, out=tmp_path)
    assert (tmp_path / "OperationOutcome.ndjson").read_bytes() == b""


def test_the_lines_are_in_the_order_of_the_claims(out: Path) -> None:
    claims = [each["request"]["reference"] for each in ndjson(out / "ClaimResponse.ndjson")]
    assert claims == sorted(claims)
    targets = [each["target"][0]["reference"] for each in ndjson(out / "Provenance.ndjson")]
    assert targets == [f"ClaimResponse/{each['id']}" for each in ndjson(out / "ClaimResponse.ndjson")]


def test_decisions_have_one_line_for_each_line_of_a_claim(out: Path) -> None:
    found = ndjson(out / "decisions.ndjson")
    for each in found:
        assert each.keys() >= {"claim", "line", "decision", "carc", "rarc", "policy", "findings"}
    items = [
        (each["request"]["reference"].removeprefix("Claim/"), item["itemSequence"])
        for each in ndjson(out / "ClaimResponse.ndjson")
        for item in each.get("item", [])
    ]
    assert set(items) <= {(each["claim"], each["line"]) for each in found}
    assert len(found) == len({(each["claim"], each["line"]) for each in found})


def test_the_summary_counts(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_bytes())
    assert summary["claims"].keys() == {"in_scope", "out_of_scope", "unanswered"}
    assert sum(summary["lines"].values()) == len(ndjson(out / "decisions.ndjson"))
    assert summary["elapsed_seconds"] >= 0


def test_old_answers_are_replaced(tmp_path: Path) -> None:
    run(DENIED, out=tmp_path)
    run(APPROVED, out=tmp_path)
    assert [each["id"] for each in ndjson(tmp_path / "ClaimResponse.ndjson")] == ["0592t-approved-response"]


# --- crashes


class Crash(BaseException):
    """The power goes out: nothing catches it."""


@pytest.mark.parametrize("error", [Crash("now"), OSError(28, "No space left on device")], ids=["crash", "disk full"])
@pytest.mark.parametrize("after", range(5))
def test_a_crash_while_writing_leaves_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException
) -> None:
    run(DENIED, out=tmp_path)
    old, calls, real = contents(tmp_path), iter(range(100)), os.fsync

    def fsync(descriptor: int) -> None:
        if next(calls) == after:
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises((Crash, AdapterError)):
        run(APPROVED, out=tmp_path)
    assert contents(tmp_path) == old


@pytest.mark.parametrize("error", [Crash("now"), OSError(5, "Input/output error")], ids=["crash", "broken disk"])
@pytest.mark.parametrize("after", range(5))
def test_a_crash_while_renaming_leaves_each_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException
) -> None:
    run(APPROVED, out=tmp_path / "new")
    run(DENIED, out=tmp_path / "out")
    old, new = contents(tmp_path / "out"), contents(tmp_path / "new")
    calls, real = iter(range(100)), Path.replace

    def replace(self: Path, target: Path) -> Path:
        if next(calls) == after:
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises((Crash, AdapterError)):
        run(APPROVED, out=tmp_path / "out")
    left = contents(tmp_path / "out")
    assert left.keys() == FILES
    for name in FILES - {"summary.json"}:
        assert left[name] in (old[name], new[name])
    json.loads(left["summary.json"])


def test_a_crash_leaves_nothing_half_where_there_was_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise Crash

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(Crash):
        run(APPROVED, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- a dry run


def dry_run(source: Path, out: Path) -> Report:
    order = Order(source, out, datetime.fromisoformat(NOW), dry_run=True)
    return sync_files(order, shipped(), lambda *_: None)


def actions(report: Report) -> list[tuple[str | None, str]]:
    return [(each["claim"], each["action"]) for each in report.foreseen.in_order()]


def test_a_dry_run_writes_nothing_and_says_what_would_be_created(tmp_path: Path) -> None:
    report = dry_run(APPROVED, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert actions(report) == [("0592t-approved", "created")]


def test_a_dry_run_says_what_would_be_left_and_what_changed(tmp_path: Path) -> None:
    run(APPROVED, out=tmp_path / "out")
    assert actions(dry_run(APPROVED, tmp_path / "out")) == [("0592t-approved", "unchanged")]
    path = tmp_path / "out" / "ClaimResponse.ndjson"
    path.write_bytes(path.read_bytes().replace(b"The claim is approved", b"Once upon a time"))
    before = contents(tmp_path / "out")
    assert actions(dry_run(APPROVED, tmp_path / "out")) == [("0592t-approved", "updated")]
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("spoilt", [b"not JSON", b"\xff\n", b"[]\n5\n"])
def test_a_dry_run_beside_files_that_cannot_be_read(tmp_path: Path, spoilt: bytes) -> None:
    (tmp_path / "ClaimResponse.ndjson").write_bytes(spoilt)
    assert actions(dry_run(APPROVED, tmp_path)) == [("0592t-approved", "created")]
