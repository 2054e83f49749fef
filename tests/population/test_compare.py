"""The comparison with a population's expected lines; and, where one is at hand, the comparison itself."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from population.compare import differences, main

from adapter.bootstrap import build
from adapter.settings import Settings
from adapter.sync.files import Order, sync_files

POPULATION = os.environ.get("COACHING_POPULATION")
"""A folder made by ``make_population.py``, with ``fhir`` and ``expected-lines.ndjson`` in it."""


def expected(decision: str = "APPROVE", carc: str | None = None, claim: str = "c", line: int = 1) -> dict[str, Any]:
    return {"claim": claim, "line": line, "decision": decision, "carc": carc, "scene": "good"}


def decided(decision: str = "APPROVE", *carc: str, claim: str = "c", line: int = 1) -> dict[str, Any]:
    return {"claim": claim, "line": line, "decision": decision, "carc": list(carc)}


def written(folder: Path, name: str, lines: list[dict[str, Any]]) -> None:
    (folder / name).write_text("".join(f"{json.dumps(each)}\n" for each in lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        pytest.param([expected()], [decided()], [], id="the same"),
        pytest.param([], [], [], id="nothing at all"),
        pytest.param([expected("DENY", "58")], [decided("DENY", "152", "58")], [], id="the code is among several"),
        pytest.param(
            [expected("DENY", "58")],
            [decided("DENY", "152")],
            ["c line 1: expected DENY 58, found DENY 152"],
            id="another code",
        ),
        pytest.param(
            [expected()], [decided("APPROVE", "133")], ["c line 1: expected APPROVE, found APPROVE 133"], id="a code"
        ),
        pytest.param(
            [expected("REVIEW", "133")],
            [decided("PEND", "133")],
            ["c line 1: expected REVIEW 133, found PEND 133"],
            id="another decision",
        ),
        pytest.param([expected()], [], ["c line 1: expected APPROVE, found nothing"], id="a line without decision"),
        pytest.param([], [decided()], ["c line 1: expected nothing, found APPROVE"], id="a line too many"),
        pytest.param(
            [expected(line=1), expected("DENY", "58", line=2)],
            [decided("DENY", "58", line=1), decided(line=2)],
            ["c line 1: expected APPROVE, found DENY 58", "c line 2: expected DENY 58, found APPROVE"],
            id="lines are told apart",
        ),
        pytest.param(
            [expected(claim="a"), expected(claim="b")],
            [decided(claim="b"), decided(claim="a")],
            [],
            id="the order of the claims does not matter",
        ),
    ],
)
def test_every_difference_is_told(
    tmp_path: Path, wanted: list[dict[str, Any]], found: list[dict[str, Any]], told: list[str]
) -> None:
    written(tmp_path, "expected-lines.ndjson", wanted)
    written(tmp_path, "decisions.ndjson", found)
    assert list(map(str, differences(tmp_path, tmp_path))) == told


@pytest.mark.parametrize(
    ("found", "code", "last"),
    [
        pytest.param([decided()], 0, "every line as expected", id="equal"),
        pytest.param([], 1, "1 lines differ", id="different"),
    ],
)
def test_the_exit_code_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], found: list[dict[str, Any]], code: int, last: str
) -> None:
    written(tmp_path, "expected-lines.ndjson", [expected()])
    written(tmp_path, "decisions.ndjson", found)
    assert main(str(tmp_path), str(tmp_path)) == code
    assert capsys.readouterr().out.splitlines()[-1] == last


@pytest.mark.skipif(POPULATION is None, reason="COACHING_POPULATION names no population")
def test_a_population_is_decided_as_its_maker_says(tmp_path: Path) -> None:
    population = Path(str(POPULATION))
    order = Order(population / "fhir", tmp_path, datetime(2026, 1, 1, tzinfo=UTC))
    sync_files(order, build(Settings()), lambda *_: None)
    assert list(map(str, differences(tmp_path, population))) == []
