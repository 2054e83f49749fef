"""The fields that sessions are built from, by resource and repeated part (empty name: the resource itself).

A mapping without one of them would fail on every claim; it stops the start instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from adapter.errors import ConfigurationFault
from adapter.mapping.files import ResourceFile
from adapter.yaml_lines import Lined

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
        "information": frozenset(["category", "content", "sequence", "timing"]),
    },
    "ClaimResponse": {
        "": frozenset(["decision", "outcome", "request", "status", "use"]),
    },
    "Condition": {
        "": frozenset(["codes", "verification"]),
    },
    "Coverage": {
        "": frozenset(["beneficiary", "payor_names", "payors", "period", "plans", "status"]),
    },
    "Encounter": {
        "": frozenset(
            [
                "class",
                "length",
                "length_unclear",
                "length_unit",
                "locations",
                "modality",
                "period",
                "status",
                "subject",
                "types",
            ]
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


def missing_fields(lined: Lined, read: ResourceFile) -> Iterable[ConfigurationFault]:
    """Fields that sessions are built from and the file does not map: say so now, not on every claim."""
    for group, names in REQUIRED.get(read.resource, {}).items():
        part = read.groups.get(group)
        given = set(read.fields) if not group else set(part.fields) if part else set()
        at = ("groups", group, "fields") if group else ("fields",)
        for name in sorted(names - given):
            yield lined.fault(f"field {name!r} of {read.resource}{f'.{group}' if group else ''} is not mapped", at)


def unknown_fields(lined: Lined, read: ResourceFile) -> Iterable[ConfigurationFault]:
    """Fields that nothing uses: mistyped, or left from something else."""
    known = REQUIRED.get(read.resource, {})
    parts = {"": read.fields} | {name: group.fields for name, group in read.groups.items()}
    for group, fields in parts.items():
        at = ("groups", group, "fields") if group else ("fields",)
        for name in sorted(set(fields) - known.get(group, frozenset())):
            near = get_close_matches(name, known.get(group, ()), 1)
            hint = f"do you mean {near[0]!r}?" if near else f"fields: {', '.join(sorted(known.get(group, ())))}"
            yield lined.fault(f"nothing uses a field {name!r} of {read.resource}", (*at, name), hint)
