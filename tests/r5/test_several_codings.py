"""Elements that may hold several codings, in R4 and R5: order never decides, and of two codes none is picked."""

from __future__ import annotations

from typing import Any

import pytest
from answers.story_stages import bundle_of, part, run_resources
from r5.convert import to_r5

Json = dict[str, Any]
NAME = "0592t-approved"
POS = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
ICD, V3 = "http://hl7.org/fhir/sid/icd-10-cm", "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOCAL = "https://clinic.example.org/codes"


def concept(*codings: tuple[str, str]) -> Json:
    return {"coding": [{"system": system, "code": code} for system, code in codings]}


def decided(bundle: Json) -> str:
    (answer,) = run_resources(bundle).answers
    assert answer.determination is not None
    return answer.determination.lines[0].decision.name


def in_r5() -> Json:
    bundle = bundle_of(NAME)
    bundle["entry"] = [each | {"resource": to_r5(each["resource"])} for each in bundle["entry"]]
    return bundle


@pytest.mark.parametrize(
    ("codings", "decision"),
    [
        pytest.param([(LOCAL, "OFFICE"), (POS, "11")], "APPROVE", id="a local code for the office"),
        pytest.param([(LOCAL, "VIDEO"), (POS, "02")], "REVIEW", id="a local code for telehealth"),
        pytest.param([(LOCAL, "OFFICE"), (POS, "21")], "PEND", id="a local code for a hospital"),
        pytest.param([(POS, "11"), (POS, "21")], "PEND", id="office and hospital"),
        pytest.param([(POS, "11"), (POS, "02")], "PEND", id="office and telehealth"),
    ],
)
def test_place_of_service(codings: list[tuple[str, str]], decision: str) -> None:
    for order in (codings, codings[::-1]):
        bundle = bundle_of(NAME)
        part(bundle, "Claim")["item"][0]["locationCodeableConcept"] = concept(*order)
        assert decided(bundle) == decision


@pytest.mark.parametrize(
    ("codes", "decision"),
    [
        pytest.param(["F41.1", "F41.1"], "APPROVE", id="the same code twice"),
        pytest.param(["F41.1", "I10"], "PEND", id="two codes, one of them covered"),
    ],
)
def test_diagnosis(codes: list[str], decision: str) -> None:
    for order in (codes, codes[::-1]):
        bundle = bundle_of(NAME)
        part(bundle, "Claim")["diagnosis"][0]["diagnosisCodeableConcept"] = concept(*((ICD, each) for each in order))
        assert decided(bundle) == decision


@pytest.mark.parametrize(
    ("classes", "decision"),
    [
        pytest.param([concept((V3, "AMB"))], "APPROVE", id="ambulatory"),
        pytest.param([concept((LOCAL, "X"), (V3, "AMB"))], "APPROVE", id="a local code beside it"),
        pytest.param([concept((V3, "AMB")), concept((V3, "IMP"))], "PEND", id="ambulatory and inpatient"),
        pytest.param([concept((LOCAL, "X"), (V3, "IMP"))], "PEND", id="a local code beside inpatient, in an office"),
        pytest.param([concept((V3, "AMB")), concept((V3, "VR"))], "REVIEW", id="ambulatory and virtual"),
    ],
)
def test_classes_of_an_encounter_in_r5(classes: list[Json], decision: str) -> None:
    for order in (classes, classes[::-1]):
        bundle = in_r5()
        part(bundle, "Encounter", "approved-enc")["class"] = order
        assert decided(bundle) == decision


@pytest.mark.parametrize(
    ("end", "decision"),
    [
        pytest.param("0592T", "APPROVE", id="ends with the same code"),
        pytest.param("0593T", "REJECT", id="ends with another: two services on one line"),
    ],
)
def test_a_range_of_services_in_r5(end: str, decision: str) -> None:
    bundle = in_r5()
    part(bundle, "Claim")["item"][0]["productOrServiceEnd"] = concept(("http://www.ama-assn.org/go/cpt", end))
    assert decided(bundle) == decision


def test_a_range_that_ends_in_ours_is_in_scope() -> None:
    bundle = in_r5()
    item = part(bundle, "Claim")["item"][0]
    item["productOrServiceEnd"] = item["productOrService"]
    item["productOrService"] = concept(("http://www.ama-assn.org/go/cpt", "99213"))
    assert decided(bundle) == "REJECT"
