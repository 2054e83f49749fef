"""Visits of a site with ways of its own: certificates in an extension, its own codes, minutes in an Observation.

Each is the visit of the story ``0592t-approved``, told as that site's server would tell it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fixtures_build.resources import Resource
from fixtures_build.stories import bundles

STORY = "0592t-approved"
SERVER = "https://fhir.thimbleton.example"
OWN_CODE = {"system": f"{SERVER}/services", "code": "COACH-FU", "display": "Coaching, follow-up"}

VISITS = {
    # name: minutes recorded of a visit of an hour, last day of the coach's certificate
    "site-40-minutes": (40, "2029-12-31"),
    "site-25-minutes": (25, "2029-12-31"),
    "site-expired": (40, "2023-05-31"),
}


def site_bundles() -> Iterator[tuple[str, Resource]]:
    """Name and Bundle of each visit."""
    told = json.dumps(dict(bundles())[STORY])
    for name, (minutes, until) in VISITS.items():
        bundle: Resource = json.loads(told.replace(STORY, name))
        resources = {each["resource"]["id"].removeprefix(f"{name}-"): each["resource"] for each in bundle["entry"]}
        _certificate(resources["coach"], until)
        _own_codes(resources["enc"], resources["proc"])
        _unlinked(resources[name])
        bundle["entry"].append({"resource": _minutes(name, minutes)})
        yield name, bundle


def _certificate(coach: dict[str, Any], until: str) -> None:
    del coach["qualification"]
    coach["extension"] = [
        {
            "url": f"{SERVER}/coach-certificate",
            "extension": [
                {"url": "title", "valueCodeableConcept": {"text": "NBC-HWC"}},
                {"url": "valid", "valuePeriod": {"start": "2018-01-01", "end": until}},
                {"url": "issuer", "valueReference": {"display": "National Board for Health and Wellness Coaching"}},
            ],
        }
    ]


def _own_codes(encounter: dict[str, Any], procedure: dict[str, Any]) -> None:
    """The session has a code of the site's own and no times; the Encounter is the whole hour."""
    encounter["type"] = [{"coding": [OWN_CODE]}]
    encounter["period"]["end"] = "2023-06-01T11:00:00-04:00"
    procedure["code"] = {"coding": [OWN_CODE]}
    del procedure["performedPeriod"]
    procedure["performedDateTime"] = "2023-06-01"


def _unlinked(claim: dict[str, Any]) -> None:
    """The visit can only be found by its code and day."""
    claim.pop("procedure", None)
    for item in claim["item"]:
        item.pop("encounter", None)
        item.pop("procedureSequence", None)


def _minutes(name: str, minutes: int) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"{name}-minutes",
        "status": "final",
        "code": {"coding": [{"system": f"{SERVER}/observations", "code": "coaching-minutes"}]},
        "subject": {"reference": f"Patient/{name}-member"},
        "encounter": {"reference": f"Encounter/{name}-enc"},
        "effectiveDateTime": "2023-06-01T10:40:00-04:00",
        "valueQuantity": {"value": minutes, "unit": "minutes", "system": "http://unitsofmeasure.org", "code": "min"},
    }
