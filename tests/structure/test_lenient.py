"""``--lenient``: an element that FHIR does not know is passed over and told of; every other fault refuses as ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part
from command_line import Command, Result

Json = dict[str, Any]
OTHER = "0592t-29-minutes"


def put(folder: Path, *changes: tuple[str, Json]) -> None:
    """The other story with changes to the resources whose type and end of id are given."""
    bundle = bundle_of(OTHER)
    for name, more in changes:
        kind, _, ends = name.partition("/")
        part(bundle, kind, ends).update(more)
    (folder / "other.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")


def issues(result: Result) -> dict[str, str]:
    """The severity of each issue by its FHIRPath."""
    return {each["expression"][0]: each["severity"] for each in result.issues()}


def notes(result: Result) -> list[str]:
    (response,) = [each for each in result.resources("ClaimResponse") if each["id"] == f"{OTHER}-response"]
    return [each["text"] for each in response["processNote"] if each["text"].startswith("Warning")]


UNKNOWN_EVERYWHERE = (
    ("Claim", {"colour": "red"}),
    ("Encounter/29-minutes-enc", {"mood": {"good": True}}),
    ("Coverage", {"subscriber": {"reference": "Patient/x", "shoe": 44}}),
)
PATHS = ["Claim.colour", "Coverage.subscriber.shoe", "Encounter.mood"]


def test_without_it_unknown_elements_refuse_the_claim(command: Command, folder: Path) -> None:
    put(folder, *UNKNOWN_EVERYWHERE)
    result = command.sync()
    assert issues(result) == dict.fromkeys(["Claim.colour", "Coverage.subscriber.shoe", "Encounter.mood"], "error")
    assert "Passed over" not in result.stdout


def test_with_it_the_claim_is_decided_as_if_they_were_not_there(command: Command, folder: Path) -> None:
    put(folder)
    plain = {each["id"]: each["item"] for each in command.sync().resources("ClaimResponse")}
    put(folder, *UNKNOWN_EVERYWHERE)
    result = command.sync("--lenient")
    assert {each["id"]: each["item"] for each in result.resources("ClaimResponse")} == plain
    assert result.resources("OperationOutcome") == []


def test_each_is_noted_in_the_answer_with_its_place_and_counted(command: Command, folder: Path) -> None:
    put(folder, *UNKNOWN_EVERYWHERE)
    result = command.sync("--lenient")
    assert sorted(note.split(": ")[1] for note in notes(result)) == PATHS
    assert all("Place: other.json, line " in note for note in notes(result))
    assert json.loads((result.out / "summary.json").read_text())["warnings"] == {"unknown_elements": 3}
    assert "Passed over: 3 elements that FHIR does not know" in result.stdout


def test_notes_are_numbered_on_from_those_of_the_findings(command: Command, folder: Path) -> None:
    put(folder, *UNKNOWN_EVERYWHERE)
    (response,) = [
        each for each in command.sync("--lenient").resources("ClaimResponse") if each["id"] == f"{OTHER}-response"
    ]
    assert [each["number"] for each in response["processNote"]] == list(range(1, len(response["processNote"]) + 1))
    assert max(response["item"][0]["noteNumber"]) == len(response["processNote"]) - 3


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        pytest.param({"status": None}, ["Claim.status"], id="a missing element"),
        pytest.param({"created": "soon"}, ["Claim.created"], id="a wrong form"),
        pytest.param({"patient": []}, ["Claim.patient"], id="a wrong type"),
        pytest.param(
            {"billablePeriod": {"start": "2023-06-02", "end": "2023-06-01"}},
            ["Claim.billablePeriod"],
            id="a broken invariant",
        ),
    ],
)
def test_other_faults_refuse_and_what_was_unknown_is_listed_with_them(
    command: Command, folder: Path, change: Json, errors: list[str]
) -> None:
    put(folder, ("Claim", change | {"colour": "red"}))
    result = command.sync("--lenient")
    assert issues(result) == {"Claim.colour": "warning"} | dict.fromkeys(errors, "error")
    assert [each["id"] for each in result.resources("OperationOutcome")] == [OTHER]


def test_a_fault_inside_evidence_refuses_still(command: Command, folder: Path) -> None:
    put(folder, ("Encounter/29-minutes-enc", {"mood": "good", "status": "wonderful", "class": None}))
    assert issues(command.sync("--lenient")) == {"Encounter.mood": "warning", "Encounter.class": "error"}


def test_an_element_that_no_element_is_called_is_not_repeated(command: Command, folder: Path) -> None:
    put(folder, ("Claim", {"Jane Doe": 1, "\x1b[31m": 2}))
    result = command.sync("--lenient")
    (note,) = notes(result)
    assert note.startswith("Warning (structure): Claim: an element, or several, by a name that no element has;")
    assert "Jane" not in (result.out / "ClaimResponse.ndjson").read_text()


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--lenient",), 0)])
def test_explain_shows_the_refusal_or_the_decision_with_its_warnings(
    command: Command, folder: Path, options: tuple[str, ...], code: int
) -> None:
    put(folder, ("Claim", {"colour": "red"}))
    result = command("explain", "in", OTHER, *options)
    assert result.code == code
    assert "Claim.colour: no such element in FHIR" in result.stdout
    assert ("could not be processed" in result.stdout) is (options == ())
    assert ("it was not read" in result.stdout) is (options != ())


def test_explain_tells_machines_and_pages_of_them_too(command: Command, folder: Path) -> None:
    put(folder, ("Claim", {"colour": "red"}))
    told = json.loads(command("explain", "in", OTHER, "--lenient", "--format", "json").stdout)
    assert [warning.split(":")[1] for warning in told["warnings"]] == [" Claim.colour"]
    assert "Claim.colour: no such element" in command("explain", "in", OTHER, "--lenient", "--format", "html").stdout
