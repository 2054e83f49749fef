"""One Provenance per answer: what it is about, when, by which policy, by whom, and on which evidence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from answers.story_stages import STORIES, bundle_of, clinic, part, run_resources, story
from fhir.resources.R4B import get_fhir_model_class

import adapter
from adapter.answers.answer import Answer
from adapter.answers.decisions import decision_lines

Json = dict[str, Any]


def each_answer() -> list[Any]:
    found = [answer for run in (clinic(), *(story(path.name) for path in STORIES)) for answer in run.answers]
    return [pytest.param(each, id=str(each.claim)) for each in found if each.response is not None]


def provenance_of(answer: Answer) -> Json:
    assert answer.provenance is not None
    return answer.provenance


def entities(answer: Answer) -> list[str]:
    return [each["what"]["reference"] for each in provenance_of(answer)["entity"]]


@pytest.mark.parametrize("answer", each_answer())
def test_it_is_valid_and_about_the_response(answer: Answer) -> None:
    found = provenance_of(answer)
    get_fhir_model_class("Provenance").model_validate(found)
    assert answer.response is not None
    assert found["target"] == [{"reference": f"ClaimResponse/{answer.response['id']}"}]
    assert found["recorded"] == "2026-01-31T12:00:00-05:00"


@pytest.mark.parametrize("answer", each_answer())
def test_the_policy_is_a_uri_with_its_version(answer: Answer) -> None:
    policies = provenance_of(answer)["policy"]
    assert policies
    assert all(re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+\|\S+", each) for each in policies)


@pytest.mark.parametrize("answer", each_answer())
def test_the_agent_is_the_adapter_as_a_device_with_its_version(answer: Answer) -> None:
    (agent,) = provenance_of(answer)["agent"]
    assert agent["who"]["type"] == "Device"
    assert adapter.__version__ in str(agent["who"])


@pytest.mark.parametrize("answer", each_answer())
def test_the_evidence_is_named_with_its_version_the_claim_first_and_once(answer: Answer) -> None:
    found = entities(answer)
    assert found[0].startswith(f"Claim/{answer.claim}/_history/")
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]+/_history/[A-Za-z0-9.-]+", each) for each in found), found


def used(answer: Answer) -> set[str]:
    """The resources that findings read their values in; what is contained stands for its container."""
    assert answer.determination is not None
    found = {
        value.origin.resource.partition("#")[0]
        for line in answer.determination.lines
        for finding in line.findings
        for value in finding.used
        if value.origin is not None
    }
    return {each for each in found if not each.startswith(f"Claim/{answer.claim}")}


def test_every_resource_a_finding_used_is_named() -> None:
    missing = {each.values[0].claim: used(each.values[0]) - set(entities(each.values[0])) for each in each_answer()}
    assert {claim: lost for claim, lost in missing.items() if lost} == {}


def test_what_is_contained_is_named_by_what_contains_it() -> None:
    (answer,) = [each for each in clinic().answers if each.claim == "b04-contained-coach"]
    assert all("#" not in each for each in entities(answer))


def test_a_resource_without_a_version_is_named_without_one() -> None:
    bundle = bundle_of("0592t-approved")
    del part(bundle, "Encounter", "approved-enc")["meta"]
    (answer,) = run_resources(bundle).answers
    assert "Encounter/0592t-approved-enc" in entities(answer)


def test_an_operation_outcome_has_none() -> None:
    (answer,) = story("draft-claim").answers
    assert (answer.response, answer.provenance) == (None, None)
    assert answer.outcome is not None
    get_fhir_model_class("OperationOutcome").model_validate(answer.outcome)


# --- lines of different days


@pytest.fixture(scope="module")
def two_days() -> Answer:
    """A claim with a line of the day before A015 and one of its first day."""
    bundle = bundle_of("0592t-approved")
    claim = part(bundle, "Claim")
    line = claim["item"][0]
    claim["item"] = [
        {**line, "sequence": 1, "servicedDate": "2023-04-14"},
        {**line, "sequence": 2, "servicedDate": "2023-04-15"},
    ]
    (answer,) = run_resources(bundle).answers
    return answer


COMMON, A015 = "common 2026-11-22", "cigna-a015 2023-04-15"


def test_each_line_names_the_policy_of_its_day(two_days: Answer) -> None:
    assert [each["policy"] for each in decision_lines(two_days)] == [COMMON, A015]


def test_the_provenance_names_every_policy_that_decided_a_line(two_days: Answer) -> None:
    base = "https://fhir-coaching-adapter.example/policy"
    assert provenance_of(two_days)["policy"] == [f"{base}/common|2026-11-22", f"{base}/cigna-a015|2023-04-15"]


def test_the_disposition_says_of_each_line_what_decided_it(two_days: Answer) -> None:
    assert two_days.response is not None
    said = two_days.response["disposition"]
    assert "line 1 under review by a person (no coverage policy decides it)" in said
    assert "line 2 waiting for information (under Cigna Administrative Policy A015 (version 2023-04-15))" in said
