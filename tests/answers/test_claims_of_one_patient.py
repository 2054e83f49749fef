"""Claims that depend on each other: replacement and duplicates come out the same in whatever order they are read."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from adapter.answers.answer import Answer
from adapter.bootstrap import build
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Reconciliation
from adapter.settings import Settings
from adapter.sync.files import Order, sync_files

Json = dict[str, Any]
STORY = Path(__file__).parents[2] / "fixtures" / "stories" / "0592t-approved" / "0_bundle.json"
BASE = [entry["resource"] for entry in json.loads(STORY.read_text())["entry"]]
CLAIM = next(each for each in BASE if each["resourceType"] == "Claim")
OTHERS = [each for each in BASE if each["resourceType"] != "Claim"]
PRIOR = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "code": "prior"}]}


@pytest.fixture(scope="module")
def adjudicator() -> Adjudicator:
    return build(Settings())


def a_claim(id: str, created: str = "2023-06-03", **more: Any) -> Json:
    number = {"identifier": [{"system": "https://clinic.example/claims", "value": id}]}
    return {**copy.deepcopy(CLAIM), "id": id, "created": created, **number, **more}


def replaces(id: str) -> Json:
    return {"related": [{"relationship": PRIOR, "claim": {"reference": f"Claim/{id}"}}]}


def own_answer(adjudicator: Adjudicator, claim: str) -> Json:
    return {
        "resourceType": "ClaimResponse",
        "id": f"{claim}-response",
        "identifier": [{"system": adjudicator.identifier_system, "value": f"Claim/{claim}"}],
        "status": "active",
        "outcome": "complete",
        "use": "claim",
        "type": CLAIM["type"],
        "patient": CLAIM["patient"],
        "insurer": CLAIM["insurer"],
        "created": "2023-06-04",
        "request": {"reference": f"Claim/{claim}"},
    }


def answers(
    adjudicator: Adjudicator, claims: list[Json], *more: Json, wanted: list[str] | None = None
) -> dict[str, Answer]:
    store = EvidenceStore()
    store.extend(Located(each) for each in [*claims, *OTHERS, *more])
    located = [each for id in (wanted or [claim["id"] for claim in claims]) if (each := store.get(f"Claim/{id}"))]
    found = Reconciliation(adjudicator, store, datetime(2026, 1, 31, tzinfo=UTC)).answer(located)
    return {str(each.claim): each for each in found}


def decision(answer: Answer) -> str:
    if answer.outcome is not None:
        return "OO"
    assert answer.determination is not None
    return answer.determination.decision.name


@pytest.mark.parametrize("original", ["a-original", "z-original"])
@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_replacement_is_decided_after_its_original(
    adjudicator: Adjudicator, original: str, order: tuple[int, ...]
) -> None:
    claims = [a_claim(original), a_claim("m-replacement", "2023-06-05", **replaces(original))]
    found = answers(adjudicator, [claims[index] for index in order])
    assert {claim: decision(each) for claim, each in found.items()} == {original: "APPROVE", "m-replacement": "APPROVE"}


@pytest.mark.parametrize("original", ["a-original", "z-original"])
def test_the_answer_to_the_original_is_cancelled_and_says_by_what(adjudicator: Adjudicator, original: str) -> None:
    claims = [a_claim(original), a_claim("m-replacement", "2023-06-05", **replaces(original))]
    for wanted in ([original, "m-replacement"], ["m-replacement"], ["m-replacement", original]):
        found = answers(adjudicator, claims, own_answer(adjudicator, original), wanted=wanted)
        response = found[original].response
        assert response is not None
        assert (response["status"], response["disposition"]) == (
            "cancelled",
            "Reversed: replaced by Claim/m-replacement.",
        )
        assert decision(found["m-replacement"]) == "APPROVE"


def test_claims_that_replace_each_other_are_all_answered(adjudicator: Adjudicator) -> None:
    claims = [a_claim("a", **replaces("b")), a_claim("b", **replaces("a"))]
    assert set(answers(adjudicator, claims)) == {"a", "b"}


@pytest.mark.parametrize("step", [-1, 1], ids=["each replaces the one before", "each replaces the one after"])
def test_a_long_chain_of_replacements_is_answered(adjudicator: Adjudicator, step: int) -> None:
    """Longer than Python's stack is deep; nothing is blamed on the sender."""
    ids = [f"c{index:03}" for index in range(300)]
    chain = [
        a_claim(id, **(replaces(ids[index + step]) if 0 <= index + step < len(ids) else {}))
        for index, id in enumerate(ids)
    ]
    found = answers(adjudicator, chain)
    assert set(found) == set(ids)
    assert "OO" not in {decision(each) for each in found.values()}
    if step == -1:
        assert {decision(found["c000"]), decision(found["c001"])} == {"APPROVE"}


def test_the_later_of_two_equal_claims_is_the_duplicate(adjudicator: Adjudicator) -> None:
    claims = [a_claim("later", "2023-06-06"), a_claim("first", "2023-06-03")]
    for order in (claims, claims[::-1]):
        found = answers(adjudicator, order)
        assert {claim: decision(each) for claim, each in found.items()} == {"first": "APPROVE", "later": "DENY"}


def test_the_same_session_on_two_lines_goes_to_a_person(adjudicator: Adjudicator) -> None:
    claim = a_claim("twice")
    claim["item"] = [claim["item"][0], {**claim["item"][0], "sequence": 2}]
    determination = answers(adjudicator, [claim])["twice"].determination
    assert determination is not None
    assert [line.decision.name for line in determination.lines] == ["APPROVE", "REVIEW"]


def test_lines_with_one_number_cannot_be_answered_line_by_line(adjudicator: Adjudicator) -> None:
    claim = a_claim("same-number")
    claim["item"] = [claim["item"][0], copy.deepcopy(claim["item"][0])]
    outcome = answers(adjudicator, [claim])["same-number"].outcome
    assert outcome is not None
    assert [issue["expression"] for issue in outcome["issue"]] == [["Claim.item.sequence"]]


def test_a_contained_patient_is_the_one_on_file(adjudicator: Adjudicator) -> None:
    patient = next(each for each in OTHERS if each["resourceType"] == "Patient")
    inside = {"resourceType": "Patient", "id": "p", "identifier": patient["identifier"]}
    claim = a_claim("contained", contained=[inside], patient={"reference": "#p"})
    assert decision(answers(adjudicator, [claim])["contained"]) == "APPROVE"


def test_contained_roles_that_name_each_other_lead_nowhere(adjudicator: Adjudicator) -> None:
    roles = [
        {"resourceType": "PractitionerRole", "id": id, "practitioner": {"reference": f"#{other}"}}
        for id, other in (("r", "s"), ("s", "r"))
    ]
    claim = a_claim("cycle", contained=roles)
    claim["careTeam"][0]["provider"] = {"reference": "#r"}
    assert decision(answers(adjudicator, [claim])["cycle"]) == "PEND"


@pytest.mark.parametrize("original", ["a-original", "z-original"])
def test_a_replacement_of_the_same_day_and_number_is_no_duplicate(adjudicator: Adjudicator, original: str) -> None:
    number = {"identifier": [{"system": "https://clinic.example/claims", "value": "one-number"}]}
    claims = [{**a_claim(original), **number}, {**a_claim("m-replacement", **replaces(original)), **number}]
    found = answers(adjudicator, claims)
    assert {decision(each) for each in found.values()} == {"APPROVE"}


def test_a_run_over_files_answers_original_and_replacement_once_each(adjudicator: Adjudicator, tmp_path: Path) -> None:
    claims = [a_claim("m-original"), a_claim("a-replacement", "2023-06-05", **replaces("m-original"))]
    entries = [{"resource": each} for each in [*claims, *OTHERS, own_answer(adjudicator, "m-original")]]
    (tmp_path / "in.json").write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    instant = datetime(2026, 1, 31, tzinfo=UTC)
    report = sync_files(Order(tmp_path / "in.json", tmp_path / "out", instant), adjudicator, lambda *_: None)
    assert report.summary()["claims"]["in_scope"] == 2
    lines = (tmp_path / "out" / "ClaimResponse.ndjson").read_text().splitlines()
    assert [(each["id"], each["status"]) for each in map(json.loads, lines)] == [
        ("a-replacement-response", "active"),
        ("m-original-response", "cancelled"),
    ]
