"""Every fault of an invalid resource is listed with its FHIRPath: none hides another."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from table.world import World

from adapter.evidence.store import Located
from adapter.fhir.validation import structural_issues

Json = dict[str, Any]
READ = [
    "CarePlan",
    "Claim",
    "Condition",
    "Coverage",
    "DocumentReference",
    "Encounter",
    "Goal",
    "Location",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
]
CONCEPT = {"coding": [{"system": "http://x.example", "code": "y"}]}


def good(kind: str) -> Json:
    found = [each for each in World().resources if each["resourceType"] == kind]
    return deepcopy(found[0])


def issues(resource: Json) -> dict[str, str]:
    """The code of each fault by its FHIRPath."""
    return {each.expression: each.code for each in structural_issues(Located(resource), "r4")}


@pytest.mark.parametrize("kind", READ)
def test_a_good_resource_has_no_fault(kind: str) -> None:
    assert issues(good(kind)) == {}


@pytest.mark.parametrize("kind", READ)
def test_what_every_resource_can_have_wrong_is_listed_at_once(kind: str) -> None:
    faulty = good(kind) | {
        "id": "a b",
        "foo": 1,
        "language": 5,
        "meta": {"lastUpdated": "yesterday", "tag": [{"code": "ok"}, {"code": {}}], "bar": []},
        "extension": [{"valueString": "x"}, {"url": "u", "valueCode": "a", "valueString": "b"}, None],
        "contained": [{"resourceType": "Patient", "birthDate": "soon"}, {"resourceType": "Nope"}, 5],
        "text": {"status": "generated"},
    }
    assert issues(faulty) == {
        f"{kind}.id": "structure",
        f"{kind}.foo": "structure",
        f"{kind}.language": "structure",
        f"{kind}.meta.lastUpdated": "value",
        f"{kind}.meta.tag[1].code": "structure",
        f"{kind}.meta.bar": "structure",
        f"{kind}.extension[0].url": "required",
        f"{kind}.extension[1]": "structure",
        f"{kind}.extension[2]": "structure",
        f"{kind}.contained[0].birthDate": "value",
        f"{kind}.contained[1].resourceType": "structure",
        f"{kind}.contained[2]": "structure",
        f"{kind}.text.div": "required",
    }


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        pytest.param(
            "Claim",
            {"status": None, "created": "soon", "use": None, "provider": None},
            {
                "Claim.status": "required",
                "Claim.created": "value",
                "Claim.use": "required",
                "Claim.provider": "required",
            },
            id="what is missing beside what is wrong",
        ),
        pytest.param(
            "Claim",
            {"insurance": [{"coverage": {"reference": 5, "zz": 1}}, {"sequence": 0, "focal": True}]},
            {
                "Claim.insurance[0].focal": "required",
                "Claim.insurance[0].sequence": "required",
                "Claim.insurance[0].coverage.reference": "structure",
                "Claim.insurance[0].coverage.zz": "structure",
                "Claim.insurance[1].sequence": "structure",
                "Claim.insurance[1].coverage": "required",
            },
            id="in an array",
        ),
        pytest.param(
            "Claim",
            {
                "item": [
                    {
                        "sequence": 1,
                        "productOrService": CONCEPT,
                        "detail": [
                            {"sequence": 1, "productOrService": CONCEPT, "subDetail": [{"sequence": "x"}, None]}
                        ],
                    }
                ]
            },
            {
                "Claim.item[0].detail[0].subDetail[0].sequence": "structure",
                "Claim.item[0].detail[0].subDetail[0].productOrService": "required",
                "Claim.item[0].detail[0].subDetail[1]": "structure",
            },
            id="three levels down",
        ),
        pytest.param(
            "Claim",
            {"item": {"sequence": 1}, "diagnosis": [{"sequence": 1}], "total": []},
            {"Claim.item": "structure", "Claim.diagnosis[0].diagnosis": "required", "Claim.total": "structure"},
            id="one for many, many for one, no choice made",
        ),
        pytest.param(
            "Claim",
            {
                "item": [
                    {
                        "sequence": 1,
                        "productOrService": CONCEPT,
                        "servicedDate": "2023-06-31",
                        "servicedPeriod": {"start": "2023"},
                    }
                ]
            },
            {"Claim.item[0]": "structure", "Claim.item[0].servicedDate": "value"},
            id="two of a choice, one of them wrong",
        ),
        pytest.param(
            "Claim",
            {"_created": {"extension": [{"foo": 1}]}, "_use": 5},
            {
                "Claim._created.extension[0].foo": "structure",
                "Claim._created.extension[0].url": "required",
                "Claim._use": "structure",
            },
            id="extensions of values",
        ),
        pytest.param(
            "Encounter",
            {
                "status": 5,
                "class": "AMB",
                "participant": [{"individual": {"reference": 1}}, {"period": "x"}],
                "length": {"value": "3m"},
            },
            {
                "Encounter.status": "structure",
                "Encounter.class": "structure",
                "Encounter.participant[0].individual.reference": "structure",
                "Encounter.participant[1].period": "structure",
                "Encounter.length.value": "value",
            },
            id="an Encounter",
        ),
        pytest.param(
            "Procedure",
            {
                "performedPeriod": None,
                "performedDateTime": "2023-06-01T10:00",
                "subject": None,
                "status": None,
                "code": [CONCEPT],
            },
            {
                "Procedure.performedDateTime": "value",
                "Procedure.subject": "required",
                "Procedure.status": "required",
                "Procedure.code": "structure",
            },
            id="a Procedure",
        ),
        pytest.param(
            "Coverage",
            {"beneficiary": "x", "period": {"start": "2023-06-01", "end": "2022"}, "status": None},
            {"Coverage.beneficiary": "structure", "Coverage.period": "invariant", "Coverage.status": "required"},
            id="a Coverage",
        ),
        pytest.param(
            "Practitioner",
            {"qualification": [{"period": {"start": "x"}}, {"code": CONCEPT, "issuer": []}], "active": "perhaps"},
            {
                "Practitioner.active": "structure",
                "Practitioner.qualification[0].code": "required",
                "Practitioner.qualification[0].period.start": "value",
                "Practitioner.qualification[1].issuer": "structure",
            },
            id="a Practitioner",
        ),
        pytest.param(
            "Condition",
            {"onsetDateTime": "once", "onsetAge": {"value": "old"}, "subject": None},
            {
                "Condition": "structure",
                "Condition.onsetDateTime": "value",
                "Condition.onsetAge.value": "value",
                "Condition.subject": "required",
            },
            id="a Condition",
        ),
    ],
)
def test_all_faults_are_listed(kind: str, changes: Json, expected: dict[str, str]) -> None:
    changed = {name: value for name, value in (good(kind) | changes).items() if value is not None}
    assert issues(changed) == expected


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(
            {"name": [{"given": ["a", None], "_given": [None, {"extension": [{"url": "u", "valueCode": "c"}]}]}]},
            id="a list of values with holes",
        ),
        pytest.param(
            {"birthDate": None, "_birthDate": {"extension": [{"url": "u", "valueCode": "unknown"}]}},
            id="a reason in place of a value",
        ),
    ],
)
def test_what_is_right_beside_a_fault_is_not_blamed(resource: Json) -> None:
    assert issues(good("Patient") | resource | {"foo": 1}) == {"Patient.foo": "structure"}


@pytest.mark.parametrize(
    ("id", "valid"), [("a" * 64, True), ("a" * 65, False), ("a/b", False), ("", False), (5, False)]
)
def test_an_id_has_the_signs_and_the_length_fhir_gives_it(id: Any, *, valid: bool) -> None:
    assert list(issues(good("Patient") | {"id": id})) == ([] if valid else ["Patient.id"])


@pytest.mark.parametrize("name", ["Jane Doe", "\x1b[31m", "x" * 1000, "a.b", ""])
def test_a_key_that_can_be_no_element_is_not_repeated(name: str) -> None:
    (found,) = structural_issues(Located(good("Patient") | {name: 1}), "r4")
    assert found.expression == "Patient"
    assert not name or name not in found.text


def test_the_place_is_the_line_of_the_fault(tmp_path: Path) -> None:
    from adapter.sources.files import Reading, read_files

    resource = good("Claim") | {"item": [{"sequence": 1, "productOrService": CONCEPT, "detail": [{"sequence": "x"}]}]}
    text = json.dumps({"resourceType": "Bundle", "entry": [{"resource": resource}]}, indent=1)
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    (located,) = read_files(tmp_path, Reading())
    wheres = {each.expression: each.where for each in structural_issues(located, "r4")}
    line = next(number for number, each in enumerate(text.splitlines(), 1) if '"sequence": "x"' in each)
    assert wheres["Claim.item[0].detail[0].sequence"] == f"x.json, line {line}"


@pytest.mark.parametrize(("count", "listed", "more"), [(1000, 1000, False), (1001, 1001, True), (3000, 1001, True)])
def test_of_more_faults_than_anybody_reads_a_thousand_are_listed(count: int, listed: int, *, more: bool) -> None:
    found = structural_issues(Located(good("Claim") | {"extension": [{"valueString": "x"}] * count}), "r4")
    assert len(found) == listed
    assert (found[-1].text == "Claim has more faults than these 1000") is more
