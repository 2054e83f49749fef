"""Where the documentation of a session is found: in coded places that are tied to it, never in free text."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from answers.story_stages import bundle_of, part, run_resources

Json = dict[str, Any]
NAME = "0592t-approved"
PATIENT, ENCOUNTER = {"reference": f"Patient/{NAME}-member"}, {"reference": f"Encounter/{NAME}-enc"}
OTHER = {"reference": f"Encounter/{NAME}-initial-enc"}
DOCUMENTING = ("DocumentReference", "Composition", "Goal", "CarePlan", "QuestionnaireResponse", "Observation")
EVERY = {"topics", "measurable_goals", "barriers", "interventions", "readiness", "follow_up_plan", "progress"}


def documented(*documents: Json, procedure: Json | None = None) -> tuple[bool, set[str]]:
    """Whether a note counts as on file, and which elements are found, where these alone document the session."""
    bundle = bundle_of(NAME)
    bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] not in DOCUMENTING]
    part(bundle, "Procedure", "approved-proc").update(procedure or {})
    bundle["entry"] += [{"resource": each} for each in documents]
    (session,) = run_resources(bundle).sessions
    return session.documentation.note_on_file is not None, {each.value for each in session.documentation.elements}


def resource(kind: str, **elements: Any) -> Json:
    return {"resourceType": kind, "id": "document", "subject": PATIENT} | elements


def note(**changes: Any) -> Json:
    base = resource(
        "DocumentReference",
        status="current",
        docStatus="final",
        type={"coding": [{"system": "http://loinc.org", "code": "34109-9"}]},
        content=[{"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"note").decode()}}],
        context={"encounter": [ENCOUNTER]},
    )
    return {name: value for name, value in (base | changes).items() if value is not None}


def loinc(code: str) -> Json:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        pytest.param(note(), True, id="a note of the session"),
        pytest.param(note(docStatus="amended"), True, id="amended"),
        pytest.param(note(docStatus=None), True, id="docStatus not said"),
        pytest.param(note(type=None), True, id="type not said"),
        pytest.param(note(type=loinc("11506-3")), True, id="a progress note"),
        pytest.param(note(content=[{"attachment": {"url": "Binary/1"}}]), True, id="kept elsewhere"),
        pytest.param(
            note(context={"related": [{"reference": f"Procedure/{NAME}-proc"}]}), True, id="tied to the procedure"
        ),
        pytest.param(note(context={"encounter": [OTHER]}), False, id="of another session"),
        pytest.param(note(context=None), False, id="of no session"),
        pytest.param(note(subject={"reference": "Patient/decoy"}), False, id="of another patient"),
        pytest.param(note(status="entered-in-error"), False, id="entered in error"),
        pytest.param(note(status="superseded"), False, id="superseded"),
        pytest.param(note(docStatus="preliminary"), False, id="a draft"),
        pytest.param(note(type=loinc("18842-5")), False, id="another kind of document"),
        pytest.param(note(content=[{"attachment": {"title": "to be written"}}]), False, id="empty"),
    ],
)
def test_what_counts_as_the_note_of_the_session(document: Json, counts: bool) -> None:
    assert documented(document) == (counts, set())


def questionnaire(*items: str, **more: Any) -> Json:
    answered = [{"linkId": each, "answer": [{"valueString": "written down"}]} for each in items]
    return resource("QuestionnaireResponse", status="completed", encounter=ENCOUNTER, item=answered) | more


FOLLOW_UP = resource(
    "CarePlan", status="active", intent="plan", encounter=ENCOUNTER, activity=[{"detail": {"status": "scheduled"}}]
)
GOAL = resource("Goal", lifecycleStatus="active", description={"text": "walk"}, target=[{"dueDate": "2023-12-31"}])
READINESS = resource(
    "Observation",
    status="final",
    encounter=ENCOUNTER,
    code={"coding": [{"code": "readiness-to-change"}]},
    valueInteger=7,
)


@pytest.mark.parametrize(
    ("document", "elements"),
    [
        pytest.param(GOAL, {"measurable_goals"}, id="a goal with a target"),
        pytest.param(GOAL | {"target": []}, set(), id="a goal without a target"),
        pytest.param(GOAL | {"lifecycleStatus": "entered-in-error"}, set(), id="a goal in error"),
        pytest.param(
            GOAL | {"achievementStatus": {"coding": [{"code": "improving"}]}},
            {"measurable_goals", "progress"},
            id="progress",
        ),
        pytest.param(GOAL | {"subject": {"reference": "Patient/decoy"}}, set(), id="another patient's goal"),
        pytest.param(FOLLOW_UP, {"interventions", "follow_up_plan"}, id="a care plan with activities"),
        pytest.param(FOLLOW_UP | {"status": "draft"}, set(), id="a plan in draft"),
        pytest.param(FOLLOW_UP | {"encounter": OTHER}, set(), id="the plan of another session"),
        pytest.param(READINESS, {"readiness"}, id="an observation of readiness"),
        pytest.param(READINESS | {"status": "entered-in-error"}, set(), id="an observation in error"),
        pytest.param(READINESS | {"code": {"text": "readiness to change"}}, set(), id="readiness in words only"),
        pytest.param(
            questionnaire("topics", "goals", "barriers", "interventions", "readiness", "follow-up", "progress"),
            EVERY,
            id="a questionnaire with every answer",
        ),
        pytest.param(questionnaire("topics") | {"item": [{"linkId": "topics"}]}, set(), id="a question left open"),
        pytest.param(questionnaire("weather"), set(), id="another question"),
        pytest.param(
            questionnaire() | {"item": [{"linkId": "page-1", "item": questionnaire("barriers")["item"]}]},
            {"barriers"},
            id="a question on an inner page",
        ),
        pytest.param(
            note(content=[{"attachment": {"data": base64.b64encode(b"Topics: sleep. Barriers: shifts").decode()}}]),
            set(),
            id="the words of a note",
        ),
        pytest.param(
            resource("Observation", status="final", encounter=ENCOUNTER, code={"text": "barriers: shifts"}),
            set(),
            id="the words of an observation",
        ),
    ],
)
def test_elements_are_found_by_code_where_the_mapping_says(document: Json, elements: set[str]) -> None:
    assert documented(document)[1] == elements


def test_a_note_on_the_procedure_counts_as_documentation() -> None:
    noted, elements = documented(procedure={"note": [{"text": "Topics, goals and barriers gone through."}]})
    assert noted or elements


def test_each_element_says_where_it_was_found() -> None:
    bundle = bundle_of(NAME)
    (session,) = run_resources(bundle).sessions
    assert session.documentation.note_on_file is not None
    assert session.documentation.note_on_file.origin.resource == f"DocumentReference/{NAME}-note/_history/1"
    for each in session.documentation.elements:
        assert each.origin.path.startswith(each.origin.resource.partition("/")[0])
