"""What a portion of a folder decides is what all of it decides, held against a store that everything was read into.

Ids hold none of our codes, for a line that holds one is never put aside; identifiers of two patients differ.
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import NOW, bundle_of, shipped
from big_folders.ways import WAYS, Json, ndjson, written

from adapter.evidence.store import EvidenceStore
from adapter.limits import DEFAULT
from adapter.sources.reader import FileReader
from adapter.sources.walk import Reading, files_under
from adapter.sync.files import Way
from adapter.sync.report import decide

STORY = "0592t-approved"
LATER = {"versionId": "9", "lastUpdated": "2030-01-01T00:00:00Z"}
NOT_OURS = [{"coding": [{"system": "http://snomed.info/sct", "code": "185349003"}]}]
VISIT = {"system": "https://a.example/visit", "value": "V1"}


def truth(source: Path) -> dict[str | None, Json]:
    """By claim: what is decided from everything at once, with nothing passed over and nothing looked up."""
    store, reading, bundles = EvidenceStore(), Reading(), count()
    for path, shown in files_under(source, reading):
        store.extend(FileReader(path, source, shown, reading, DEFAULT, bundles).read())
    claims = [each for each in store.all("Claim") if shipped().in_scope(each)]
    answers, _ = decide(claims, store, shipped(), datetime.fromisoformat(NOW))
    return {each.claim: each.response or each.outcome or {} for each in answers}


def by_portions(source: Path, way: Way, out: Path) -> dict[str | None, Json]:
    found = written(source, way, out)
    lines = [*found["ClaimResponse.ndjson"].splitlines(), *found["OperationOutcome.ndjson"].splitlines()]
    resources = map(json.loads, lines)
    return {each["request"]["reference"][6:] if "request" in each else each["id"]: each for each in resources}


def story() -> list[Json]:
    """A visit that is approved."""
    text = json.dumps([each["resource"] for each in bundle_of(STORY)["entry"]])
    found: list[Json] = json.loads(text.replace(STORY, "zz"))
    return found


def of(kind: str, found: list[Json]) -> Json:
    return next(each for each in found if each["resourceType"] == kind)


def newer(resource: Json, **changes: Any) -> Json:
    return {**deepcopy(resource), "meta": LATER, **changes}


def visit_withdrawn(found: list[Json]) -> list[Json]:
    """The newest version of the visit is none of ours any more, by its codes."""
    return [newer(of("Encounter", found), status="entered-in-error", type=NOT_OURS)]


def note_of_another(found: list[Json]) -> list[Json]:
    """The newest version of the note is about somebody else."""
    return [newer(of("DocumentReference", found), subject={"reference": "Patient/else"})]


def claim_of_another(found: list[Json]) -> list[Json]:
    return [newer(of("Claim", found), patient={"reference": "Patient/else"})]


def visit_by_identifier(found: list[Json]) -> list[Json]:
    of("Encounter", found)["identifier"] = [VISIT]
    of("Encounter", found)["type"] = NOT_OURS
    of("Claim", found)["item"][0]["encounter"] = [{"identifier": VISIT}]
    return []


def two_visits_of_one_identifier(found: list[Json]) -> list[Json]:
    visit_by_identifier(found)
    return [{**deepcopy(of("Encounter", found)), "id": "another", "type": NOT_OURS}]


def patient_by_identifier(found: list[Json]) -> list[Json]:
    number = {"system": "https://a.example/mrn", "value": "M1"}
    of("Patient", found)["identifier"] = [number]
    of("Claim", found)["patient"] = {"identifier": number}
    return []


def patient_contained(found: list[Json]) -> list[Json]:
    number = {"system": "https://a.example/mrn", "value": "M1"}
    of("Patient", found)["identifier"] = [number]
    of("Claim", found)["contained"] = [{"resourceType": "Patient", "id": "p", "identifier": [number]}]
    of("Claim", found)["patient"] = {"reference": "#p"}
    return []


def note_on_a_part(found: list[Json]) -> list[Json]:
    """The note is on a Procedure of another code, part of the session's."""
    procedure = of("Procedure", found)
    found.remove(of("DocumentReference", found))
    part = {**deepcopy(procedure), "id": "part", "code": NOT_OURS[0], "note": [{"text": "what was talked about"}]}
    return [{**part, "partOf": [{"reference": f"Procedure/{procedure['id']}"}]}]


def long_session_elsewhere(found: list[Json]) -> list[Json]:
    other = {**deepcopy(of("Procedure", found)), "id": "elsewhere", "subject": {"reference": "Patient/else"}}
    other.pop("encounter", None)
    return [{**other, "performedPeriod": {"start": "2023-05-01T08:00:00-05:00", "end": "2023-07-01T18:00:00-05:00"}}]


STORIES = (
    visit_withdrawn,
    note_of_another,
    claim_of_another,
    visit_by_identifier,
    two_visits_of_one_identifier,
    patient_by_identifier,
    patient_contained,
    note_on_a_part,
    long_session_elsewhere,
)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("change", STORIES, ids=lambda each: each.__name__)
def test_a_portion_decides_as_everything_does(change: Any, way: Way, tmp_path: Path) -> None:
    found = story()
    more = change(found)
    ndjson(tmp_path / "in" / "a.ndjson", found)
    ndjson(tmp_path / "in" / "b.ndjson", more)
    right = truth(tmp_path / "in")
    assert by_portions(tmp_path / "in", way, tmp_path / "out") == right
    assert "zz" in right


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_version_is_told_by_all_input_and_not_by_a_portion(way: Way, tmp_path: Path) -> None:
    """Encounters of R5 among which neutral claims stand."""
    found = story()
    kept = [each for each in found if each["resourceType"] not in ("Encounter", "Procedure")]
    visits = [
        {"resourceType": "Encounter", "id": f"e{n}", "status": "completed", "type": NOT_OURS, "class": NOT_OURS}
        for n in range(30)
    ]
    ndjson(tmp_path / "in" / "a.ndjson", [*kept, *visits])
    assert by_portions(tmp_path / "in", way, tmp_path / "out") == truth(tmp_path / "in")
