"""The same input gives the same answers: whatever the order of files, lines and entries, and however often."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import CLINIC, run

Json = dict[str, Any]
BYTE_FOR_BYTE = ("ClaimResponse.ndjson", "Provenance.ndjson", "decisions.ndjson")


def lines() -> list[str]:
    return [line for path in sorted(CLINIC.glob("*.ndjson")) for line in path.read_text(encoding="utf-8").splitlines()]


def written(source: Path, out: Path) -> dict[str, Any]:
    """What is written for a source; the places and the elapsed time apart, which are about the files themselves."""
    run(source, out=out)
    found: dict[str, Any] = {name: (out / name).read_bytes() for name in BYTE_FOR_BYTE}
    outcomes = [json.loads(line) for line in (out / "OperationOutcome.ndjson").read_text(encoding="utf-8").splitlines()]
    for issue in (issue for outcome in outcomes for issue in outcome["issue"]):
        del issue["diagnostics"]
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    summary.pop("elapsed_seconds")
    summary.pop("read")
    return found | {"OperationOutcome.ndjson": outcomes, "summary.json": summary}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return written(CLINIC, tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_lines_and_files_does_not_matter(expected: dict[str, Any], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    shuffled = lines()
    chance.shuffle(shuffled)
    (tmp_path / "in").mkdir()
    while shuffled:
        some, shuffled = shuffled[: (count := chance.randint(1, 120))], shuffled[count:]
        (tmp_path / "in" / f"{chance.random()}.ndjson").write_text("\n".join(some), encoding="utf-8")
    assert written(tmp_path / "in", tmp_path / "out") == expected


@pytest.mark.parametrize("indent", [None, 1])
def test_a_bundle_gives_what_an_export_gives(expected: dict[str, Any], tmp_path: Path, indent: int | None) -> None:
    entries = [{"resource": json.loads(line)} for line in lines()]
    random.Random(5).shuffle(entries)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (tmp_path / "in.json").write_text(json.dumps(bundle, indent=indent), encoding="utf-8")
    assert written(tmp_path / "in.json", tmp_path / "out") == expected


def test_everything_twice_gives_what_once_gives(expected: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.ndjson").write_text("\n".join(lines()), encoding="utf-8")
    assert written(tmp_path / "in", tmp_path / "out") == expected


def test_the_same_input_again_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        run(CLINIC, out=tmp_path / folder)
    for path in (tmp_path / "one").glob("*.ndjson"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    one, two = (json.loads((tmp_path / folder / "summary.json").read_bytes()) for folder in ("one", "two"))
    assert one | {"elapsed_seconds": 0} == two | {"elapsed_seconds": 0}


@pytest.mark.parametrize("claim", ["a02-follow-up", "s17-duplicate", "h02-same-day", "a09-with-office-visit"])
def test_a_claim_asked_for_alone_gets_the_answer_it_gets_among_all(
    expected: dict[str, Any], tmp_path: Path, claim: str
) -> None:
    run(CLINIC, out=tmp_path, ids=[claim])
    alone = (tmp_path / "ClaimResponse.ndjson").read_bytes()
    assert alone
    assert alone in expected["ClaimResponse.ndjson"]


def test_answers_of_ours_in_the_input_do_not_change_the_answers(expected: dict[str, Any], tmp_path: Path) -> None:
    """The output folder may lie in the input folder: the next run reads what the last one wrote."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "all.ndjson").write_text("\n".join(lines()), encoding="utf-8")
    for _ in range(2):
        assert written(tmp_path / "in", tmp_path / "in" / "adapter-out") == expected
