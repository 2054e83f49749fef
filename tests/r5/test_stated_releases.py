"""A version that the adapter does not read is refused where it is stated, and no claim is read as another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part, run, run_resources

Json = dict[str, Any]
STORY = "0592t-approved"


def capability(release: str) -> Json:
    return {"resourceType": "CapabilityStatement", "id": "server", "fhirVersion": release}


def parameters(release: str) -> Json:
    named = [{"name": "fhirVersion", "valueString": release}]
    return {"resourceType": "Parameters", "id": "version", "parameter": named}


def refused(bundle: Json, *beside: Json) -> bool:
    """Whether the claim is refused for its version."""
    (answer,) = run_resources(bundle, *beside).answers
    issues = answer.outcome["issue"] if answer.outcome else []
    return {each["code"] for each in issues} == {"not-supported"}


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        pytest.param("http://hl7.org/fhir/3.0/StructureDefinition/Claim", True, id="of STU3"),
        pytest.param("http://hl7.org/fhir/StructureDefinition/Claim|3.0.2", True, id="of STU3, by its version"),
        pytest.param("http://hl7.org/fhir/StructureDefinition/Claim|4.0.1", False, id="of R4"),
        pytest.param("http://hl7.org/fhir/StructureDefinition/Claim", False, id="of no version"),
    ],
)
def test_profile_of_a_claim(profile: str, expected: bool) -> None:
    bundle = bundle_of(STORY)
    part(bundle, "Claim")["meta"]["profile"] = [profile]
    assert refused(bundle) is expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param(capability("3.0.2"), True, id="CapabilityStatement of STU3"),
        pytest.param(capability("4.0.1"), False, id="CapabilityStatement of R4"),
        pytest.param(parameters("3.0"), True, id="Parameters of STU3"),
        pytest.param(parameters("4.3"), False, id="Parameters of R4B"),
    ],
)
def test_statement_in_the_bundle(statement: Json, expected: bool) -> None:
    bundle = bundle_of(STORY)
    bundle["entry"].append({"resource": statement})
    assert refused(bundle) is expected


def test_what_a_claim_states_of_itself_counts_before_a_statement() -> None:
    bundle = bundle_of(STORY)
    bundle["entry"].append({"resource": capability("3.0.2")})
    for entry in bundle["entry"]:
        kind = entry["resource"]["resourceType"]
        profile = f"http://hl7.org/fhir/StructureDefinition/{kind}|4.0.1"
        entry["resource"]["meta"] = entry["resource"].get("meta", {}) | {"profile": [profile]}
    assert not refused(bundle)


def test_a_statement_speaks_for_its_folder_and_below_not_for_others(tmp_path: Path) -> None:
    stories = {"old/inner": "0592t-approved", "new": "0592t-29-minutes"}
    for folder, name in stories.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "bundle.json").write_text(json.dumps(bundle_of(name)), encoding="utf-8")
    (tmp_path / "old" / "metadata.json").write_text(json.dumps(capability("3.0.2")), encoding="utf-8")
    assert {each.claim: each.outcome is not None for each in run(tmp_path).answers} == {
        "0592t-approved": True,
        "0592t-29-minutes": False,
    }


def test_faults_of_a_claim_do_not_hide_those_of_its_evidence() -> None:
    bundle = bundle_of(STORY)
    part(bundle, "Claim")["created"] = "yesterday"
    part(bundle, "Encounter", "approved-enc")["period"]["start"] = "at noon"
    (answer,) = run_resources(bundle).answers
    assert answer.outcome is not None
    found = {each["expression"][0] for each in answer.outcome["issue"]}
    assert found == {"Claim.created", "Encounter.period.start"}
