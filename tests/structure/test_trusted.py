"""``--trust-structure``: nothing is validated, which every answer says; what no mapping can read is told as ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part
from command_line import Command

Json = dict[str, Any]
STORY = "0592t-29-minutes"
TRUST = "--trust-structure"


def put(folder: Path, change: Json) -> None:
    bundle = bundle_of(STORY)
    part(bundle, "Claim", "").update(change)
    (folder / "other.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")


def answers(folder: Path) -> dict[str, bytes]:
    kinds = ("ClaimResponse", "OperationOutcome", "decisions")
    return {kind: (folder / f"{kind}.ndjson").read_bytes() for kind in kinds}


def test_on_valid_resources_the_answers_are_the_same(command: Command, folder: Path) -> None:
    put(folder, {})
    validated = answers(command.sync().out)
    trusted = command.sync(TRUST)
    assert answers(trusted.out) == validated
    assert validated["ClaimResponse"].count(b"\n") == 2


@pytest.mark.parametrize(("options", "said"), [((), False), ((TRUST,), True)])
def test_it_is_said_wherever_the_run_is_told_of(
    command: Command, folder: Path, options: tuple[str, ...], said: bool
) -> None:
    put(folder, {})
    result = command.sync(*options)
    assert [
        ("--trust-structure" in each.get("activity", {}).get("text", "")) for each in result.resources("Provenance")
    ] == [said] * 2
    assert json.loads((result.out / "summary.json").read_text()).get("structure") == ("trusted" if said else None)
    assert ("Trusted: the structure" in result.stdout) is said


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"colour": "red"}, id="an unknown element"),
        pytest.param({"extension": [{"valueString": "x"}]}, id="a fault where nobody reads"),
    ],
)
def test_what_nobody_reads_refuses_nothing(command: Command, folder: Path, change: Json) -> None:
    put(folder, change)
    assert [each["id"] for each in command.sync().resources("OperationOutcome")] == [STORY]
    assert command.sync(TRUST).resources("OperationOutcome") == []


@pytest.mark.parametrize(
    ("change", "expression"),
    [
        pytest.param({"created": "soon"}, "Claim.created", id="no date"),
        pytest.param({"status": None}, "Claim.status", id="a missing element"),
        pytest.param(
            {"billablePeriod": {"start": "2023-06-02", "end": "2023-06-01"}}, "Claim.billablePeriod", id="an invariant"
        ),
        pytest.param({"insurance": [{"focal": "yes"}]}, "Claim.insurance.where(focal = true)", id="no boolean"),
    ],
)
def test_what_a_mapping_cannot_read_is_told_as_ever(
    command: Command, folder: Path, change: Json, expression: str
) -> None:
    put(folder, change)
    told = [each["expression"][0] for each in command.sync(TRUST).issues()]
    assert any(each.startswith(expression.partition(".where")[0]) for each in told), told


def test_the_limits_stay(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nested: Json = {"url": "u"}
    for _ in range(6):
        nested = {"url": "u", "extension": [nested]}
    put(folder, {"extension": [nested]})
    monkeypatch.setenv("ADAPTER_MAX_DEPTH", "14")
    assert ["levels deep" in each["details"]["text"] for each in command.sync(TRUST).issues()] == [True]
    monkeypatch.setenv("ADAPTER_MAX_DEPTH", "15")
    assert command.sync(TRUST).issues() == []


@pytest.mark.parametrize("change", [{"patient": []}, {"diagnosis": {"sequence": "one"}}, {"insurance": "none"}])
def test_what_has_another_shape_is_never_approved(command: Command, folder: Path, change: Json) -> None:
    bundle = bundle_of("0592t-approved")
    part(bundle, "Claim", "").update(change)
    for each in folder.iterdir():
        each.unlink()
    (folder / "other.json").write_text(json.dumps(bundle), encoding="utf-8")
    decisions = command.sync(TRUST).out / "decisions.ndjson"
    assert "APPROVE" not in [json.loads(each)["decision"] for each in decisions.read_text().splitlines()]
