"""Input that mixes versions is answered resource by resource; a version that is forced is the only one read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest
from answers.story_stages import NOW, STORIES, Run, bundle_of, run, run_resources, story
from r5.alike import said
from r5.convert import CONVERSIONS, to_r5

from adapter.bootstrap import build
from adapter.cli import main
from adapter.errors import UsageError
from adapter.layers import Layers, shipped_mappings
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings

Json = dict[str, Any]
STORY = "0592t-approved"
KINDS = sorted({each["resource"]["resourceType"] for each in bundle_of(STORY)["entry"]} & CONVERSIONS.keys())


def forced(version: str) -> Adjudicator:
    return build(Settings.model_construct(), fhir_version=version)


def partly(*kinds: str, name: str = STORY) -> Json:
    """A story in which resources of some types are written in R5."""
    bundle = bundle_of(name)
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] in kinds:
            entry["resource"] = to_r5(entry["resource"])
    return bundle


def native(response: Json) -> bool:
    return "decision" in response


# --- several versions in one place


def in_one_folder(folder: Path, newer: Sequence[Path]) -> Run:
    """All stories beside each other, some of them in R5."""
    for each in STORIES:
        bundle = bundle_of(each.name)
        content = to_r5(bundle) if each in newer else bundle
        (folder / f"{each.name}.json").write_text(json.dumps(content), encoding="utf-8")
    return run(folder)


def test_each_claim_of_a_folder_is_answered_in_its_own_version(tmp_path: Path) -> None:
    newer = STORIES[::2]
    mixed = in_one_folder(tmp_path, newer)
    assert said(mixed.answers) == said(in_one_folder(tmp_path, []).answers)
    in_r5 = {answer.claim for folder in newer for answer in story(folder.name).answers}
    decided = [each for each in mixed.answers if each.response and each.response["outcome"] != "error"]
    natives = {each.claim for each in decided if native(each.response or {})}
    assert natives == in_r5 & {each.claim for each in decided}
    assert 0 < len(natives) < len(decided)


@pytest.mark.parametrize("kind", KINDS)
def test_one_type_of_evidence_may_be_in_r5(kind: str) -> None:
    assert said(run_resources(partly(kind)).answers) == said(story(STORY).answers)


@pytest.mark.parametrize("kind", KINDS)
def test_one_type_of_evidence_may_be_in_r4(kind: str) -> None:
    others = set(KINDS) - {kind}
    assert said(run_resources(partly(*others)).answers) == said(story(STORY).answers)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param(["DocumentReference"], False, id="most of its Bundle is R4"),
        pytest.param(KINDS, True, id="all of its Bundle is R5"),
    ],
)
def test_a_claim_that_could_be_either_goes_with_its_bundle(kinds: list[str], expected: bool) -> None:
    (response,) = run_resources(partly(*kinds)).responses()
    assert native(response) is expected


def test_a_claim_that_says_what_it_is_is_answered_so() -> None:
    bundle = bundle_of(STORY)
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Claim":
            entry["resource"]["meta"] = {"profile": ["http://hl7.org/fhir/StructureDefinition/Claim|5.0.0"]}
    (response,) = run_resources(bundle).responses()
    assert native(response)


# --- a version that is forced


@pytest.mark.parametrize("version", ["R4", "R4B"])
def test_r4_may_be_said(version: str) -> None:
    assert said(run_resources(bundle_of(STORY), adjudicator=forced(version)).answers) == said(story(STORY).answers)


def test_r5_may_be_said() -> None:
    done = run_resources(to_r5(bundle_of(STORY)), adjudicator=forced("R5"))
    assert said(done.answers) == said(story(STORY).answers)
    assert all(map(native, done.responses()))


@pytest.mark.parametrize(
    ("version", "convert", "says"),
    [
        pytest.param("R4", to_r5, "is written in FHIR R5 and was to be read as R4", id="R5 read as R4"),
        pytest.param("R4B", to_r5, "is written in FHIR R5 and was to be read as R4B", id="R5 read as R4B"),
        pytest.param("R5", dict, "is written in FHIR R4 and was to be read as R5", id="R4 read as R5"),
    ],
)
def test_the_wrong_version_is_refused_and_named(version: str, convert: Callable[[Json], Json], says: str) -> None:
    done = run_resources(convert(bundle_of(STORY)), adjudicator=forced(version))
    (outcome,) = done.outcomes()
    assert done.responses() == []
    assert {issue["code"] for issue in outcome["issue"]} <= {"structure", "required"}
    told = [issue for issue in outcome["issue"] if says in issue["details"]["text"]]
    assert {each["expression"][0] for each in told} >= {"Encounter", "Procedure", "Coverage"}


# --- the command


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "visit.json").write_text(json.dumps(to_r5(bundle_of(STORY))), encoding="utf-8")

    def run_command(*arguments: str | Path) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["coaching-adapter", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main.run()
        printed = capsys.readouterr()
        return ended.value.code, printed.out + printed.err

    return run_command


@pytest.mark.parametrize("version", ["auto", "R5", "r5"])
def test_sync_of_r5(command: Callable[..., Any], tmp_path: Path, version: str) -> None:
    code, _ = command("sync", "visit.json", "--out", "out", "--now", NOW, "--fhir-version", version)
    assert code == 0
    (response,) = map(json.loads, (tmp_path / "out" / "ClaimResponse.ndjson").read_text().splitlines())
    assert response["decision"]["coding"][0]["code"] == "approved"


def test_a_version_that_does_not_fit_the_files_is_said(command: Callable[..., Any]) -> None:
    code, printed = command("sync", "visit.json", "--out", "out", "--now", NOW, "--fhir-version", "R4")
    assert code == 0
    words = " ".join(printed.split())
    assert "resources are written in another version of FHIR than R4" in words


def test_a_version_that_fits_is_not_remarked_upon(command: Callable[..., Any]) -> None:
    _, printed = command("sync", "visit.json", "--out", "out", "--now", NOW, "--fhir-version", "R5")
    assert "another version of FHIR" not in " ".join(printed.split())


def test_explain_of_r5(command: Callable[..., Any]) -> None:
    code, printed = command("explain", "visit.json", STORY, "--now", NOW)
    assert code == 0
    assert "Encounter.actualPeriod" in printed or "Procedure.occurrence" in printed


def test_check_counts_the_mappings_of_each_version(command: Callable[..., Any]) -> None:
    code, printed = command("check")
    assert code == 0
    assert "resource mappings for FHIR R4, " in printed
    assert "resource mappings for FHIR R5, " in printed


def test_mappings_without_r5_read_r4_alone(tmp_path: Path) -> None:
    rmtree(copytree(shipped_mappings(), tmp_path / "mappings") / "r5")
    alone = Layers.of(tmp_path / "mappings")
    assert build(Settings.model_construct(), alone).others == {}
    with pytest.raises(UsageError, match="none for FHIR R5"):
        build(Settings.model_construct(), alone, "R5")


def test_a_fault_in_the_r5_mappings_stops_every_start(command: Callable[..., Any], tmp_path: Path) -> None:
    mappings = copytree(shipped_mappings(), tmp_path / "mappings")
    faulty = mappings / "r5" / "procedure.yaml"
    faulty.write_text(faulty.read_text().replace("path: status", "path: status("))
    code, printed = command("check", "--mappings", "mappings")
    assert code == 2
    assert "r5/procedure.yaml:5" in printed
