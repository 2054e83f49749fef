"""Ordinary care around the coaching visits: Synthea's people, as a server would hold them.

`synthea.ndjson` keeps Synthea's own references; storing a bundle turns `urn:uuid:...` and `Practitioner?identifier=...`
into the server's own, and so do we. Its people and places get invented names in place of the generator's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fixtures_build.resources import CLINIC, Resource

SOURCE = Path(__file__).with_name("synthea.ndjson")
UPDATED = "2021-08-01T12:00:00Z"
PEOPLE = {
    "8dd4ed1f-108e-64ad-ce09-926c83ce7f76": ("Snickerby", "Fennimore"),
    "c1933e20-95c2-61c5-684b-7554a943648b": ("Tumbleroot", "Apollonia"),
    "8708d3e1-f718-96bb-03f0-f2a6564ae1cd": ("Wobbleton", "Ignatz"),
    "e2053282-a9da-7d0c-8683-481ae0b8c75c": ("Gooseberrian", "Melisande"),
    "5bc6adb8-94c0-456e-89f2-1af41c719c35": ("Fiddlewick", "Barnabas"),
}


def names_of(resource: Resource) -> set[str]:
    """What Synthea's references call a resource."""
    kind = resource["resourceType"]
    by_identifier = {f"{kind}?identifier={i['system']}|{i['value']}" for i in resource.get("identifier", [])}
    return {f"urn:uuid:{resource['id']}"} | by_identifier


def relative(value: Any, known: dict[str, str]) -> Any:
    """With every reference as a server writes it."""
    if isinstance(value, dict):
        return {key: known[each] if key == "reference" else relative(each, known) for key, each in value.items()}
    return [relative(each, known) for each in value] if isinstance(value, list) else value


def naming(resource: Resource, number: int) -> Resource:
    match resource["resourceType"]:
        case "Patient":
            family, given = PEOPLE[resource["id"]]
            identifier = {"system": f"{CLINIC}/mrn", "value": f"mrn-{resource['id'][:8]}"}
            return {"identifier": [identifier], "name": [{"use": "official", "family": family, "given": [given]}]}
        case "Practitioner":
            return {"name": [{"family": f"Pillwhistle the {number}th", "given": ["Doctor"]}]}
        case "Organization":
            return {"name": f"Imaginary Hospital No. {number}"}
        case "Location":
            return {"name": f"Imaginary Hospital, wing {number}"}
    return {}


def background() -> list[Resource]:
    """The Synthea resources of the clinic."""
    raw: list[Resource] = [json.loads(line) for line in SOURCE.read_text(encoding="utf-8").splitlines()]
    known = {name: f"{each['resourceType']}/{each['id']}" for each in raw for name in names_of(each)}
    meta = {"meta": {"versionId": "1", "lastUpdated": UPDATED}}
    return [
        {"resourceType": each["resourceType"], "id": each["id"]}
        | meta
        | naming(each, number)
        | relative({key: value for key, value in each.items() if key not in ("resourceType", "id")}, known)
        for number, each in enumerate(raw, 1)
    ]
