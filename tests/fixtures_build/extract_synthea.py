"""How `synthea.ndjson` was taken from the published Synthea bundles; needed again only to take other people.

Usage:
    python tests/fixtures_build/extract_synthea.py FHIR_EXAMPLES_FOLDER

Keeps, of each patient below, the last claims with their visits, procedures and conditions and whoever these name; drops
narrative, names, addresses' lines, identity numbers, displays and prescriptions. References stay as Synthea wrote them
(`urn:uuid:...`, `Practitioner?identifier=...`): turning them into a server's own is the work of `background.py`.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Resource = dict[str, Any]
BLAZE, SMART = "synthea-2021-07-blaze", "synthea-2019-05-smart"
PATIENTS = (
    f"{BLAZE}/8dd4ed1f-108e-64ad-ce09-926c83ce7f76",
    f"{BLAZE}/c1933e20-95c2-61c5-684b-7554a943648b",
    f"{BLAZE}/8708d3e1-f718-96bb-03f0-f2a6564ae1cd",
    f"{BLAZE}/e2053282-a9da-7d0c-8683-481ae0b8c75c",
    f"{SMART}/Hilario_Barton_f5bccfe7-f57e-489e-bec3-2251cab963ee",
)
DIRECTORIES = (
    f"{BLAZE}/0-hospitalInformation1625911868739",
    f"{BLAZE}/0-practitionerInformation1625911868739",
)
CLAIMS_EACH = 4
KEPT = {
    "Patient": ("gender", "birthDate", "maritalStatus", "communication", "address"),
    "Organization": ("identifier", "active", "type"),
    "Location": ("identifier", "status", "managingOrganization"),
    "Practitioner": ("identifier", "active", "gender"),
    "PractitionerRole": ("active", "practitioner", "organization", "code", "specialty"),
    "Condition": (
        "clinicalStatus",
        "verificationStatus",
        "code",
        "subject",
        "encounter",
        "onsetDateTime",
        "recordedDate",
    ),
    "Encounter": (
        "status",
        "class",
        "type",
        "subject",
        "participant",
        "period",
        "reasonCode",
        "location",
        "serviceProvider",
    ),
    "Procedure": ("status", "code", "subject", "encounter", "performedPeriod", "location", "reasonReference"),
    "Claim": (
        "status",
        "type",
        "use",
        "patient",
        "billablePeriod",
        "created",
        "provider",
        "priority",
        "facility",
        "procedure",
        "diagnosis",
        "insurance",
        "item",
        "total",
    ),
}


def resources(folder: Path, name: str) -> list[Resource]:
    with gzip.open(folder / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        return [entry["resource"] for entry in json.load(file)["entry"]]


def references(value: object) -> Iterator[str]:
    """Every reference inside a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def names_of(resource: Resource) -> set[str]:
    """What other resources call this one."""
    kind = resource["resourceType"]
    by_identifier = {f"{kind}?identifier={i['system']}|{i['value']}" for i in resource.get("identifier", [])}
    return {f"urn:uuid:{resource['id']}"} | by_identifier


def bare(value: Any) -> Any:
    """Without displays of references, which name people and hospitals, and without what lies outside the kept types."""
    if isinstance(value, dict):
        dropped = {"informationSequence", "extension", "line"} | (
            {"display"} if value.keys() & {"reference", "identifier"} else set()
        )
        return {key: bare(each) for key, each in value.items() if key not in dropped}
    return [bare(each) for each in value] if isinstance(value, list) else value


def trimmed(resource: Resource) -> Resource:
    kept = {key: bare(resource[key]) for key in KEPT[resource["resourceType"]] if key in resource}
    return {"resourceType": resource["resourceType"], "id": resource["id"]} | kept


def wanted_claims(record: list[Resource]) -> list[Resource]:
    claims = [each for each in record if each["resourceType"] == "Claim"]
    return sorted(claims, key=lambda claim: str(claim["created"]))[-CLAIMS_EACH:]


def excerpt(record: list[Resource], directory: list[Resource]) -> Iterator[Resource]:
    """The patient, the last claims, and what these reach."""
    everything = [each for each in record + directory if each["resourceType"] in KEPT]
    known = {name: each for each in everything for name in names_of(each)}
    patients = [each for each in record if each["resourceType"] == "Patient"]
    waiting, seen = patients + wanted_claims(record), set()
    while waiting:
        resource = waiting.pop(0)
        if resource["id"] in seen:
            continue
        seen.add(resource["id"])
        yield trimmed(resource)
        waiting += [known[each] for each in references(trimmed(resource)) if each in known]


def main(folder: Path) -> None:
    directory = [each for name in DIRECTORIES for each in resources(folder, name)]
    found = {each["id"]: each for name in PATIENTS for each in excerpt(resources(folder, name), directory)}
    lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in found.values()]
    Path(__file__).with_name("synthea.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
