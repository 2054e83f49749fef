"""The fields that sessions are built from, by resource and repeated part (empty name: the resource itself).

A mapping without one of them would fail on every claim; it stops the start instead.
"""

from __future__ import annotations

REQUIRED: dict[str, dict[str, frozenset[str]]] = {
    "Claim": {
        "": frozenset(
            [
                "billable_period",
                "created",
                "encounters",
                "facility",
                "identifiers",
                "insurer",
                "insurer_name",
                "patient",
                "provider",
                "status",
                "total",
                "use",
            ]
        ),
        "items": frozenset(
            [
                "care_team_sequence",
                "diagnosis_sequence",
                "encounters",
                "factor",
                "information_sequence",
                "modifiers",
                "modifiers_without_code",
                "net",
                "place_of_service",
                "procedure_sequence",
                "quantity",
                "sequence",
                "service_text",
                "serviced",
                "services",
                "unit_price",
            ]
        ),
        "care_team": frozenset(["provider", "responsible", "roles", "sequence"]),
        "diagnoses": frozenset(["codes", "condition", "sequence"]),
        "procedures": frozenset(["procedure", "sequence"]),
        "insurance": frozenset(["coverage", "focal", "prior_result", "sequence"]),
        "related": frozenset(["claim", "reference", "relationship"]),
        "information": frozenset(["content", "sequence"]),
    },
    "ClaimResponse": {
        "": frozenset(["outcome", "request", "status", "use"]),
    },
    "Condition": {
        "": frozenset(["codes", "verification"]),
    },
    "Coverage": {
        "": frozenset(["beneficiary", "payor_names", "payors", "period", "plans", "status"]),
    },
    "Encounter": {
        "": frozenset(
            ["class", "length", "length_unit", "locations", "modality", "period", "status", "subject", "types"]
        ),
        "participants": frozenset(["individual", "roles"]),
    },
    "Location": {
        "": frozenset(["state", "timezone"]),
    },
    "Organization": {
        "": frozenset(["identifiers", "names"]),
    },
    "Patient": {
        "": frozenset(["active"]),
    },
    "Practitioner": {
        "": frozenset(["active"]),
        "qualifications": frozenset(["codes", "issuer", "issuer_name", "period", "texts"]),
    },
    "PractitionerRole": {
        "": frozenset(["organization", "period", "practitioner", "taxonomies"]),
    },
    "Procedure": {
        "": frozenset(
            ["codes", "encounter", "performed", "performed_at", "performers", "reports", "status", "subject"]
        ),
    },
}
