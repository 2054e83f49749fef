"""By which names a resource is found again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapter.sources.folder.tokens import (
    days,
    days_around,
    is_tangled,
    links,
    patient,
    references,
    sessions,
)

Json = dict[str, Any]
NPI = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"reference": "Patient/1"}', {"Patient/1"}),
        ('{"reference":"Patient/1"}', {"Patient/1"}),
        (r'{"reference": "Patient\/1"}', {"Patient/1"}),
        ('{"reference": "Patient/1/_history/7"}', {"Patient/1"}),
        ('{"reference": "https://a.example/r4/Patient/1"}', {"Patient/1"}),
        ('{"reference": "urn:uuid:0001"}', set()),
        ('{"reference": "Practitioner?identifier=1234567893"}', set()),
        ('{"reference": "#contained"}', set()),
        ('{"reference": "Patient?name=Doe"}', set()),
        ('{"a": {"reference": "Patient/1"}, "b": [{"reference": "Encounter/2"}]}', {"Patient/1", "Encounter/2"}),
        ('{"reference": {"value": "Patient/1"}}', set()),
    ],
)
def test_references_in_a_text(text: str, found: set[str]) -> None:
    assert references(text.encode()) == found


@pytest.mark.parametrize(
    ("resource", "tangled"),
    [
        ({"subject": {"identifier": NPI}}, True),
        ({"performer": [{"actor": {"identifier": NPI}}]}, True),
        ({"subject": {"reference": "Practitioner?identifier=1"}}, True),
        ({"subject": {"reference": "#p"}, "contained": [{"id": "p"}]}, True),
        ({"subject": {"reference": "Patient/1", "identifier": NPI}}, False),
        ({"subject": {"reference": "Patient/1"}, "identifier": [NPI]}, False),
        ({"resourceType": "QuestionnaireResponse", "identifier": NPI}, False),
    ],
)
def test_what_no_token_follows(resource: Json, tangled: bool) -> None:
    assert is_tangled(json.dumps(resource).encode(), resource) is tangled


@pytest.mark.parametrize(("text", "tangled"), [(r'{"refe\u0072ence": 1}', True), (r'{"name": "J\u00f6rg"}', False)])
def test_an_escape_may_be_part_of_a_reference(text: str, tangled: bool) -> None:
    assert is_tangled(text.encode(), json.loads(text)) is tangled


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ({"resourceType": "Claim", "patient": {"reference": "Patient/1"}}, "Patient/1"),
        ({"resourceType": "Coverage", "beneficiary": {"reference": "https://a.example/Patient/1"}}, "Patient/1"),
        ({"resourceType": "Composition", "subject": [{"reference": "Patient/1"}]}, "Patient/1"),
        ({"resourceType": "Composition", "subject": [{"reference": "Patient/1"}, {"reference": "Patient/2"}]}, None),
        ({"resourceType": "Claim", "patient": {"display": "somebody"}}, None),
        ({"resourceType": "Patient", "id": "1"}, None),
        ({"resourceType": "Organization", "id": "1"}, None),
    ],
)
def test_whom_it_is_about(resource: Json, found: str | None) -> None:
    assert patient(resource) == found


@pytest.mark.parametrize(
    ("kind", "resource", "found"),
    [
        ("Procedure", {"encounter": {"reference": "Encounter/1"}}, ["Encounter/1"]),
        ("PractitionerRole", {"practitioner": {"reference": "Practitioner/1"}}, ["Practitioner/1"]),
        ("PractitionerRole", {"practitioner": {"display": "somebody"}}, []),
        ("ClaimResponse", {"request": {"reference": "Claim/1"}}, ["Claim/1"]),
        ("Claim", {"identifier": [NPI]}, ["number 1234567893"]),
        ("Claim", {"related": [{"claim": {"reference": "Claim/0"}}]}, ["Claim/0"]),
        ("Claim", {"related": [{"reference": NPI}]}, ["number 1234567893"]),
        ("Claim", {"related": "none", "identifier": 7}, []),
        ("Patient", {"identifier": [NPI]}, []),
    ],
)
def test_what_it_is_found_by_from_the_other_end(kind: str, resource: Json, found: list[str]) -> None:
    assert list(links(kind, resource)) == found


def test_who_held_a_session_on_which_day() -> None:
    resource = {
        "performer": [{"actor": {"reference": "Practitioner/1"}}, {"actor": {"display": "somebody"}}],
        "performedPeriod": {"start": "2023-06-01T23:30:00-07:00", "end": "2023-06-02T00:15:00-07:00"},
    }
    assert set(sessions("Procedure", resource)) == {"held 2023-06-01 Practitioner/1", "held 2023-06-02 Practitioner/1"}


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        (
            {"item": [{"servicedDate": "2023-06-01"}, {"servicedPeriod": {"start": "2023-06-02"}}]},
            {"2023-06-01", "2023-06-02"},
        ),
        ({"period": {"start": "2023-06-01T10:00:00Z", "end": None}}, {"2023-06-01"}),
        ({"period": {"start": "2023-06-01", "end": "2023-06-03"}}, {"2023-06-01", "2023-06-02", "2023-06-03"}),
        ({"actualPeriod": {"start": "2023-06-01T10:00:00Z"}}, {"2023-06-01"}),
        ({"occurrenceDateTime": "2023-06"}, set()),
        ({"period": "2023-06-01"}, {"2023-06-01"}),
    ],
)
def test_on_which_days_it_was(resource: Json, found: set[str]) -> None:
    assert days(resource) == found


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2023-03-01", ["2023-02-28", "2023-03-01", "2023-03-02"]),
        ("2023-13-01", []),
        ("0001-01-01", []),
    ],
)
def test_the_days_around(day: str, found: list[str]) -> None:
    assert list(days_around(day)) == found
