"""The FHIR R4 resources of the fixtures: who takes part, one visit with its evidence, and the claim for it.

`Visit` describes a session in which everything is in order; a story says only where it departs from that (`but`). What
the answer must be is no concern of this module.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Resource = dict[str, Any]

CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC = "http://loinc.org"
NPI = "http://hl7.org/fhir/sid/us-npi"
NUCC = "http://nucc.org/provider-taxonomy"
POS = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
THO = "http://terminology.hl7.org/CodeSystem"
CLINIC = "https://clinic.example.org"
WORDING = "Health coaching session"  # ours: CPT descriptors belong to the AMA
CLAIM_ENCOUNTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter"
DIRECTORY_UPDATED = "2023-01-02T12:00:00Z"


def coding(system: str, code: str) -> Resource:
    return {"system": system, "code": code}


def concept(system: str, code: str, text: str | None = None) -> Resource:
    return {"coding": [coding(system, code)]} | ({"text": text} if text else {})


def to(kind: str, id: str) -> Resource:
    return {"reference": f"{kind}/{id}"}


def usd(amount: float) -> Resource:
    return {"value": amount, "currency": "USD"}


def resource(kind: str, id: str, updated: str = DIRECTORY_UPDATED, **elements: Any) -> Resource:
    meta = {"versionId": "1", "lastUpdated": updated}
    return {"resourceType": kind, "id": id, "meta": meta} | patched({}, elements)


def patched(target: Resource, changes: Mapping[str, Any]) -> Resource:
    """The target with elements put in; None takes an element out."""
    return {key: value for key, value in (target | dict(changes)).items() if value is not None}


def npi(serial: int) -> str:
    """A number no one can hold (real ones start with 1 or 2), with the right check digit."""
    body = f"99999{serial:04}"
    digits = [int(digit) for digit in "80840" + body]
    doubled = [2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[::-2]]
    return body + str(-(sum(doubled) + sum(digits[-2::-2])) % 10)


# ------------------------------------------------------------------------------------------------------ who takes part


def patient(id: str, family: str, given: str, gender: str, born: str, state: str = "CT") -> Resource:
    return resource(
        "Patient",
        id,
        identifier=[{"system": f"{CLINIC}/mrn", "value": f"mrn-{id}"}],
        name=[{"use": "official", "family": family, "given": [given]}],
        gender=gender,
        birthDate=born,
        address=[{"city": "Thimbleton", "state": state, "country": "US"}],
    )


def organization(id: str, name: str, kind: str = "prov", **elements: Any) -> Resource:
    return resource(
        "Organization", id, active=True, type=[concept(f"{THO}/organization-type", kind)], name=name, **elements
    )


def payer(id: str, name: str) -> Resource:
    return organization(id, name, "pay", identifier=[{"system": "https://payers.example.org/id", "value": id}])


def clinic_npi(serial: int) -> Resource:
    return {"system": NPI, "value": npi(serial)}


def location(id: str, name: str, clinic: str, state: str = "CT", zone: str | None = None) -> Resource:
    extension = {"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": zone}
    return resource(
        "Location",
        id,
        extension=[extension] if zone else None,
        status="active",
        name=name,
        address={"city": "Thimbleton", "state": state, "country": "US"},
        managingOrganization=to("Organization", clinic),
    )


def certificate(text: str, issuer: Resource, start: str = "2018-01-01", end: str = "2029-12-31") -> Resource:
    return {"code": {"text": text}, "period": {"start": start, "end": end}, "issuer": issuer}


NBHWC = {"display": "National Board for Health and Wellness Coaching"}
COACH_CERTIFICATE = certificate("NBC-HWC", NBHWC)
PEER_CERTIFICATE = certificate("Certified Peer Specialist", {"display": "State Peer Certification Board"})
PSYCHOLOGIST = certificate("Licensed psychologist", {"display": "State Board of Examiners of Psychologists"})


def practitioner(id: str, serial: int, family: str, given: str, *qualification: Resource) -> Resource:
    return resource(
        "Practitioner",
        id,
        identifier=[{"system": NPI, "value": npi(serial)}],
        active=True,
        name=[{"family": family, "given": [given]}],
        qualification=list(qualification) or None,
    )


def role(id: str, who: str, clinic: str, taxonomy: str) -> Resource:
    return resource(
        "PractitionerRole",
        id,
        active=True,
        practitioner=to("Practitioner", who),
        organization=to("Organization", clinic),
        specialty=[concept(NUCC, taxonomy)],
    )


def coverage(id: str, patient: str, payer: str, **changes: Any) -> Resource:
    return patched(
        resource(
            "Coverage",
            id,
            identifier=[{"system": "https://payers.example.org/member", "value": f"member-{id}"}],
            status="active",
            type=concept(f"{THO}/v3-ActCode", "EHCPOL"),
            subscriberId=f"member-{id}",
            beneficiary=to("Patient", patient),
            relationship=concept(f"{THO}/subscriber-relationship", "self"),
            period={"start": "2017-01-01", "end": "2030-12-31"},
            payor=[to("Organization", payer)],
        ),
        changes,
    )


# ---------------------------------------------------------------------------------------------------- a visit in order


@dataclass(frozen=True, slots=True)
class Cast:
    """Ids of everyone who takes part in a visit."""

    patient: str
    coverage: str
    payer: str
    clinic: str = "clinic-thimbleton"
    location: str = "loc-thimbleton"
    coach: str = "coach-wren"
    supervisor: str | None = "sup-alder"


@dataclass(frozen=True, slots=True)
class Service:
    """A claim line without a session of its own: an office visit and the like."""

    code: str
    price: float = 120


@dataclass(frozen=True, slots=True)
class Visit:
    """A coaching session and its claim, in order unless said otherwise.

    `but` changes elements of "claim", "item", "encounter", "procedure", "note" or "plan"; None leaves the resource out.
    `also` are further sessions on the same claim, `services` further lines without a session.
    """

    id: str
    cast: Cast
    start: str
    minutes: int = 40
    code: str = "0592T"
    quantity: float = 1
    price: float = 85
    modifiers: tuple[str, ...] = ()
    pos: str = "11"
    encounter_class: str = "AMB"
    diagnoses: tuple[str, ...] = ("F41.1",)
    points: tuple[int, ...] | None = None
    serviced: str | None = None
    billed_after: int = 4
    also: tuple[Visit, ...] = ()
    services: tuple[Service, ...] = ()
    but: Mapping[str, Resource | None] = field(default_factory=dict)

    @property
    def day(self) -> str:
        return self.serviced or self.start[:10]

    @property
    def period(self) -> Resource:
        end = datetime.fromisoformat(self.start) + timedelta(minutes=self.minutes)
        return {"start": self.start, "end": end.isoformat().replace("+00:00", "Z")}

    @property
    def created(self) -> str:
        billed = datetime.fromisoformat(self.day) + timedelta(days=self.billed_after)
        offset = self.start[19:]
        return f"{billed.date()}T09:30:00{offset}"

    @property
    def updated(self) -> str:
        return f"{self.created[:10]}T18:00:00Z"

    @property
    def service(self) -> Resource:
        return concept(HCPCS if self.code.startswith("H") else CPT, self.code, WORDING)

    @property
    def sessions(self) -> tuple[Visit, ...]:
        return (self, *self.also)

    def changed(self, what: str, made: Resource) -> Resource | None:
        changes = self.but.get(what, {})
        return None if changes is None else patched(made, changes)


def condition_id(patient: str, code: str) -> str:
    return f"{patient}-{code.lower().replace('.', '-')}"


def condition(patient: str, code: str) -> Resource:
    return resource(
        "Condition",
        condition_id(patient, code),
        clinicalStatus=concept(f"{THO}/condition-clinical", "active"),
        code=concept(ICD10CM, code),
        subject=to("Patient", patient),
        recordedDate="2019-11-04",
    )


def encounter(visit: Visit) -> Resource:
    cast = visit.cast
    uses = [(each, concept(f"{THO}/diagnosis-role", "billing")) for each in visit.diagnoses]
    performer = {"type": [concept(f"{THO}/v3-ParticipationType", "PPRF")], "individual": to("Practitioner", cast.coach)}
    return resource(
        "Encounter",
        f"{visit.id}-enc",
        visit.updated,
        status="finished",
        **{"class": coding(f"{THO}/v3-ActCode", visit.encounter_class)},
        type=[visit.service],
        subject=to("Patient", cast.patient),
        participant=[performer],
        period=visit.period,
        diagnosis=[{"condition": to("Condition", condition_id(cast.patient, code)), "use": use} for code, use in uses]
        or None,
        location=[{"location": to("Location", cast.location)}],
        serviceProvider=to("Organization", cast.clinic),
    )


def procedure(visit: Visit) -> Resource:
    cast = visit.cast
    performer = {"actor": to("Practitioner", cast.coach), "onBehalfOf": to("Organization", cast.clinic)}
    return resource(
        "Procedure",
        f"{visit.id}-proc",
        visit.updated,
        status="completed",
        code=visit.service,
        subject=to("Patient", cast.patient),
        encounter=to("Encounter", f"{visit.id}-enc"),
        performedPeriod=visit.period,
        performer=[performer],
    )


NOTE = "Session note. Worry about the neighbour's accordion. Goals, barriers, practice and next steps agreed."


def note(visit: Visit) -> Resource:
    data = base64.b64encode(NOTE.encode()).decode()
    return resource(
        "DocumentReference",
        f"{visit.id}-note",
        visit.updated,
        status="current",
        docStatus="final",
        type=concept(LOINC, "34109-9"),
        subject=to("Patient", visit.cast.patient),
        date=visit.updated,
        author=[to("Practitioner", visit.cast.coach)],
        content=[{"attachment": {"contentType": "text/plain", "title": "Coaching session note", "data": data}}],
        context={"encounter": [to("Encounter", f"{visit.id}-enc")]},
    )


def goal_id(patient: str) -> str:
    return f"{patient}-goal"


def goal(patient: str) -> Resource:
    target = {
        "measure": concept(LOINC, "55423-8", "Number of steps"),
        "detailQuantity": {"value": 6000, "unit": "steps per day"},
        "dueDate": "2024-12-31",
    }
    return resource(
        "Goal",
        goal_id(patient),
        lifecycleStatus="active",
        description={"text": "Walk every day"},
        subject=to("Patient", patient),
        target=[target],
    )


def plan(visit: Visit) -> Resource:
    activity = {"detail": {"status": "in-progress", "description": "Daily walk, breathing practice, call in two weeks"}}
    return resource(
        "CarePlan",
        f"{visit.id}-plan",
        visit.updated,
        status="active",
        intent="plan",
        subject=to("Patient", visit.cast.patient),
        encounter=to("Encounter", f"{visit.id}-enc"),
        period={"start": visit.day},
        goal=[to("Goal", goal_id(visit.cast.patient))],
        activity=[activity],
    )


EVIDENCE = {"encounter": encounter, "procedure": procedure, "note": note, "plan": plan}


def evidence(visit: Visit) -> Iterator[Resource]:
    """What the record holds of one session."""
    made = (visit.changed(what, build(visit)) for what, build in EVIDENCE.items())
    return (each for each in made if each is not None)


# ----------------------------------------------------------------------------------------------------------- the claim


def team_of(visit: Visit) -> dict[str, int]:
    """Who takes part in any of the claim's sessions, and their careTeam sequence."""
    coaches = [each.cast.coach for each in visit.sessions]
    people = [*coaches, *([visit.cast.supervisor] if visit.cast.supervisor else [])]
    return {who: sequence for sequence, who in enumerate(dict.fromkeys(people), 1)}


def care_team(visit: Visit) -> list[Resource]:
    return [
        {
            "sequence": sequence,
            "provider": to("Practitioner", who),
            "role": concept(f"{THO}/claimcareteamrole", "supervisor" if who == visit.cast.supervisor else "primary"),
        }
        for who, sequence in team_of(visit).items()
    ]


def modifier(code: str) -> Resource:
    return concept(HCPCS if code.isalpha() else CPT, code)


def line(session: Visit, sequence: int, visit: Visit) -> Resource:
    team = team_of(visit)
    people = [session.cast.coach, *([visit.cast.supervisor] if visit.cast.supervisor else [])]
    item = {
        "sequence": sequence,
        "careTeamSequence": [team[who] for who in people],
        "diagnosisSequence": list(visit.points or range(1, len(visit.diagnoses) + 1)) or None,
        "productOrService": session.service,
        "modifier": [modifier(each) for each in session.modifiers] or None,
        "servicedDate": session.day,
        "locationCodeableConcept": concept(POS, session.pos),
        "quantity": {"value": session.quantity},
        "unitPrice": usd(session.price),
        "net": usd(session.quantity * session.price),
        "encounter": [to("Encounter", f"{session.id}-enc")],
    }
    return patched(item, session.but.get("item") or {})


def service_line(service: Service, sequence: int, visit: Visit) -> Resource:
    return {
        "sequence": sequence,
        "productOrService": concept(CPT, service.code),
        "servicedDate": visit.day,
        "locationCodeableConcept": concept(POS, visit.pos),
        "quantity": {"value": 1},
        "unitPrice": usd(service.price),
        "net": usd(service.price),
        "encounter": [to("Encounter", f"{visit.id}-enc")],
    }


def lines(visit: Visit) -> list[Resource]:
    sessions = [line(each, n, visit) for n, each in enumerate(visit.sessions, 1)]
    return sessions + [service_line(each, n, visit) for n, each in enumerate(visit.services, len(sessions) + 1)]


def claim(visit: Visit) -> Resource | None:
    cast, items = visit.cast, lines(visit)
    made = resource(
        "Claim",
        visit.id,
        visit.updated,
        identifier=[{"system": f"{CLINIC}/claims", "value": f"claim-{visit.id}"}],
        status="active",
        type=concept(f"{THO}/claim-type", "professional"),
        use="claim",
        patient=to("Patient", cast.patient),
        billablePeriod={"start": visit.day, "end": visit.day},
        created=visit.created,
        insurer=to("Organization", cast.payer),
        provider=to("Organization", cast.clinic),
        priority=concept(f"{THO}/processpriority", "normal"),
        facility=to("Location", cast.location),
        careTeam=care_team(visit),
        diagnosis=[
            {"sequence": n, "diagnosisCodeableConcept": concept(ICD10CM, code)}
            for n, code in enumerate(visit.diagnoses, 1)
        ]
        or None,
        insurance=[insurance(cast.coverage)],
        item=items,
        total=usd(sum(item["net"]["value"] for item in items)),
    )
    return visit.changed("claim", made)


def insurance(coverage: str, sequence: int = 1, focal: bool = True) -> Resource:
    return {"sequence": sequence, "focal": focal, "coverage": to("Coverage", coverage)}


def resources_of(visit: Visit) -> Iterator[Resource]:
    """Everything about one visit, conditions included; the claim comes last."""
    for session in visit.sessions:
        yield from (condition(session.cast.patient, code) for code in session.diagnoses)
        yield from evidence(session)
    made = claim(visit)
    if made is not None:
        yield made
