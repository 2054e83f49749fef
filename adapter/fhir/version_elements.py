"""The elements that only R4 or only R5 has, of each resource that the adapter reads: by them a version is told.

From https://hl7.org/fhir/R5/diff.html; a test compares them with the models of both versions. ``class[]`` is an element
that is a list in that version alone, ``class{}`` one that is a single object, ``item.tax`` an element of a part.
"""

from __future__ import annotations

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
