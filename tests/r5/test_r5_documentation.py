"""The documentation of a session where R5 keeps it; what both versions share is tried in tests/mapping."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from answers.story_stages import bundle_of, run_resources
from r5.convert import to_r5

Json = dict[str, Any]
NAME = "0592t-approved"
PATIENT, DECOY = {"reference": f"Patient/{NAME}-member"}, {"reference": "Patient/decoy"}
ENCOUNTER, OTHER = {"reference": f"Encounter/{NAME}-enc"}, {"reference": f"Encounter/{NAME}-initial-enc"}
PROCEDURE = {"reference": f"Procedure/{NAME}-proc"}
DOCUMENTING = ("DocumentReference", "Composition", "Goal", "CarePlan", "QuestionnaireResponse", "Observation")


def documented(document: Json) -> tuple[bool, set[str]]:
    """Whether a note counts as on file, and which elements are found, where this alone documents the session."""
    bundle = to_r5(bundle_of(NAME))
    bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] not in DOCUMENTING]
    bundle["entry"].append({"resource": document})
    (session,) = run_resources(bundle).sessions
    return session.documentation.note_on_file is not None, {each.value for each in session.documentation.elements}


def note(**changes: Any) -> Json:
    base = {
        "resourceType": "DocumentReference",
        "id": "document",
        "status": "current",
        "subject": PATIENT,
        "content": [{"attachment": {"data": base64.b64encode(b"note").decode()}}],
        "context": [ENCOUNTER],
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        pytest.param(note(), True, id="of the visit"),
        pytest.param(note(context=[OTHER, ENCOUNTER]), True, id="of two visits"),
        pytest.param(note(context=None, event=[{"reference": PROCEDURE}]), True, id="of the procedure"),
        pytest.param(note(context=[OTHER]), False, id="of another visit"),
        pytest.param(note(context=None), False, id="of no visit"),
        pytest.param(note(context=None, event=[{"concept": {"text": "coaching"}}]), False, id="an event in words"),
        pytest.param(note(docStatus="corrected"), True, id="corrected"),
        pytest.param(note(docStatus="appended"), True, id="appended"),
        pytest.param(note(docStatus="partial"), False, id="partial"),
        pytest.param(note(docStatus="cancelled"), False, id="cancelled"),
    ],
)
def test_the_note_of_the_session(document: Json, counts: bool) -> None:
    assert documented(document) == (counts, set())


def composition(*subjects: Json) -> Json:
    section = {"title": "Topics", "text": {"status": "generated", "div": "<div>sleep</div>"}}
    head = {"resourceType": "Composition", "id": "document", "status": "final", "encounter": ENCOUNTER}
    return {**head, "subject": list(subjects), "section": [section]}


def plan(**activity: Any) -> Json:
    head = {"resourceType": "CarePlan", "id": "document", "status": "active", "intent": "plan", "encounter": ENCOUNTER}
    return {**head, "subject": PATIENT, "activity": [activity]}


@pytest.mark.parametrize(
    ("document", "elements"),
    [
        pytest.param(composition(PATIENT), {"topics"}, id="a composition about the patient"),
        pytest.param(composition(DECOY), set(), id="a composition about another patient"),
        pytest.param(composition(DECOY, PATIENT), set(), id="a composition about several people is nobody's own"),
        pytest.param(
            plan(performedActivity=[{"concept": {"text": "walk"}}]),
            {"interventions", "follow_up_plan"},
            id="a plan with an activity that was done",
        ),
        pytest.param(
            plan(plannedActivityReference={"reference": "ServiceRequest/1"}),
            {"interventions", "follow_up_plan"},
            id="a plan with an activity that is planned",
        ),
    ],
)
def test_coded_elements(document: Json, elements: set[str]) -> None:
    assert documented(document)[1] == elements
