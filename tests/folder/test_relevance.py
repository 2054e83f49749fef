"""Which claims, visits and procedures are looked up with their patient, and which only where something leads there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answers.story_stages import shipped

from adapter.sources.folder.relevance import MASSES, Relevance

Json = dict[str, Any]


def relevance() -> Relevance:
    adjudicator = shipped()
    return Relevance.of([adjudicator.mappings, *adjudicator.others.values()], adjudicator.book.codes.ncci)


def claim(code: object) -> Json:
    return {
        "resourceType": "Claim",
        "id": "c",
        "item": [{"sequence": 1, "productOrService": {"coding": [{"code": code}]}}],
    }


def procedure(**code: object) -> Json:
    return {"resourceType": "Procedure", "id": "p", **code}


@pytest.mark.parametrize(
    ("resource", "matters"),
    [
        pytest.param(claim("0592T"), True, id="ours"),
        pytest.param(claim(" 0592t"), True, id="ours, however it is written"),
        pytest.param(claim("h0038"), True, id="peer support"),
        pytest.param(claim("99213"), False, id="an office visit"),
        pytest.param(claim("90791"), True, id="a code that a same-day edit pairs with ours"),
        pytest.param(claim("59200"), False, id="digits in another order"),
        pytest.param({"resourceType": "Claim", "id": "c"}, True, id="a claim without lines"),
        pytest.param(
            {"resourceType": "Claim", "id": "c", "item": [{"productOrService": "0.5"}]},
            True,
            id="a claim of another shape",
        ),
        pytest.param(claim(17), False, id="a code that is no text"),
        pytest.param({**claim("99213"), "note": "health coaching (0592T)"}, True, id="our code in a text"),
        pytest.param(procedure(code={"coding": [{"code": "36415"}]}), False, id="a blood draw"),
        pytest.param(procedure(code={"coding": [{"code": "0591T"}]}), True, id="a coaching procedure"),
        pytest.param(procedure(code={"text": "coaching"}), True, id="a procedure that carries no code"),
        pytest.param(procedure(), True, id="a procedure that says nothing of what it is"),
        pytest.param(
            {"resourceType": "Encounter", "id": "e", "type": [{"coding": [{"code": "185349003"}]}]},
            False,
            id="a check-up",
        ),
        pytest.param(
            {"resourceType": "Encounter", "id": "e", "type": [{"coding": [{"code": "0593T"}]}]},
            True,
            id="a group session",
        ),
    ],
)
def test_by_what_it_carries(resource: Json, matters: bool) -> None:
    assert relevance().matters(resource["resourceType"], resource, json.dumps(resource).encode()) is matters


def test_an_escaped_code_is_not_missed() -> None:
    text = (
        b'{"resourceType": "Claim", "id": "c", "item": [{"productOrService": {"coding": [{"code": "\\u0030592T"}]}}]}'
    )
    assert relevance().matters("Claim", json.loads(text), text)


def test_the_types_of_which_only_some_matter() -> None:
    assert relevance().masses == MASSES


@pytest.mark.parametrize(("kind", "stays"), [("Procedure", False), ("Encounter", True)])
def test_a_type_that_documents_a_session_unlinked_is_taken_whole(kind: str, stays: bool) -> None:
    """Where a mapping takes any Procedure about the patient as documentation, no Procedure may be passed over."""
    from dataclasses import replace

    mappings = shipped().mappings
    place = replace(mappings.documentation.note[0], resource="Procedure", linked_by=())
    loose = replace(mappings, documentation=replace(mappings.documentation, note=(place,)))
    assert (kind in Relevance.of([loose], shipped().book.codes.ncci).masses) is stays
