"""Turns visits of Synthea's patients into coaching visits, in Bundles exactly as Synthea writes them otherwise.

What is changed, and nothing else:

1. Every year is four later (leap years stay leap years), so that recent visits fall under the policy in force.
2. The visit claim (type institutional) of every finished ambulatory Encounter bills coaching on its first item: 0591T
   on the patient's first such visit under the policy, 0592T on all others; one unit, place of service 11, diagnosis
   F41.1. Its other items stay: services that are none of ours.
3. On every second of them the coverage that was only a display is a contained Coverage by Cigna.
4. Every Practitioner holds NBC-HWC, valid for all these years, and every PractitionerRole is a coach's.
5. The notes of two visits in three are current; Synthea calls every note of a patient but the last superseded.

What stays as Synthea has it: the Encounter only on the first item, one or more claims for one Encounter, no date on any
item, references by urn:uuid and by conditional search, times with and without local offsets, claim totals that add up
to nothing, visits of 15 minutes and of hours, notes (2021) or none (2019).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
YEARS = 4
IN_FORCE = date(2023, 4, 15)
"""From when the Cigna policy is in force."""
BOARD = "National Board for Health and Wellness Coaching"
CPT, ICD10CM = "http://www.ama-assn.org/go/cpt", "http://hl7.org/fhir/sid/icd-10-cm"
TAXONOMY = "http://nucc.org/provider-taxonomy"
PLACES = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
_YEAR = re.compile(r'(?<=")(19|20)(\d\d)(?=-\d\d-\d\d)')


@dataclass(frozen=True)
class Visit:
    """One transformed claim and what its raw data say."""

    claim: str
    code: str
    day: date
    minutes: int
    insured: bool
    """Whether a Cigna coverage is on the claim."""
    has_note: bool
    assessment: Visit | None
    """The patient's 0591T visit, of an earlier day."""


def coaching(path: Path) -> tuple[Json, list[Visit]]:
    """One Bundle of Synthea's with coaching in it, and the visits that were made."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        bundle: Json = json.loads(_YEAR.sub(_later, file.read()))
    resources = [entry["resource"] for entry in bundle["entry"]]
    for practitioner in _of(resources, "Practitioner"):
        practitioner["qualification"] = [
            {"code": {"text": "NBC-HWC"}, "issuer": {"display": BOARD}, "period": {"start": "1990-01-01"}}
        ]
    for role in _of(resources, "PractitionerRole"):
        role["specialty"] = role["code"] = [{"coding": [{"system": TAXONOMY, "code": "171400000X"}]}]
    return bundle, list(_visits(resources))


def _later(year: re.Match[str]) -> str:
    return str(int(year[0]) + YEARS)


def _of(resources: list[Json], kind: str) -> list[Json]:
    return [each for each in resources if each["resourceType"] == kind]


def _visits(resources: list[Json]) -> Iterator[Visit]:
    encounters = {f"urn:uuid:{each['id']}": each for each in _of(resources, "Encounter")}
    notes = {
        reference["reference"]: document
        for document in _of(resources, "DocumentReference")
        for reference in document["context"]["encounter"]
    }
    billed = [
        (encounters[named], named, claim)
        for claim in _of(resources, "Claim")
        if claim["type"]["coding"][0]["code"] == "institutional"
        and (named := claim["item"][0]["encounter"][0]["reference"]) in encounters
    ]
    ambulatory = [each for each in billed if each[0]["class"]["code"] == "AMB" and each[0]["status"] == "finished"]
    assessment: Visit | None = None
    for index, (encounter, named, claim) in enumerate(sorted(ambulatory, key=lambda each: _start(each[0]))):
        insured, first = index % 2 == 0, assessment is None and _start(encounter).date() >= IN_FORCE
        code = "0591T" if first else "0592T"
        _bill(claim, code)
        if insured:
            _insure(claim)
        if index % 3 and named in notes:
            notes[named]["status"] = "current"
        noted = named in notes and notes[named]["status"] == "current"
        start, end = _start(encounter), datetime.fromisoformat(encounter["period"]["end"])
        minutes = int((end - start).total_seconds() // 60)
        visit = Visit(claim["id"], code, start.date(), minutes, insured, noted, assessment)
        assessment = visit if first else assessment
        yield visit


def _start(encounter: Json) -> datetime:
    return datetime.fromisoformat(encounter["period"]["start"])


def _bill(claim: Json, code: str) -> None:
    item = claim["item"][0]
    item["productOrService"] = {"coding": [{"system": CPT, "code": code}]}
    item["quantity"] = {"value": 1}
    item["locationCodeableConcept"] = {"coding": [{"system": PLACES, "code": "11"}]}
    item["diagnosisSequence"] = [99]
    coded = {"coding": [{"system": ICD10CM, "code": "F41.1"}]}
    claim.setdefault("diagnosis", []).append({"sequence": 99, "diagnosisCodeableConcept": coded})


def _insure(claim: Json) -> None:
    claim["contained"] = [
        {
            "resourceType": "Coverage",
            "id": "coverage",
            "status": "active",
            "beneficiary": claim["patient"],
            "period": {"start": "1990-01-01"},
            "payor": [{"display": "Cigna"}],
        }
    ]
    claim["insurance"][0]["coverage"] = {"reference": "#coverage"}
