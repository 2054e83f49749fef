"""FHIR R4 to R5, for the resources that speak about a claim: how the same visit is written in the newer version.

By https://hl7.org/fhir/R5/<resource>.html, section "R4 Diff". What has another shape than R4 gives it is carried over
as it is, under its new name: bad input stays bad in the same place.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

Json = dict[str, Any]

CLAIM_ENCOUNTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter"
DECISION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.decision"
REVIEW_OUTCOME = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.item.reviewOutcome"
NOTE_TYPE = "http://hl7.org/fhir/note-type"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
STATUSES = {"finished": "completed", "onleave": "on-hold", "arrived": "in-progress", "triaged": "in-progress"}


def to_r5(resource: Json) -> Json:
    """A resource, a Bundle of resources or a contained resource as R5 writes it; the original stays as it is."""
    new = deepcopy(resource)
    for entry in _objects(new.get("entry")):
        if isinstance(entry.get("resource"), dict):
            entry["resource"] = to_r5(entry["resource"])
    if isinstance(new.get("contained"), list):
        new["contained"] = [to_r5(each) if isinstance(each, dict) else each for each in new["contained"]]
    convert = CONVERSIONS.get(str(new.get("resourceType")))
    if convert is not None:
        convert(new)
    return new


# --- the clinical record


def _encounter(new: Json) -> None:
    _change(new, "status", lambda status: STATUSES.get(str(status), status))
    _change(new, "class", lambda coding: [{"coding": [coding]}] if isinstance(coding, dict) else coding)
    _change(new, "serviceType", lambda concept: [{"concept": concept}])
    _rename(new, "period", "actualPeriod")
    _rename(new, "hospitalization", "admission")
    for each in _objects(new.get("participant")):
        _rename(each, "individual", "actor")
    for each in _objects(new.get("diagnosis")):
        _change(each, "condition", lambda reference: [{"reference": reference}])
        _change(each, "use", _listed)
        each.pop("rank", None)
    for each in _objects(new.get("location")):
        _rename(each, "physicalType", "form")
    reasons = [{"value": [each]} for each in _reasons(new)]
    if reasons:
        new["reason"] = reasons
    for gone in ("classHistory", "statusHistory"):
        new.pop(gone, None)


def _procedure(new: Json) -> None:
    for choice in ("Period", "DateTime", "String", "Age", "Range"):
        _rename(new, f"performed{choice}", f"occurrence{choice}")
    _change(new, "category", _listed)
    reasons = _reasons(new)
    if reasons:
        new["reason"] = reasons


def _reasons(new: Json) -> list[Json]:
    """The CodeableReferences that hold what R4 has as reasonCode and reasonReference."""
    concepts, references = new.pop("reasonCode", []), new.pop("reasonReference", [])
    return [{"concept": each} for each in concepts] + [{"reference": each} for each in references]


def _condition(new: Json) -> None:
    new.setdefault("clinicalStatus", {"coding": [{"system": CLINICAL, "code": "active"}]})
    for gone in ("recorder", "asserter"):
        new.pop(gone, None)


def _document(new: Json) -> None:
    context = new.pop("context", None)
    if isinstance(context, dict):
        _fill(new, "context", context.get("encounter"))
        _fill(new, "event", [{"reference": each} for each in context.get("related", [])])
        _fill(new, "period", context.get("period"))
    for each in _objects(new.get("content")):
        coding = each.pop("format", None)
        _fill(each, "profile", [{"valueCoding": coding}] if coding else None)
    identifier = new.pop("masterIdentifier", None)
    if identifier:
        new["identifier"] = [identifier, *new.get("identifier", [])]
    new.pop("authenticator", None)


def _composition(new: Json) -> None:
    _change(new, "subject", _listed)
    _change(new, "identifier", _listed)


def _questionnaire_response(new: Json) -> None:
    _change(new, "identifier", _listed)
    new.setdefault("questionnaire", "https://clinic.example.org/Questionnaire/session-note")


def _goal(new: Json) -> None:
    _rename(new, "expressedBy", "source")


def _care_plan(new: Json) -> None:
    _rename(new, "author", "custodian")
    _change(new, "addresses", lambda several: [{"reference": each} for each in several])
    for each in _objects(new.get("activity")):
        _rename(each, "reference", "plannedActivityReference")
        detail = each.pop("detail", None)
        if isinstance(detail, dict):
            each["performedActivity"] = [{"concept": detail.get("code", {"text": "activity"})}]


# --- people and places


def _with_contact(new: Json) -> None:
    """An Organization, a PractitionerRole or a Location: how to reach it stands in ``contact``."""
    told = {"telecom": new.pop("telecom")} if "telecom" in new else {}
    if new["resourceType"] == "Organization" and "address" in new:
        new["contact"] = [{"address": each, **told} for each in new.pop("address")]
    elif told:
        new["contact"] = [told]
    _rename(new, "physicalType", "form")
    for gone in ("availableTime", "notAvailable", "availabilityExceptions", "hoursOfOperation"):
        new.pop(gone, None)


def _practitioner(new: Json) -> None:
    _change(new, "communication", lambda several: [{"language": each} for each in several])


# --- who pays


def _claim(new: Json) -> None:
    extensions = new.get("extension")
    named = [each for each in _objects(extensions) if each.get("url") == CLAIM_ENCOUNTER]
    if named:
        _fill(new, "encounter", [each["valueReference"] for each in named])
        rest = [each for each in new.pop("extension") if each not in named]
        _fill(new, "extension", rest)
    for each in _objects(new.get("careTeam")):
        _rename(each, "qualification", "specialty")
    for each in _objects(new.get("diagnosis")):
        each.pop("packageCode", None)


def _coverage(new: Json) -> None:
    new["kind"] = "insurance"
    payors = new.pop("payor", None)
    if isinstance(payors, list) and payors:
        new["insurer"] = payors[0]
        _fill(new, "paymentBy", [{"party": each} for each in payors[1:]])
    elif payors is not None:
        new["insurer"] = payors
    _change(new, "subscriberId", lambda number: [{"value": number}])
    for each in _objects(new.get("class")):
        _change(each, "value", lambda value: {"value": value})


def _claim_response(new: Json) -> None:
    decision = _taken(new, DECISION)
    if decision is not None:
        new["decision"] = decision["valueCodeableConcept"]
    for item in _objects(new.get("item")):
        outcome = _taken(item, REVIEW_OUTCOME)
        if outcome is not None:
            item["reviewOutcome"] = {"decision": outcome["extension"][0]["valueCodeableConcept"]}
    for each in _objects(new.get("processNote")):
        _change(each, "type", lambda code: {"coding": [{"system": NOTE_TYPE, "code": code}]})


def _taken(element: Json, url: str) -> Json | None:
    """The extension of that URL, which the element no longer has."""
    found = next((each for each in _objects(element.get("extension")) if each.get("url") == url), None)
    if found is not None:
        _fill(element, "extension", [each for each in element.pop("extension") if each is not found])
    return found


# --- small changes


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _rename(element: Json, old: str, new: str) -> None:
    for mark in ("", "_"):
        if mark + old in element:
            element[mark + new] = element.pop(mark + old)


def _change(element: Json, name: str, change: Callable[[Any], Any]) -> None:
    if name in element:
        element[name] = change(element[name])


def _fill(element: Json, name: str, value: Any) -> None:
    if value:
        element[name] = value


CONVERSIONS: dict[str, Callable[[Json], None]] = {
    "CarePlan": _care_plan,
    "Claim": _claim,
    "ClaimResponse": _claim_response,
    "Composition": _composition,
    "Condition": _condition,
    "Coverage": _coverage,
    "DocumentReference": _document,
    "Encounter": _encounter,
    "Goal": _goal,
    "Location": _with_contact,
    "Organization": _with_contact,
    "Practitioner": _practitioner,
    "PractitionerRole": _with_contact,
    "Procedure": _procedure,
    "QuestionnaireResponse": _questionnaire_response,
}
