"""In which version of FHIR something is: stated, shown by its elements, or told by what stands around it."""

from __future__ import annotations

import re
from typing import Any

import fhir.resources
import fhir.resources.R4B
import pytest
from r5.convert import to_r5

from adapter.evidence.store import EvidenceStore, Located
from adapter.evidence.versions import Versions
from adapter.fhir.version import told_version, version_of_release
from adapter.fhir.version_elements import ONLY_R4, ONLY_R5

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("4.0.1", "r4"),
        ("4.0", "r4"),
        ("4.3.0", "r4b"),
        ("5.0.0", "r5"),
        ("5.0.0-ballot", "r5"),
        ("3.0.2", None),
        ("6.0.0", None),
        ("4.01", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_the_version_of_a_release(release: object, version: str | None) -> None:
    assert version_of_release(release) == version


CORE = "http://hl7.org/fhir/StructureDefinition/Claim"
FROM_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/Claim"


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        pytest.param({"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}, "r5", id="capability statement"),
        pytest.param({"resourceType": "CapabilityStatement", "fhirVersion": "4.3.0"}, "r4", id="R4B is read as R4"),
        pytest.param({"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"}, None, id="another release"),
        pytest.param(
            {"resourceType": "Parameters", "parameter": [{"name": "fhirVersion", "valueCode": "5.0.0"}]},
            "r5",
            id="parameters",
        ),
        pytest.param({"resourceType": "Claim", "meta": {"profile": [f"{CORE}|5.0.0"]}}, "r5", id="profile of R5"),
        pytest.param({"resourceType": "Claim", "meta": {"profile": [f"{CORE}|4.0.1"]}}, "r4", id="profile of R4"),
        pytest.param({"resourceType": "Claim", "meta": {"profile": [FROM_R5]}}, "r5", id="profile at R5's address"),
        pytest.param({"resourceType": "Claim", "meta": {"profile": [CORE]}}, None, id="profile without a version"),
        pytest.param(
            {"resourceType": "Claim", "meta": {"profile": ["https://x.example/StructureDefinition/Claim|5.0.0"]}},
            None,
            id="somebody's profile counts its own versions",
        ),
        pytest.param({"resourceType": "Encounter", "period": {}}, "r4", id="period"),
        pytest.param({"resourceType": "Encounter", "actualPeriod": {}}, "r5", id="actualPeriod"),
        pytest.param({"resourceType": "Encounter", "class": {"code": "AMB"}}, "r4", id="class a Coding"),
        pytest.param({"resourceType": "Encounter", "class": [{"coding": []}]}, "r5", id="class a list"),
        pytest.param({"resourceType": "Encounter", "participant": [{"actor": {}}]}, "r5", id="participant.actor"),
        pytest.param({"resourceType": "Encounter", "status": "finished"}, None, id="nothing that tells"),
        pytest.param({"resourceType": "Encounter", "period": {}, "actualPeriod": {}}, None, id="contradictory"),
        pytest.param({"resourceType": "Procedure", "performedDateTime": "2023"}, "r4", id="performed"),
        pytest.param({"resourceType": "Procedure", "occurrenceDateTime": "2023"}, "r5", id="occurrence"),
        pytest.param({"resourceType": "Coverage", "payor": []}, "r4", id="payor"),
        pytest.param({"resourceType": "Coverage", "insurer": {}}, "r5", id="insurer"),
        pytest.param({"resourceType": "Claim", "insurer": {}, "item": []}, None, id="a claim as both have it"),
        pytest.param({"resourceType": "Claim", "encounter": []}, "r5", id="a claim that names its visit"),
        pytest.param({"resourceType": "Claim", "item": [{"tax": {}}]}, "r5", id="a line with a tax"),
        pytest.param({"resourceType": "Patient", "active": True}, None, id="a patient"),
        pytest.param({"resourceType": "Preauth", "period": {}}, None, id="no type of FHIR"),
        pytest.param({"resourceType": "Claim", "meta": "none", "item": "none"}, None, id="wrong shapes"),
    ],
)
def test_what_a_resource_tells(resource: Json, version: str | None) -> None:
    assert told_version(resource) == version


@pytest.mark.parametrize("kind", sorted(ONLY_R4))
def test_the_elements_that_tell_are_those_of_the_models(kind: str) -> None:
    assert ONLY_R4.keys() == ONLY_R5.keys()
    assert (set(ONLY_R4[kind]), set(ONLY_R5[kind])) == _different(kind)


def _different(kind: str) -> tuple[set[str], set[str]]:
    """The elements, and those of repeated parts, that only one version has, or has as a list."""
    old, new = _elements(fhir.resources.R4B, kind), _elements(fhir.resources, kind)
    only_old, only_new = set(old) - set(new), set(new) - set(old)
    for name in old.keys() & new.keys():
        if ("List[" in old[name]) != ("List[" in new[name]):
            only_new.add(f"{name}[]")
            only_old |= {f"{name}{{}}"} if _type(old[name]) else set()
        part = _type(old[name])
        if part is not None and part.startswith(kind) and part == _type(new[name]):
            inner = _elements(fhir.resources.R4B, part).keys(), _elements(fhir.resources, part).keys()
            only_old |= {f"{name}.{each}" for each in inner[0] - inner[1]}
            only_new |= {f"{name}.{each}" for each in inner[1] - inner[0]}
    return only_old, only_new


def _elements(package: Any, kind: str) -> dict[str, str]:
    fields = package.get_fhir_model_class(kind).model_fields
    return {field.alias or name: str(field.annotation) for name, field in fields.items() if not name.endswith("__ext")}


def _type(annotation: str) -> str | None:
    match = re.search(r"abc\.(\w+)Type\b", annotation)
    return match[1] if match else None


# --- where the resource itself does not tell

CLAIM: Json = {"resourceType": "Claim", "id": "c"}
OLD: Json = {"resourceType": "Encounter", "id": "old", "period": {}}
NEW: Json = {"resourceType": "Encounter", "id": "new", "actualPeriod": {}}


def version_around(claim: Located, *others: Located) -> str:
    store = EvidenceStore()
    store.extend([claim, *others])
    return Versions(store, "r4").of(claim)


def at(resource: Json, name: str, file: str | None = None, bundle: int | None = None) -> Located:
    return Located({**resource, "id": name}, file=file, bundle=bundle)


@pytest.mark.parametrize(
    ("others", "version"),
    [
        pytest.param([], "r4", id="alone"),
        pytest.param([at(NEW, "1", "a/bundle.json", 1)], "r5", id="its Bundle"),
        pytest.param(
            [at(NEW, "1", "a/bundle.json", 1), at(OLD, "2", "a/bundle.json", 2), at(OLD, "3", "a/bundle.json", 3)],
            "r5",
            id="its Bundle before its file",
        ),
        pytest.param([at(NEW, "1", "a/bundle.json"), at(OLD, "2", "a/x.json")], "r5", id="its file before its folder"),
        pytest.param([at(NEW, "1", "a/x.json"), at(OLD, "2", "b/x.json")], "r5", id="its folder before another"),
        pytest.param([at(NEW, "1", "a/b/x.json"), at(OLD, "2", "c/x.json")], "r5", id="a folder below its own"),
        pytest.param(
            [at(NEW, "1", "b/x.json"), at(NEW, "2", "b/y.json"), at(OLD, "3", "c/x.json")], "r5", id="the majority"
        ),
        pytest.param([at(NEW, "1", "b/x.json"), at(OLD, "2", "c/x.json")], "r4", id="no majority"),
        pytest.param(
            [at(NEW, "1", "a/x.json"), at(OLD, "2", "a/y.json"), at(NEW, "3", "b/x.json")],
            "r5",
            id="undecided in its folder, so the folder above",
        ),
        pytest.param(
            [at({"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}, "s", "a/metadata.json")],
            "r5",
            id="what the server of the export says",
        ),
    ],
)
def test_its_surroundings_tell(others: list[Located], version: str) -> None:
    assert version_around(at(CLAIM, "c", "a/bundle.json", 1), *others) == version


def test_what_it_tells_itself_comes_first() -> None:
    claim = at({**CLAIM, "encounter": []}, "c", "bundle.json", 1)
    assert version_around(claim, at(OLD, "1", "bundle.json", 1), at(OLD, "2", "bundle.json", 1)) == "r5"


def test_a_contained_resource_is_in_the_version_of_its_container() -> None:
    claim = Located({**CLAIM, "encounter": []})
    store = EvidenceStore()
    store.add(claim)
    assert Versions(store, "r4").of(Located({"resourceType": "Coverage", "payor": []}, container=claim)) == "r5"


def test_resources_of_a_server_have_no_file() -> None:
    store = EvidenceStore()
    claim = Located(CLAIM, full_url="https://fhir.test/Claim/c")
    store.extend([claim, Located(to_r5(OLD), full_url="https://fhir.test/Encounter/old")])
    assert Versions(store, "r4").of(claim) == "r5"
