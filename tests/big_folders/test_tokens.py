"""By which names a resource is found again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapter.evidence.store import Located
from adapter.sources.folder.names import aliases, by_another_name, references
from adapter.sources.folder.tokens import days, days_around, entered, links, owners, patients, sessions

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
        ('{"reference": "urn:uuid:0001"}', {"urn:uuid:0001"}),
        ('{"reference": "Practitioner?identifier=1234567893"}', {"by 1234567893|"}),
        ('{"reference": "Practitioner?identifier=https://a.example|7"}', {"by 7|https://a.example"}),
        ('{"identifier": {"system": "https://a.example", "value": "7"}}', {"by 7|https://a.example"}),
        ('{"contained": [{"id": "p", "identifier": [{"value": "7"}]}]}', {"by 7|"}),
        (r'{"refe\u0072ence": "urn:uuid:0001"}', {"urn:uuid:0001"}),
        ('{"reference": "#contained"}', set()),
        ('{"reference": "Patient?name=Doe"}', set()),
        ('{"a": {"reference": "Patient/1"}, "b": [{"reference": "Encounter/2"}]}', {"Patient/1", "Encounter/2"}),
        ('{"reference": {"value": "Patient/1"}}', set()),
    ],
)
def test_references_in_a_text(text: str, found: set[str]) -> None:
    assert references(text.encode(), json.loads(text)) == found


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ({"subject": {"identifier": NPI}}, True),
        ({"performer": [{"actor": {"identifier": NPI}}]}, True),
        ({"subject": {"reference": "Practitioner?identifier=1"}}, True),
        ({"subject": {"reference": "urn:uuid:0001"}}, True),
        ({"identifier": [{"system": "urn:oid:1.2.3", "value": "1"}]}, False),
        ({"subject": {"reference": "#p"}, "contained": [{"id": "p"}]}, True),
        ({"subject": {"reference": "Patient/1", "identifier": NPI}}, False),
        ({"subject": {"reference": "Patient/1"}, "identifier": [NPI]}, False),
        ({"resourceType": "QuestionnaireResponse", "identifier": NPI}, False),
    ],
)
def test_what_refers_by_another_name(resource: Json, told: bool) -> None:
    assert by_another_name(json.dumps(resource).encode(), resource) is told


@pytest.mark.parametrize(("text", "told"), [(r'{"refe\u0072ence": 1}', True), (r'{"name": "J\u00f6rg"}', False)])
def test_an_escape_may_be_part_of_a_reference(text: str, told: bool) -> None:
    assert by_another_name(text.encode(), json.loads(text)) is told


@pytest.mark.parametrize(
    ("located", "found", "others"),
    [
        (Located({"resourceType": "Patient", "id": "1"}), [], set()),
        (Located({"resourceType": "Patient", "id": "1"}, full_url="https://a.example/Patient/1"), [], set()),
        (Located({"resourceType": "Patient", "id": "1"}, full_url="urn:uuid:1"), ["urn:uuid:1"], {"urn:uuid:1"}),
        (
            Located({"resourceType": "Patient", "id": "1"}, full_url="https://a.example/Patient/2"),
            ["Patient/2"],
            {"Patient/2"},
        ),
        (
            Located({"resourceType": "Patient", "identifier": [{"value": "7"}, {"system": "urn:a", "value": "8"}]}),
            ["is 7|", "is 8|urn:a"],
            {"by 7|", "by 8|", "by 8|urn:a"},
        ),
    ],
)
def test_by_what_others_find_a_resource(located: Located, found: list[str], others: set[str]) -> None:
    assert list(entered(located)) == found
    assert aliases(located) == others


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Patient/1", ()),
        ("by 7|urn:a", ("is 7|urn:a", "number 7")),
        ("by 7|", ("is 7|", "number 7")),
        ("by a|b|urn:a", ("is a|b|urn:a", "number a|b")),
    ],
)
def test_what_a_number_may_mean(name: str, found: tuple[str, ...]) -> None:
    assert owners(name) == found


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ({"resourceType": "Claim", "patient": {"reference": "Patient/1"}}, ("Patient/1",)),
        ({"resourceType": "Coverage", "beneficiary": {"reference": "https://a.example/Patient/1"}}, ("Patient/1",)),
        ({"resourceType": "Composition", "subject": [{"reference": "Patient/1"}]}, ("Patient/1",)),
        ({"resourceType": "Composition", "subject": [{"reference": "Patient/1"}, {"reference": "Patient/2"}]}, ()),
        ({"resourceType": "Claim", "patient": {"display": "somebody"}}, ()),
        ({"resourceType": "Claim", "patient": {"reference": "urn:uuid:0001"}}, ("urn:uuid:0001",)),
        ({"resourceType": "Claim", "patient": {"identifier": NPI}}, (f"by 1234567893|{NPI['system']}",)),
        ({"resourceType": "Claim", "patient": {"reference": "#p"}, "contained": [{"id": "q"}]}, ()),
        (
            {
                "resourceType": "Claim",
                "patient": {"reference": "#p"},
                "contained": [{"id": "p", "identifier": [{"value": "7"}, {"value": "8"}]}],
            },
            ("by 7|", "by 8|"),
        ),
        ({"resourceType": "Patient", "id": "1"}, ()),
        ({"resourceType": "Organization", "id": "1"}, ()),
    ],
)
def test_whom_it_is_about(resource: Json, found: tuple[str, ...]) -> None:
    assert patients(resource) == found


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
