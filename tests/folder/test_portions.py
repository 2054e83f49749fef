"""What is decided from a portion of a folder is what is decided from all of it.

Each story puts something a decision rests on where only a reference, an identifier or a day leads to it: with another
patient, in another file, in another Bundle. Its decision shows that the evidence was found.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import FIXTURES, bundle_of, part
from folder.ways import AT_ONCE, WAYS, Json, decisions, ndjson, written

STORY = "0592t-approved"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("folder", ["clinic", "stories", "site/visits"])
def test_the_same_bytes_whichever_way(folder: str, way: Any, tmp_path: Path) -> None:
    source = FIXTURES / folder
    assert written(source, way, tmp_path / "one") == written(source, AT_ONCE, tmp_path / "other")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_same_bytes_where_files_are_packed(way: Any, tmp_path: Path) -> None:
    for path in (FIXTURES / "clinic").glob("*.ndjson"):
        with gzip.open(tmp_path / f"{path.name}.gz", "wb") as file:
            file.write(path.read_bytes())
    plain, packed = written(FIXTURES / "clinic", way, tmp_path / "one"), written(tmp_path, way, tmp_path / "other")
    assert packed["decisions.ndjson"] == plain["decisions.ndjson"]
    assert packed["ClaimResponse.ndjson"] == plain["ClaimResponse.ndjson"]


def resources() -> list[Json]:
    """Of a visit that is approved, each a line of its own."""
    return [each["resource"] for each in bundle_of(STORY)["entry"]]


def of(kind: str, found: list[Json]) -> Json:
    return next(each for each in found if each["resourceType"] == kind)


def claim_of(found: list[Json]) -> str:
    return str(of("Claim", found)["id"])


def as_it_is(found: list[Json]) -> None:
    """Nothing is different."""


def absolute(found: list[Json]) -> None:
    """The claim writes its patient by an address."""
    claim = of("Claim", found)
    claim["patient"]["reference"] = f"https://fhir.example.org/r4/{claim['patient']['reference']}"


def with_version(found: list[Json]) -> None:
    """Encounter and patient are referred to by version."""
    claim = of("Claim", found)
    claim["item"][0]["encounter"][0]["reference"] += "/_history/1"
    claim["patient"]["reference"] += "/_history/1"


def by_identifier(found: list[Json]) -> None:
    """The coach is named by a number alone."""
    practitioner = of("Practitioner", found)
    practitioner["identifier"] = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}]
    for member in of("Claim", found)["careTeam"]:
        member["provider"] = {"type": "Practitioner", "identifier": practitioner["identifier"][0]}


def conditional(found: list[Json]) -> None:
    """The coach is named by a search."""
    by_identifier(found)
    for member in of("Claim", found)["careTeam"]:
        member["provider"] = {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1234567893"}


def escaped(found: list[Json]) -> None:
    """The claim's text holds a backslash."""
    of("Claim", found)["identifier"] = [{"system": "https://a.example", "value": 'a"quoted\\number'}]


def uncoded_visit(found: list[Json]) -> None:
    """The Encounter does not say which service it was; only references lead to it."""
    of("Encounter", found)["type"] = [{"coding": [{"system": "http://snomed.info/sct", "code": "185349003"}]}]


STORIES = (as_it_is, absolute, with_version, by_identifier, conditional, escaped, uncoded_visit)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("change", STORIES, ids=lambda each: each.__name__)
def test_evidence_is_found_wherever_it_stands(change: Callable[[list[Json]], None], way: Any, tmp_path: Path) -> None:
    found = resources()
    change(found)
    for number, each in enumerate(found):
        ndjson(tmp_path / "in" / f"{number % 3}" / f"{number}.ndjson", [each])
    decided = decisions(tmp_path / "in", way, tmp_path / "out")
    assert decided == decisions(tmp_path / "in", AT_ONCE, tmp_path / "all")
    assert decided[claim_of(found)] == "APPROVE"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("left_out", ["Encounter", "DocumentReference", "Practitioner", "Coverage"])
def test_what_is_not_there_is_missed(left_out: str, way: Any, tmp_path: Path) -> None:
    found = [each for each in resources() if each["resourceType"] != left_out]
    ndjson(tmp_path / "in.ndjson", found)
    decided = decisions(tmp_path / "in.ndjson", way, tmp_path / "out")
    assert decided == decisions(tmp_path / "in.ndjson", AT_ONCE, tmp_path / "all")
    assert decided[claim_of(found)] != "APPROVE"


def renamed(found: list[Json], suffix: str, *kinds: str) -> list[Json]:
    """A copy in which the resources of these types, and references to them, have other ids."""
    text = json.dumps(found)
    for each in found:
        if each["resourceType"] in kinds:
            name = f"{each['resourceType']}/{each['id']}"
            text = text.replace(f'"{name}"', f'"{name}{suffix}"').replace(
                f'"id": "{each["id"]}"', f'"id": "{each["id"]}{suffix}"'
            )
    copy: list[Json] = json.loads(text)
    return copy


OF_ALL = ("Practitioner", "PractitionerRole", "Organization", "Location")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_the_coach_did_with_another_patient_is_seen(way: Any, tmp_path: Path) -> None:
    one = resources()
    own = {each["resourceType"] for each in one}.difference(OF_ALL)
    other = [each for each in renamed(one, "-b", *own) if each["resourceType"] in own]
    ndjson(tmp_path / "in.ndjson", [*one, *other])
    assert written(tmp_path / "in.ndjson", way, tmp_path / "a") == written(
        tmp_path / "in.ndjson", AT_ONCE, tmp_path / "b"
    )
    notes = (tmp_path / "a" / "ClaimResponse.ndjson").read_text(encoding="utf-8")
    assert notes.count("the coach was with another patient") == 2


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_claim_and_what_replaces_it_are_seen_together(way: Any, tmp_path: Path) -> None:
    """Also where the replacement was sent for another patient by mistake."""
    one = resources()
    claim = of("Claim", one)
    replacement = deepcopy(claim) | {"id": "replacement", "patient": {"reference": "Patient/nobody"}}
    replacement["related"] = [
        {"claim": {"reference": f"Claim/{claim['id']}"}, "relationship": {"coding": [{"code": "prior"}]}}
    ]
    ndjson(tmp_path / "in.ndjson", [*one, replacement])
    assert written(tmp_path / "in.ndjson", way, tmp_path / "a") == written(
        tmp_path / "in.ndjson", AT_ONCE, tmp_path / "b"
    )


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("newer", "ours"), [("99213", False), ("0592T", True)])
def test_the_newest_version_says_whether_a_claim_is_ours(newer: str, ours: bool, way: Any, tmp_path: Path) -> None:
    found = resources()
    claim = of("Claim", found)
    claim["meta"] = {"versionId": "1"}
    later = deepcopy(claim) | {"meta": {"versionId": "2"}}
    later["item"][0]["productOrService"]["coding"] = [{"system": "http://www.ama-assn.org/go/cpt", "code": newer}]
    ndjson(tmp_path / "in" / "1.ndjson", found)
    ndjson(tmp_path / "in" / "0.ndjson", [later])
    done = written(tmp_path / "in", way, tmp_path / "out")
    assert bool(done["ClaimResponse.ndjson"]) is ours
    assert json.loads(done["summary.json"])["claims"]["out_of_scope"] == (0 if ours else 1)


def test_two_bundles_of_one_patient_by_uuid_are_seen_together(tmp_path: Path) -> None:
    first = bundle_of("urn-uuid-references")
    claim = part(first, "Claim")
    late = [each for each in first["entry"] if each["resource"]["resourceType"] == "DocumentReference"]
    first["entry"] = [each for each in first["entry"] if each not in late]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.json").write_text(json.dumps(first), encoding="utf-8")
    (tmp_path / "in" / "2.json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": late}), encoding="utf-8"
    )
    one_by_one = decisions(tmp_path / "in", WAYS["patient by patient"], tmp_path / "a")
    assert one_by_one == decisions(tmp_path / "in", AT_ONCE, tmp_path / "b")
    assert str(claim["id"]) in one_by_one
