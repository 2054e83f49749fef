"""A world of a few resources, to ask where a reference leads and which visit is found for a claim line."""

from __future__ import annotations

from functools import cache
from typing import Any

from adapter.evidence.gather import ClaimEvidence, LineEvidence, gather
from adapter.evidence.store import EvidenceStore, Located
from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import Mappings, load_mappings
from adapter.mapping.mapper import Mapper

Json = dict[str, Any]

CPT = "http://www.ama-assn.org/go/cpt"
NPI = "http://hl7.org/fhir/sid/us-npi"
DAY = "2023-06-01"
CLAIM_ENCOUNTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter"
ROLES = "http://terminology.hl7.org/CodeSystem/claimcareteamrole"
CARIN_ROLES = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimCareTeamRole"


@cache
def mappings() -> Mappings:
    return load_mappings(Layers.of(shipped_mappings()), "r4")


def to(reference: str) -> Json:
    return {"reference": reference}


def concept(code: str, system: str = CPT) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def resource(key: str, /, **elements: Any) -> Json:
    """``resource("Patient/p", active=True)``."""
    kind, _, id = key.partition("/")
    return {"resourceType": kind, "id": id, **elements}


def times(start: str, end: str, day: str = DAY, offset: str = "-04:00") -> Json:
    return {"start": f"{day}T{start}:00{offset}", "end": f"{day}T{end}:00{offset}"}


def encounter(id: str, code: str | None = "0592T", patient: str = "Patient/p", day: str = DAY, **more: Any) -> Json:
    base = {
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": to(patient),
        "period": times("10:00", "10:40", day),
        **({"type": [concept(code)]} if code else {}),
    }
    return resource(f"Encounter/{id}", **(base | more))


def procedure(id: str, code: str | None = "0592T", patient: str = "Patient/p", day: str = DAY, **more: Any) -> Json:
    base = {
        "status": "completed",
        "subject": to(patient),
        "performedPeriod": times("10:00", "10:40", day),
        **({"code": concept(code)} if code else {}),
    }
    return resource(f"Procedure/{id}", **(base | more))


def item(sequence: int = 1, code: str = "0592T", **more: Any) -> Json:
    return {"sequence": sequence, "productOrService": concept(code), "servicedDate": DAY} | more


def claim(*items: Json, **more: Any) -> Json:
    base = {
        "status": "active",
        "use": "claim",
        "patient": to("Patient/p"),
        "created": "2023-06-02",
        "provider": to("Organization/clinic"),
        "item": list(items) or [item()],
    }
    return resource("Claim/c", **(base | more))


def store_of(*resources: Json) -> EvidenceStore:
    """A store of resources as a bulk export holds them: no Bundle, no address."""
    store = EvidenceStore()
    store.extend(Located(each) for each in resources)
    return store


def evidence_of(subject: Json, *resources: Json) -> ClaimEvidence:
    """What is found for a claim among resources."""
    store = store_of(subject, resource("Patient/p"), *resources)
    located = store.get("Claim/c")
    assert located is not None
    return gather(located, store, Mapper(mappings().resources, mappings().systems), mappings())


def found_for(subject: Json, *resources: Json, line: int = 0) -> LineEvidence:
    return evidence_of(subject, *resources).lines[line]


def names(line: LineEvidence) -> tuple[str | None, str | None]:
    """The ids of the encounter and the procedure found for a line."""
    return (
        line.encounter.located.id if line.encounter else None,
        line.procedure.located.id if line.procedure else None,
    )
