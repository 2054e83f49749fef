"""The R5 mappings read what R5 moved, renamed or gave another type; all else is the same file as R4's."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class

from adapter.evidence.store import Located
from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import Mappings, load_mappings
from adapter.mapping.mapper import Mapper
from adapter.mapping.record import Record
from adapter.session.model import Code

Json = dict[str, Any]
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@cache
def mappings() -> Mappings:
    return load_mappings(Layers.of(shipped_mappings()), "r5")


def record(kind: str, /, **content: Any) -> Record:
    return Mapper(mappings().resources, mappings().systems).record(
        Located({"resourceType": kind, "id": "x", **content})
    )


def values(kind: str, name: str, /, **content: Any) -> list[Any]:
    return [each.value for each in record(kind, **content).many(name)]


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("planned", "planned"),
        ("in-progress", "in-progress"),
        ("on-hold", "onleave"),
        ("discharged", "finished"),
        ("completed", "finished"),
        ("cancelled", "cancelled"),
        ("discontinued", "discontinued"),
        ("entered-in-error", "entered-in-error"),
        ("unknown", "unknown"),
    ],
)
def test_each_status_of_a_visit_in_the_words_of_r4(written: str, meant: str) -> None:
    assert values("Encounter", "status", status=written) == [meant]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param({"class": [coded(ACT, "VR")]}, ["virtual"], id="class virtual"),
        pytest.param({"class": [coded(ACT, "AMB"), coded(ACT, "VR")]}, ["virtual"], id="one class of two"),
        pytest.param({"class": [coded(ACT, "AMB")]}, [], id="class ambulatory proves nothing"),
        pytest.param({"virtualService": [{"addressUrl": "https://meet.example"}]}, ["virtual"], id="a virtual service"),
        pytest.param(
            {"serviceType": [{"concept": coded("http://snomed.info/sct", "185317003")}]}, ["virtual"], id="by telephone"
        ),
    ],
)
def test_how_people_met(content: Json, expected: list[str]) -> None:
    assert [each.code for each in values("Encounter", "modality", **content)] == expected


def test_a_visit_has_its_class_types_times_and_participants() -> None:
    found = record(
        "Encounter",
        **{"class": [coded(ACT, "AMB")]},
        type=[coded("http://www.ama-assn.org/go/cpt", "0592T")],
        actualPeriod={"start": "2023-06-01T10:00:00-04:00"},
        participant=[{"actor": {"reference": "Practitioner/c"}}],
    )
    assert found.value("class") == Code("AMB", "V3-ACT")
    assert found.value("types") == Code("0592T", "CPT")
    assert str(found.value("period").start) == "2023-06-01T10:00:00-04:00"
    assert [each.value("individual") for each in found.group("participants")] == [{"reference": "Practitioner/c"}]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param({"occurrencePeriod": {"start": "2023-06-01T10:00:00-04:00"}}, "performed", id="a period"),
        pytest.param({"occurrenceDateTime": "2023-06-01T10:00:00-04:00"}, "performed_at", id="a moment"),
    ],
)
def test_when_a_procedure_was_done(content: Json, name: str) -> None:
    found = record("Procedure", **content)
    assert [field for field in ("performed", "performed_at") if found.many(field)] == [name]


PATIENT = {"reference": "Patient/p"}
INSURER, EMPLOYER = {"reference": "Organization/i", "display": "Insurer"}, {"reference": "Organization/e"}


@pytest.mark.parametrize(
    ("content", "payors", "names"),
    [
        pytest.param({"insurer": INSURER}, [INSURER], ["Insurer"], id="the insurer"),
        pytest.param(
            {"insurer": INSURER, "paymentBy": [{"party": EMPLOYER}]}, [INSURER, EMPLOYER], ["Insurer"], id="and a payer"
        ),
        pytest.param(
            {"insurer": INSURER, "paymentBy": [{"party": PATIENT}]}, [INSURER], ["Insurer"], id="and a patient's share"
        ),
        pytest.param({"kind": "self-pay", "paymentBy": [{"party": PATIENT}]}, [PATIENT], [], id="the patient alone"),
        pytest.param({"kind": "self-pay", "paymentBy": [{"party": EMPLOYER}]}, [EMPLOYER], [], id="a payer alone"),
        pytest.param({"kind": "insurance"}, [], [], id="nobody"),
    ],
)
def test_who_pays(content: Json, payors: list[Json], names: list[str]) -> None:
    assert values("Coverage", "payors", **content) == payors
    assert values("Coverage", "payor_names", **content) == names


def test_a_plan_is_an_identifier() -> None:
    plan = {"type": {"coding": [{"code": "plan"}]}, "value": {"system": "urn:plans", "value": "ACME-ASO"}}
    assert values("Coverage", "plans", **{"class": [plan]}) == ["ACME-ASO"]


def test_a_claim_names_its_visits() -> None:
    assert values("Claim", "encounters", encounter=[{"reference": "Encounter/e"}]) == [{"reference": "Encounter/e"}]


@pytest.mark.parametrize(
    ("resource", "followed"),
    [
        pytest.param(
            {"resourceType": "Claim", "encounter": [{"reference": "Encounter/1"}]}, ["Encounter/1"], id="claim"
        ),
        pytest.param(
            {
                "resourceType": "Encounter",
                "participant": [{"actor": {"reference": "Practitioner/1"}}],
                "reason": [{"value": [{"reference": {"reference": "Condition/1"}}]}],
                "diagnosis": [{"condition": [{"reference": {"reference": "Condition/2"}}]}],
            },
            ["Practitioner/1", "Condition/2", "Condition/1"],
            id="visit",
        ),
        pytest.param(
            {"resourceType": "Procedure", "reason": [{"reference": {"reference": "Condition/1"}}]},
            ["Condition/1"],
            id="procedure",
        ),
        pytest.param(
            {
                "resourceType": "Coverage",
                "insurer": {"reference": "Organization/1"},
                "paymentBy": [{"party": {"reference": "Organization/2"}}],
            },
            ["Organization/1", "Organization/2"],
            id="coverage",
        ),
        pytest.param(
            {
                "resourceType": "DocumentReference",
                "context": [{"reference": "Encounter/1"}],
                "event": [{"reference": {"reference": "Procedure/1"}}],
            },
            ["Encounter/1", "Procedure/1"],
            id="document",
        ),
        pytest.param(
            {
                "resourceType": "CarePlan",
                "activity": [
                    {"plannedActivityReference": {"reference": "Task/1"}},
                    {"performedActivity": [{"reference": {"reference": "Encounter/1"}}]},
                ],
            },
            ["Task/1", "Encounter/1"],
            id="care plan",
        ),
    ],
)
def test_references_are_followed_where_r5_has_them(resource: Json, followed: list[str]) -> None:
    assert [each["reference"] for each in mappings().plan.references(resource)] == followed


def test_every_resource_of_r4_is_mapped_with_the_same_fields() -> None:
    old = load_mappings(Layers.of(shipped_mappings()), "r4").resources
    assert {kind: _names(part) for kind, part in mappings().resources.items()} == {
        kind: _names(part) for kind, part in old.items()
    }


def _names(part: Any) -> dict[str, set[str]]:
    groups = {name: {each.name for each in inner.fields} for name, (_, _, inner) in part.groups.items()}
    return {"": {each.name for each in part.fields}, **groups}


def test_every_path_that_is_followed_is_an_element_of_r5() -> None:
    for kind, paths in mappings().plan.follow.items():
        known = {each.alias or name for name, each in get_fhir_model_class(kind).model_fields.items()}
        assert {path.partition(".")[0] for path in paths} <= known, kind
