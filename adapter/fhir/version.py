"""Which version of FHIR something is in: by what it states, else by elements that only one version has.

R4B (4.3) changed none of the resources read here, so its files are read as R4. Most resources look alike in R4 and R5;
then nothing is told, and where the resource was found has to decide. The elements are those of
https://hl7.org/fhir/R5/diff.html for each resource; a test compares them with the models of both versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from adapter.evidence.references import Json

R4, R4B, R5 = "r4", "r4b", "r5"
NAMES = {R4: "R4", R4B: "R4B", R5: "R5"}
RELEASES = {"4.0": R4, "4.3": R4B, "5.0": R5}
READ_AS = {R4: R4, R4B: R4, R5: R5}
"""The version whose mappings, and whose form of an answer, serve a version."""

# ``class[]`` is a list, ``class{}`` a single object, ``item.tax`` an element of a part.
ONLY_R4: dict[str, frozenset[str]] = {
    "CarePlan": frozenset(
        [
            "author",
            "activity.detail",
            "activity.outcomeCodeableConcept",
            "activity.outcomeReference",
            "activity.reference",
        ]
    ),
    "Claim": frozenset(["careTeam.qualification", "diagnosis.packageCode", "item.subSite"]),
    "ClaimResponse": frozenset(["addItem.subSite", "adjudication.value"]),
    "Composition": frozenset(["confidentiality", "event.code", "identifier{}", "section.mode", "subject{}"]),
    "Condition": frozenset(["asserter", "recorder"]),
    "Coverage": frozenset(["payor"]),
    "DocumentReference": frozenset(["authenticator", "content.format", "context{}", "masterIdentifier"]),
    "Encounter": frozenset(
        [
            "class{}",
            "classHistory",
            "diagnosis.rank",
            "hospitalization",
            "location.physicalType",
            "participant.individual",
            "period",
            "reasonCode",
            "reasonReference",
            "serviceType{}",
            "statusHistory",
        ]
    ),
    "Goal": frozenset(["expressedBy", "outcomeCode", "outcomeReference"]),
    "Location": frozenset(["availabilityExceptions", "physicalType", "telecom"]),
    "Organization": frozenset(["address", "telecom"]),
    "PractitionerRole": frozenset(["availabilityExceptions", "availableTime", "notAvailable", "telecom"]),
    "Procedure": frozenset(
        [
            "asserter",
            "category{}",
            "complicationDetail",
            "performedAge",
            "performedDateTime",
            "performedPeriod",
            "performedRange",
            "performedString",
            "reasonCode",
            "reasonReference",
            "usedCode",
            "usedReference",
        ]
    ),
    "QuestionnaireResponse": frozenset(["identifier{}"]),
}
ONLY_R5: dict[str, frozenset[str]] = {
    "CarePlan": frozenset(["activity.performedActivity", "activity.plannedActivityReference", "custodian"]),
    "Claim": frozenset(
        [
            "careTeam.specialty",
            "diagnosisRelatedGroup",
            "encounter",
            "event",
            "item.patientPaid",
            "item.productOrServiceEnd",
            "item.request",
            "item.tax",
            "item.traceNumber",
            "patientPaid",
            "supportingInfo.valueIdentifier",
            "traceNumber",
        ]
    ),
    "ClaimResponse": frozenset(
        [
            "addItem.productOrServiceEnd",
            "addItem.request",
            "addItem.revenue",
            "addItem.reviewOutcome",
            "addItem.tax",
            "addItem.traceNumber",
            "adjudication.quantity",
            "decision",
            "diagnosisRelatedGroup",
            "encounter",
            "error.expression",
            "event",
            "item.reviewOutcome",
            "item.traceNumber",
            "traceNumber",
        ]
    ),
    "Composition": frozenset(["identifier[]", "name", "note", "subject[]", "url", "useContext", "version"]),
    "Condition": frozenset(["participant"]),
    "Coverage": frozenset(
        [
            "costToBeneficiary.category",
            "costToBeneficiary.network",
            "costToBeneficiary.term",
            "costToBeneficiary.unit",
            "insurancePlan",
            "insurer",
            "kind",
            "paymentBy",
            "subscriberId[]",
        ]
    ),
    "DocumentReference": frozenset(
        [
            "attester",
            "basedOn",
            "bodySite",
            "content.profile",
            "context[]",
            "event",
            "facilityType",
            "modality",
            "period",
            "practiceSetting",
            "version",
        ]
    ),
    "Encounter": frozenset(
        [
            "actualPeriod",
            "admission",
            "careTeam",
            "class[]",
            "dietPreference",
            "location.form",
            "participant.actor",
            "plannedEndDate",
            "plannedStartDate",
            "reason",
            "serviceType[]",
            "specialArrangement",
            "specialCourtesy",
            "subjectStatus",
            "virtualService",
        ]
    ),
    "Goal": frozenset(["continuous", "outcome", "source"]),
    "Location": frozenset(["characteristic", "contact", "form", "virtualService"]),
    "Organization": frozenset(["description", "qualification"]),
    "PractitionerRole": frozenset(["availability", "characteristic", "communication", "contact"]),
    "Procedure": frozenset(
        [
            "category[]",
            "focus",
            "occurrenceAge",
            "occurrenceDateTime",
            "occurrencePeriod",
            "occurrenceRange",
            "occurrenceString",
            "occurrenceTiming",
            "performer.period",
            "reason",
            "recorded",
            "reportedBoolean",
            "reportedReference",
            "supportingInfo",
            "used",
        ]
    ),
    "QuestionnaireResponse": frozenset(["identifier[]"]),
}
_WATCHED = {kind: {re.split(r"[.\[{]", name)[0] for name in names | ONLY_R5[kind]} for kind, names in ONLY_R4.items()}
"""The elements of a resource that have to be looked at."""
_PROFILE = re.compile(
    r"http://hl7\.org/fhir/(?:(?P<path>\d\.\d)/StructureDefinition/\w+|StructureDefinition/\w+\|(?P<version>\d\.\d)(?:\.\d+)?)$"
)


def version_of_release(release: object) -> str | None:
    """``r4`` of ``4.0.1``; None of a release that the adapter does not read."""
    return RELEASES.get(release[:3]) if isinstance(release, str) and release[3:4] in ("", ".", "-") else None


def told_version(resource: Json) -> str | None:
    """``r4`` or ``r5`` as the resource states it, or as its elements show it; None when it could be either."""
    return _stated(resource) or _shown(resource)


def _stated(resource: Json) -> str | None:
    """By ``fhirVersion`` of a CapabilityStatement or Parameters, or by a profile of the specification itself."""
    found = (version_of_release(each) for each in _releases(resource))
    return next((READ_AS[each] for each in found if each is not None), None)


def stated_releases(resource: Json) -> tuple[str, ...]:
    """The releases that a resource names: its own, or as a CapabilityStatement or Parameters that of others."""
    return tuple(each for each in _releases(resource) if isinstance(each, str))


def foreign_release(releases: Iterable[str]) -> str | None:
    """The first of the releases, where the adapter reads none of them."""
    releases = tuple(releases)
    return None if any(map(version_of_release, releases)) else next(iter(releases), None)


def _releases(resource: Json) -> Iterator[object]:
    kind = resource.get("resourceType")
    if kind == "CapabilityStatement":
        yield resource.get("fhirVersion")
    if kind == "Parameters":
        named = (each for each in _objects(resource.get("parameter")) if each.get("name") == "fhirVersion")
        yield from (each.get("valueCode") or each.get("valueString") for each in named)
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    for profile in profiles if isinstance(profiles, list) else []:
        if match := _PROFILE.match(str(profile)):
            yield match["path"] or match["version"]


def _shown(resource: Json) -> str | None:
    kind = str(resource.get("resourceType"))
    if kind not in _WATCHED:
        return None
    names = set(_names({name: resource[name] for name in resource.keys() & _WATCHED[kind]}))
    old, new = not names.isdisjoint(ONLY_R4[kind]), not names.isdisjoint(ONLY_R5[kind])
    return (R4 if old else R5) if old != new else None


def _names(elements: Json) -> Iterator[str]:
    """Elements as the tables above write them."""
    for name, value in elements.items():
        yield name
        if isinstance(value, dict):
            yield f"{name}{{}}"
        elif isinstance(value, list):
            yield f"{name}[]"
            yield from (f"{name}.{inner}" for each in _objects(value) for inner in each)


def _objects(value: Any) -> Iterator[Json]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
