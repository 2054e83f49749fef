"""A folder that refers by identifiers, searches, addresses and to what it contains is decided in portions, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime
from itertools import product
from pathlib import Path
from random import Random

import pytest
from answers.story_stages import CLINIC, NOW, bundle_of, shipped
from big_folders.respelt import LAYOUTS, Respelt
from big_folders.test_portions import OF_ALL, renamed
from big_folders.test_truth import by_portions, of, story, truth
from big_folders.ways import WAYS, Json, ndjson, written

from adapter.sync.files import Order, Way, sync_files

COACH = "Practitioner/zz-coach"
NPI = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "9999900019"}
URN = "urn:uuid:0b7e1c52-6a43-4c8e-9f1d-2f9d6f3a7b10"
CONTAINED = {"resourceType": "Practitioner", "id": "p", "identifier": [NPI]}
CONTAINED_ROLE = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "#p"}}
SPELLINGS: dict[str, tuple[Json, list[Json]]] = {
    "Type/id": ({"reference": COACH}, []),
    "role": ({"reference": "PractitionerRole/zz-role"}, []),
    "identifier": ({"identifier": NPI}, []),
    "number": ({"identifier": {"value": NPI["value"]}}, []),
    "search": ({"reference": f"Practitioner?identifier={NPI['system']}|{NPI['value']}"}, []),
    "urn": ({"reference": URN}, []),
    "contained": ({"reference": "#p"}, [CONTAINED]),
    "contained role": ({"reference": "#r"}, [CONTAINED_ROLE, CONTAINED]),
}
"""The reference to a coach, and what its holder contains for it."""


def clinic(wards: Sequence[str]) -> list[Json]:
    """What the clinic has on file about the members of some of its wards, and everybody who works there."""
    members = tuple(f"member-{each}" for each in wards)
    lines = [line for path in sorted(CLINIC.glob("*.ndjson")) for line in path.read_text().splitlines()]
    resources = map(json.loads, lines)
    return [
        each
        for each, line in zip(resources, lines, strict=True)
        if each["resourceType"] in OF_ALL or any(member in line for member in members)
    ]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 1])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_however_a_reference_is_written_a_portion_decides_as_everything_does(
    tmp_path: Path, layout: str, share: float
) -> None:
    Respelt(clinic("abcdefghi"), Random(f"{layout} {share}"), share).write(tmp_path / "in", layout)
    right = truth(tmp_path / "in")
    assert by_portions(tmp_path / "in", Way(portion=3), tmp_path / "out") == right
    assert len(right) > 50


def respelt(visit: list[Json], spelling: str) -> list[Json]:
    """A visit whose resources refer to the coach so."""
    reference, contained = SPELLINGS[spelling]
    found = []
    for each in visit:
        text = json.dumps(each)
        named = each["resourceType"] not in OF_ALL and COACH in text
        changed = json.loads(text.replace(json.dumps({"reference": COACH}), json.dumps(reference))) if named else each
        found.append({**changed, "contained": contained} if named and contained else changed)
    return found


def visits_at_one_time(first: str, second: str) -> tuple[list[Json], list[Json], list[Json]]:
    """Who works there, and two visits of different patients with one coach, who is named as told."""
    one = story()
    people = [each for each in one if each["resourceType"] in OF_ALL]
    own = [each for each in one if each not in people]
    other = renamed(own, "-b", *{each["resourceType"] for each in own})
    for number in (number for each in other for number in each.get("identifier", [])):
        number["value"] += "-b"  # else that would lead from one to the other
    return people, respelt(own, first), respelt(other, second)


def bundle(resources: list[Json], addresses: dict[str, str]) -> Json:
    """A Bundle; ``addresses`` are the fullUrls of those that have one, by id."""
    entries = [
        {"resource": each, **({"fullUrl": addresses[each["id"]]} if each["id"] in addresses else {})}
        for each in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@pytest.mark.parametrize(("first", "second"), list(product(SPELLINGS, SPELLINGS)))
def test_what_a_coach_of_two_names_did_with_another_patient_is_seen(tmp_path: Path, first: str, second: str) -> None:
    people, one, other = visits_at_one_time(first, second)
    ndjson(tmp_path / "in" / "people.json", [bundle(people, {"zz-coach": URN})])
    ndjson(tmp_path / "in" / "one.ndjson", one)
    ndjson(tmp_path / "in" / "other.json", [bundle(other, {})])
    right = truth(tmp_path / "in")
    assert by_portions(tmp_path / "in", Way(portion=1), tmp_path / "out") == right
    assert json.dumps(list(right.values())).count("the coach was with another patient") == 2


def number_of_two_coaches(found: list[Json]) -> list[Json]:
    """The coach of the other visit is named by a number that another coach has in another system."""
    people, _, other = visits_at_one_time("Type/id", "number")
    coach = next(each for each in people if each["id"] == "zz-coach")
    another = {**deepcopy(coach), "id": "another", "identifier": [{**NPI, "system": "https://a.example"}]}
    return [*other, another]


def patient_of_two_numbers(found: list[Json]) -> list[Json]:
    """What the claim's contained Patient shares with the one on file is the second identifier."""
    numbers = [{"system": "https://a.example", "value": "1"}, *of("Patient", found)["identifier"]]
    claim = of("Claim", found)
    claim["contained"] = [{"resourceType": "Patient", "id": "p", "identifier": numbers}]
    claim["patient"] = {"reference": "#p"}
    return []


def assessment_of_two_numbers(found: list[Json]) -> list[Json]:
    """The same of the first assessment, without which no session follows up."""
    numbers = [{"system": "https://a.example", "value": "1"}, *of("Patient", found)["identifier"]]
    for each in found:
        if each["id"] in ("zz-initial-enc", "zz-initial-proc"):
            each["contained"] = [{"resourceType": "Patient", "id": "p", "identifier": numbers}]
            each["subject"] = {"reference": "#p"}
    return []


def number_of_two_patients(found: list[Json]) -> list[Json]:
    """The claim names its patient by a number that another one has in another system."""
    number = of("Patient", found)["identifier"][0]["value"]
    of("Claim", found)["patient"] = {"identifier": {"value": number}}
    return [{"resourceType": "Patient", "id": "another", "identifier": [{"system": "urn:x", "value": number}]}]


def procedure_of_a_numbered_visit(found: list[Json]) -> list[Json]:
    """The procedure was not done; it names its visit by a number, and nobody as its patient."""
    visit = next(each for each in found if each["id"] == "zz-enc")
    visit["identifier"] = [{"system": "https://a.example/visit", "value": "V1"}]
    procedure = next(each for each in found if each["id"] == "zz-proc")
    procedure.pop("performer")  # by which it would be found, too
    procedure["status"] = "not-done"
    procedure |= {"encounter": {"identifier": visit["identifier"][0]}, "subject": {"display": "somebody"}}
    claim = of("Claim", found)
    claim.pop("procedure", None)
    claim["item"][0].pop("procedureSequence", None)
    return []


def days_told_under_another_name(found: list[Json]) -> list[Json]:
    """Only the claim names the coach, and only the visit, which names the patient by a number, the day."""
    number, later = of("Patient", found)["identifier"][0], "2023-06-09"
    for each in found:
        if each["id"] in ("zz-enc", "zz-proc"):
            for who in ("performer", "participant"):
                each.pop(who, None)
            each["subject"] = {"identifier": number}
            when = json.dumps({name: value for name, value in each.items() if "eriod" in name})
            each.update(json.loads(when.replace("2023-06-01", later)))
    _, _, other = visits_at_one_time("Type/id", "Type/id")
    return [json.loads(json.dumps(each).replace("2023-06-01", later)) for each in other]


STORIES = (
    number_of_two_coaches,
    patient_of_two_numbers,
    assessment_of_two_numbers,
    number_of_two_patients,
    procedure_of_a_numbered_visit,
    days_told_under_another_name,
)


@pytest.mark.parametrize("change", STORIES, ids=lambda each: each.__name__)
def test_a_name_that_several_share_is_not_lost(tmp_path: Path, change: Callable[[list[Json]], list[Json]]) -> None:
    found = story()
    more = change(found)
    ndjson(tmp_path / "in" / "a.ndjson", found)
    ndjson(tmp_path / "in" / "b.ndjson", more)
    right = truth(tmp_path / "in")
    assert by_portions(tmp_path / "in", Way(portion=1), tmp_path / "out") == right
    assert "zz" in right


@pytest.mark.parametrize("claims", ["https://old.example/Patient/5", URN])
def test_a_patient_of_two_addresses_is_one_patient(tmp_path: Path, claims: str) -> None:
    """The claim names the address of the Patient in its Bundle, all else the id."""
    found = story()
    of("Claim", found)["patient"] = {"reference": claims}
    patient = of("Patient", found)
    patient.pop("identifier")
    ndjson(tmp_path / "in" / "patient.json", [bundle([patient], {patient["id"]: claims})])
    ndjson(tmp_path / "in" / "rest.ndjson", [each for each in found if each is not patient])
    right = truth(tmp_path / "in")
    assert by_portions(tmp_path / "in", Way(portion=1), tmp_path / "out") == right
    assert right["zz"]["outcome"] == "complete"


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_what_is_no_evidence_changes_no_answer(tmp_path: Path, way: Way) -> None:
    ndjson(tmp_path / "in" / "story.ndjson", [each["resource"] for each in bundle_of("0592t-approved")["entry"]])
    without = written(tmp_path / "in", way, tmp_path / "without")
    contained = {"contained": [{"resourceType": "Organization", "id": "o"}], "patient": {"reference": "Patient?x=7"}}
    ndjson(tmp_path / "in" / "other.ndjson", [{"resourceType": "ExplanationOfBenefit", "id": "x", **contained}])
    found = written(tmp_path / "in", way, tmp_path / "out")
    assert {**found, "summary.json": b""} == {**without, "summary.json": b""}


def test_a_folder_of_other_names_is_decided_in_portions(tmp_path: Path) -> None:
    """Else its memory would grow with it: no portion reads what is about the patients of another."""
    Respelt(clinic("be"), Random("portions"), 1).write(tmp_path / "in", "documents")
    told: list[str] = []

    def tell(what: str, count: int, total: int | None = None) -> None:
        told.extend([what] * (what == "claims decided"))

    order = Order(tmp_path / "in", tmp_path / "out", datetime.fromisoformat(NOW))
    report = sync_files(order, shipped(), tell, Way(portion=1))
    assert len(told) > 2
    assert report.warnings == []
