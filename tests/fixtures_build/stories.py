"""The stories that a reader follows from bundle to answer: one visit each, with everything that speaks about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fixtures_build.resources import (
    CLINIC,
    COACH_CERTIFICATE,
    NBHWC,
    NPI,
    PEER_CERTIFICATE,
    PSYCHOLOGIST,
    Cast,
    Resource,
    Service,
    Visit,
    certificate,
    clinic_npi,
    coverage,
    goal,
    location,
    organization,
    patient,
    payer,
    practitioner,
    resources_of,
    role,
)

BASE = f"{CLINIC}/fhir"
START = "2023-06-01T10:00:00-04:00"
EXPIRED = certificate("NBC-HWC", NBHWC, "2018-05-01", "2023-05-15")
WELLNESS, PEER = "171400000X", "175T00000X"


def cast(name: str) -> Cast:
    return Cast(*(f"{name}-{who}" for who in ("member", "coverage", "payer", "clinic", "room", "coach", "supervisor")))


def usual(name: str, **changes: Any) -> Visit:
    """A follow-up of 40 minutes on 2023-06-01 with everything in order."""
    return Visit(name, cast(name), changes.pop("start", START), **changes)


def spanning(name: str, start: str, end: str | None) -> Visit:
    period = {"start": start} | ({"end": end} if end else {})
    return usual(name, start=start, but={"encounter": {"period": period}, "procedure": {"performedPeriod": period}})


def initial(visit: Visit) -> Visit:
    """The earlier 0591T that a follow-up needs; on file, not billed here."""
    return replace(
        visit,
        id=f"{visit.id}-initial",
        start="2023-05-02T10:00:00-04:00",
        minutes=45,
        code="0591T",
        also=(),
        services=(),
        serviced=None,
        pos="11",
        encounter_class="AMB",
        but={"claim": None, "note": None, "plan": None},
    )


def people(visit: Visit, insurer: str, qualification: Resource, taxonomy: str) -> list[Resource]:
    who = visit.cast
    return [
        patient(who.patient, "Quibblethorn", "Amaryllis", "female", "1978-03-09"),
        payer(who.payer, insurer),
        coverage(who.coverage, who.patient, who.payer),
        organization(who.clinic, "Thimbleton Clinic for Quiet Minds", identifier=[clinic_npi(9001)]),
        location(who.location, "Thimbleton Clinic, room 4", who.clinic),
        practitioner(who.coach, 1, "Wrensworth", "Odalys", qualification),
        role(f"{visit.id}-role", who.coach, who.clinic, taxonomy),
        practitioner(f"{visit.id}-supervisor", 8, "Alderwick", "Valentina", PSYCHOLOGIST),
        goal(who.patient),
    ]


def told(
    visit: Visit,
    insurer: str = "Cigna Health and Life Insurance Company",
    qualification: Resource = COACH_CERTIFICATE,
    taxonomy: str = WELLNESS,
) -> list[Resource]:
    history = [*resources_of(initial(visit))] if visit.code == "0592T" else []
    everything = [*people(visit, insurer, qualification, taxonomy), *history, *resources_of(visit)]
    return list({(each["resourceType"], each["id"]): each for each in everything}.values())


def stories() -> dict[str, list[Resource]]:
    """Name and resources of each story."""
    text_only: dict[str, Resource | None] = {"item": {"productOrService": {"text": "0592T, coaching follow-up"}}}
    unwritten: dict[str, Resource | None] = {"note": None, "plan": None}
    peer = usual("h0038-50-minutes", minutes=50, code="H0038", quantity=3, price=20, diagnoses=("F10.20",))
    return {
        "0592t-approved": told(usual("0592t-approved")),
        "0592t-29-minutes": told(usual("0592t-29-minutes", minutes=29)),
        "0591t-20-minutes": told(usual("0591t-20-minutes", minutes=20, code="0591T")),
        "aetna": told(usual("aetna"), "Aetna Life Insurance Company"),
        "clocks-forward": told(spanning("clocks-forward", "2024-03-10T01:45:00-05:00", "2024-03-10T03:10:00-04:00")),
        "draft-claim": told(usual("draft-claim", but={"claim": {"status": "draft"}})),
        "expired-certificate": told(usual("expired-certificate"), qualification=EXPIRED),
        "h0038-50-minutes": told(peer, qualification=PEER_CERTIFICATE, taxonomy=PEER),
        "inpatient": told(usual("inpatient", encounter_class="IMP", pos="21")),
        "modifier-95": told(usual("modifier-95", modifiers=("95",))),
        "no-end-time": told(spanning("no-end-time", START, None)),
        "no-note": told(usual("no-note", but=unwritten)),
        "over-midnight": told(usual("over-midnight", start="2023-06-01T23:45:00-04:00", minutes=35)),
        "prediabetes-only": told(usual("prediabetes-only", diagnoses=("R73.03", "E66.9"))),
        "text-only-code": told(usual("text-only-code", but=text_only)),
        "two-lines-office-visit": told(usual("two-lines-office-visit", services=(Service("99213"),))),
        "urn-uuid-references": told(usual("urn-uuid-references")),
    }


# ------------------------------------------------------------------------------------------------------------- bundles

Address = Callable[[Resource], str]


def on_a_server(each: Resource) -> str:
    return f"{BASE}/{each['resourceType']}/{each['id']}"


def not_stored_yet(each: Resource) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, on_a_server(each))}"


def bundle(name: str, resources: list[Resource], address: Address = on_a_server) -> Resource:
    entries = [{"fullUrl": address(each), "resource": each} for each in resources]
    return {"resourceType": "Bundle", "id": name, "type": "collection", "entry": entries}


def as_sent(resources: list[Resource]) -> list[Resource]:
    """References as in a message not yet stored: by urn:uuid, people by a conditional reference."""
    known = {f"{each['resourceType']}/{each['id']}": not_stored_yet(each) for each in resources}
    staff = [each for each in resources if each["resourceType"] == "Practitioner"]
    known |= {f"Practitioner/{each['id']}": by_npi(each["identifier"][0]["value"]) for each in staff}
    return [readdressed(each, known) for each in resources]


def by_npi(value: str) -> str:
    return f"Practitioner?identifier={NPI}|{value}"


def readdressed(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: known[each] if key == "reference" else readdressed(each, known) for key, each in value.items()}
    return [readdressed(each, known) for each in value] if isinstance(value, list) else value


def bundles() -> Iterator[tuple[str, Resource]]:
    for name, resources in stories().items():
        if name == "urn-uuid-references":
            yield name, bundle(name, as_sent(resources), not_stored_yet)
        else:
            yield name, bundle(name, resources)
