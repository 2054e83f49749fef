"""The whole clinic: Synthea's background, the people, their visits, and what else a server holds."""

from __future__ import annotations

from typing import Any

from fixtures_build.background import background
from fixtures_build.people import AETNA, CIGNA, coverages, members, payers, places, staff
from fixtures_build.resources import CLINIC, THO, Resource, Visit, concept, goal, resource, resources_of, to, usd
from fixtures_build.visits import UNBILLED, stories


def response(id: str, patient: str, insurer: str, outcome: str, **elements: Any) -> Resource:
    return resource(
        "ClaimResponse",
        id,
        "2023-06-20T12:00:00Z",
        status="active",
        type=concept(f"{THO}/claim-type", "professional"),
        use="claim",
        patient=to("Patient", patient),
        created="2023-06-20",
        insurer=to("Organization", insurer),
        outcome=outcome,
        **elements,
    )


def answers_of_others() -> list[Resource]:
    """What Aetna decided, and a clearing house's receipt: neither is an answer of ours."""
    submitted = [{"category": concept(f"{THO}/adjudication", "submitted"), "amount": usd(85)}]
    receipt = [{"system": "https://clearinghouse.example.org/receipt", "value": "r-000017"}]
    return [
        response("aetna-f03", "member-f", AETNA, "complete", item=[{"itemSequence": 1, "adjudication": submitted}]),
        response("receipt-a02", "member-a", CIGNA, "queued", identifier=receipt, request=to("Claim", "a02-follow-up")),
    ]


ELEMENTS = ("topics", "goals", "barriers", "interventions", "readiness", "follow-up", "progress")


def questionnaire_response(visit: Visit) -> Resource:
    return resource(
        "QuestionnaireResponse",
        f"{visit.id}-questions",
        visit.updated,
        questionnaire=f"{CLINIC}/Questionnaire/coaching-session",
        status="completed",
        subject=to("Patient", visit.cast.patient),
        encounter=to("Encounter", f"{visit.id}-enc"),
        authored=visit.created,
        author=to("Practitioner", visit.cast.coach),
        item=[{"linkId": each, "answer": [{"valueString": f"Talked over: {each}."}]} for each in ELEMENTS],
    )


def readiness(visit: Visit) -> Resource:
    return resource(
        "Observation",
        f"{visit.id}-readiness",
        visit.updated,
        status="final",
        code=concept(f"{CLINIC}/observations", "readiness-to-change", "Readiness to change"),
        subject=to("Patient", visit.cast.patient),
        encounter=to("Encounter", f"{visit.id}-enc"),
        effectiveDateTime=visit.start,
        valueInteger=7,
    )


def also_on_file(visits: dict[str, Visit]) -> list[Resource]:
    return [
        *answers_of_others(),
        questionnaire_response(visits["s26-questionnaire"]),
        readiness(visits["s26-questionnaire"]),
        readiness(visits["a02-follow-up"]),
    ]


def clinic() -> list[Resource]:
    """Every resource of the clinic, once."""
    visits = [story.visit for story in stories()] + [UNBILLED]
    patients = dict.fromkeys(visit.cast.patient for visit in visits)
    goals = [goal(each) for each in patients]
    there = members() + payers() + coverages() + places() + staff() + goals
    told_of = [each for visit in visits for each in resources_of(visit)]
    extra = also_on_file({visit.id: visit for visit in visits})
    everything = background() + there + told_of + extra
    return list({(each["resourceType"], each["id"]): each for each in everything}.values())


def expected() -> dict[str, Any]:
    """For each claim of the clinic, the answer it must get."""
    none = {"story": "Ordinary care: none of the four codes.", "outcome": "none", "lines": {}}
    ordinary = {each["id"]: none for each in background() if each["resourceType"] == "Claim"}
    return {story.visit.id: story.expected for story in stories()} | ordinary
