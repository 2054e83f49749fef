"""The answer to an R5 claim has R5's own elements, and nothing of the form that R4 needs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answers.story_stages import Run, bundle_of, clinic, part, run_resources
from fhir.resources import get_fhir_model_class
from r5.alike import clinic_as_r5
from r5.convert import to_r5

Json = dict[str, Any]
CLAIM_DECISION = "http://hl7.org/fhir/claim-decision"


def written() -> list[Json]:
    done = clinic_as_r5()
    return [*done.responses(), *done.outcomes(), *done.provenances()]


def response_to(name: str) -> Json:
    (found,) = run_resources(to_r5(bundle_of(name))).responses()
    return found


@pytest.mark.parametrize("resource", written(), ids=lambda each: f"{each['resourceType']}/{each['id']}")
def test_it_is_valid_r5(resource: Json) -> None:
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("response", clinic_as_r5().responses(), ids=lambda each: str(each["id"]))
def test_decisions_stand_in_elements(response: Json) -> None:
    assert "extension" not in response
    assert ("decision" in response) is (response["outcome"] != "error")
    for item in response.get("item", []):
        assert "extension" not in item
        assert [each["system"] for each in item["reviewOutcome"]["decision"]["coding"]] == [CLAIM_DECISION]


@pytest.mark.parametrize(
    ("name", "of_claim", "of_lines"),
    [
        pytest.param("0592t-approved", "approved", ["approved"], id="approved"),
        pytest.param("0592t-29-minutes", "denied", ["denied"], id="denied"),
        pytest.param("no-end-time", "pending", ["pending"], id="pended"),
        pytest.param("modifier-95", "pending", ["pending"], id="under review"),
        pytest.param("two-lines-office-visit", "pending", ["approved", "pending"], id="lines that differ"),
    ],
)
def test_each_decision(name: str, of_claim: str, of_lines: list[str]) -> None:
    response = response_to(name)
    assert response["decision"] == decision(of_claim)
    assert [item["reviewOutcome"] for item in response["item"]] == [{"decision": decision(each)} for each in of_lines]


def decision(code: str) -> Json:
    return {"coding": [{"system": CLAIM_DECISION, "code": code}]}


def test_a_note_has_the_type_of_r5() -> None:
    (kind,) = {json.dumps(each["type"]) for each in response_to("0592t-29-minutes")["processNote"]}
    assert json.loads(kind) == {"coding": [{"system": "http://hl7.org/fhir/note-type", "code": "display"}]}


def test_all_else_is_as_in_r4() -> None:
    same = ("resourceType", "id", "identifier", "type", "use", "created", "request", "outcome", "disposition", "error")
    old = {each["id"]: each for each in clinic().responses()}
    for new in clinic_as_r5().responses():
        assert [new.get(name) for name in same] == [old[new["id"]].get(name) for name in same]


# --- an earlier answer of ours


def again(version: str, **change: str) -> Run:
    """A claim that has our answer on file, in either version, and is then changed."""
    bundle = bundle_of("0592t-approved")
    convert = to_r5 if version == "r5" else dict[str, Any]
    (before,) = run_resources(convert(bundle)).responses()
    part(bundle, "Claim").update(change)
    return run_resources(convert(bundle), before)


@pytest.mark.parametrize("version", ["r4", "r5"])
def test_it_is_found_again_when_the_claim_is_cancelled(version: str) -> None:
    (response,) = again(version, status="cancelled").responses()
    assert response["status"] == "cancelled"
    assert response["disposition"].startswith("Voided")
    assert ("decision" in response) is (version == "r5")
