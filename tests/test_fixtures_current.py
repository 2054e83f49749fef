"""The fixtures are what their builder writes, are FHIR, and show every kind of answer."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures"
BUILDER = ROOT / "tests" / "fixtures_build" / "build.py"
EXPORTS = sorted((FIXTURES / "clinic").glob("*.ndjson"))
BUNDLES = sorted((FIXTURES / "stories").glob("*/0_bundle.json"))


def builder() -> Any:
    specification = importlib.util.spec_from_file_location("fixtures_builder", BUILDER)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def clinic_of(kind: str) -> list[dict[str, Any]]:
    lines = (FIXTURES / "clinic" / f"{kind}.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / "clinic-expected.json").read_text(encoding="utf-8"))
    return found


def resources(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    yield from [json.loads(text)] if path.suffix == ".json" else (json.loads(line) for line in text.splitlines())


def references(value: Any) -> Iterator[str]:
    """Every relative reference inside a resource, without its version."""
    if isinstance(value, dict):
        if "/" in str(value.get("reference", "")):
            yield value["reference"].split("/_history/")[0]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_fixtures_are_current() -> None:
    assert builder().differing() == [], "run python tests/fixtures_build/build.py and review what changes"


@pytest.mark.parametrize("path", [*EXPORTS, *BUNDLES], ids=lambda path: str(path.relative_to(FIXTURES)))
def test_every_resource_is_fhir(path: Path) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    for each in resources(path):
        get_fhir_model_class(each["resourceType"]).model_validate(each)


@pytest.mark.parametrize("decision", ["APPROVE", "DENY", "PEND", "REVIEW", "REJECT"])
def test_every_line_decision_occurs(decision: str) -> None:
    assert any(line["decision"] == decision for claim in expected().values() for line in claim["lines"].values())


@pytest.mark.parametrize("outcome", ["complete", "partial", "error", "operation-outcome", "none"])
def test_every_outcome_occurs(outcome: str) -> None:
    assert any(claim["outcome"] == outcome for claim in expected().values())


def test_every_claim_has_its_expected_answer() -> None:
    claims = {claim["id"]: claim for claim in clinic_of("Claim")}
    assert expected().keys() == claims.keys()
    for id, answer in expected().items():
        assert {int(line) for line in answer["lines"]} <= {item["sequence"] for item in claims[id]["item"]}, id


def test_a_bulk_export_holds_each_resource_once_and_in_its_own_file() -> None:
    found = [(path.stem, each) for path in EXPORTS for each in resources(path)]
    assert {(kind, each["resourceType"]) for kind, each in found if kind != each["resourceType"]} == set()
    assert Counter((kind, each["id"]) for kind, each in found).most_common(1)[0][1] == 1
    assert all(each["meta"].keys() >= {"versionId", "lastUpdated"} for _, each in found)


def test_the_only_reference_that_leads_nowhere_is_the_one_a_story_tells_of() -> None:
    everything = [each for path in EXPORTS for each in resources(path)]
    known = {f"{each['resourceType']}/{each['id']}" for each in everything}
    assert {each for resource in everything for each in references(resource)} - known == {
        "Encounter/s15-lost-visit-enc"
    }


def test_the_readme_counts_right() -> None:
    text = (FIXTURES / "README.md").read_text(encoding="utf-8")
    assert f"{len(clinic_of('Patient'))} members, {len(clinic_of('Claim'))} claims" in text
