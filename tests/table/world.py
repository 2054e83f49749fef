"""One good case as FHIR, and the changes that the rows of the edge-case table make to it.

The base is the story 0592t-approved: Cigna, 0592T of 40 minutes in an office on 2023-06-01, F41.1, a board-certified
coach under a licensed supervisor, an assessment a month earlier, a note on file. A ``Change`` alters a copy of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Change = Callable[["World"], None]

STORY = Path(__file__).parents[2] / "fixtures" / "stories" / "0592t-approved" / "0_bundle.json"
BASE = "base"
CPT, HCPCS = "http://www.ama-assn.org/go/cpt", "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
POS = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NUCC = "http://nucc.org/provider-taxonomy"
UCUM = "http://unitsofmeasure.org"
RELATED = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"
INFORMATION = "http://terminology.hl7.org/CodeSystem/claiminformationcategory"
ROLES = "http://terminology.hl7.org/CodeSystem/claimcareteamrole"
OURS = "https://fhir-coaching-adapter.example/claim-response"
DECISION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.decision"
DECISIONS = "http://hl7.org/fhir/claim-decision"
PAS_ENCOUNTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter"
TIMEZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
DAY = date(2023, 6, 1)


def to(reference: str) -> Json:
    return {"reference": reference}


def concept(code: str | None, system: str | None = CPT, **more: str) -> Json:
    coding = {"system": system, "code": code} | more
    return {"coding": [{name: value for name, value in coding.items() if value is not None}]}


@cache
def _story() -> str:
    return STORY.read_text(encoding="utf-8").replace("0592t-approved", BASE)


class World:
    """The resources of one case, each free to be changed; none is shared with another case."""

    def __init__(self) -> None:
        bundle = json.loads(_story())
        self.resources: list[Json] = [each["resource"] for each in bundle["entry"]]
        self.urls: dict[int, str] = {id(each["resource"]): each["fullUrl"] for each in bundle["entry"]}

    def get(self, key: str) -> Json:
        """The resource ``Type/id``, or ``Type`` of which there is one."""
        kind, _, name = key.partition("/")
        found = [each for each in self.resources if each["resourceType"] == kind and name in ("", each["id"])]
        assert len(found) == 1, f"{len(found)} {key}"
        return found[0]

    def add(self, *resources: Json) -> None:
        self.resources += resources

    def drop(self, *keys: str) -> None:
        gone = [id(self.get(key)) for key in keys]
        self.resources = [each for each in self.resources if id(each) not in gone]

    def bundle(self) -> Json:
        """The case as one Bundle."""
        entries = [{"fullUrl": self.url(each), "resource": each} for each in self.resources]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    def url(self, resource: Json) -> str:
        named = f"https://clinic.example.org/fhir/{resource['resourceType']}/{resource.get('id')}"
        return self.urls.get(id(resource), named)

    @property
    def claim(self) -> Json:
        return self.get(f"Claim/{BASE}")

    @property
    def item(self) -> Json:
        found: Json = self.claim["item"][0]
        return found

    @property
    def encounter(self) -> Json:
        return self.get("Encounter/base-enc")

    @property
    def procedure(self) -> Json:
        return self.get("Procedure/base-proc")

    @property
    def coach(self) -> Json:
        return self.get("Practitioner/base-coach")

    @property
    def coverage(self) -> Json:
        return self.get("Coverage/base-coverage")


def changed(*changes: Change) -> World:
    """The base case after some changes, in their order."""
    world = World()
    for change in changes:
        change(world)
    return world


# --- anything


def without(key: str, *paths: str) -> Change:
    """Elements of a resource removed: ``without("Claim", "item.0.quantity")``."""

    def change(world: World) -> None:
        for path in paths:
            holder, last = _holder(world.get(_keyed(key)), path)
            del holder[last]

    return change


def put(key: str, path: str, value: Any) -> Change:
    """An element of a resource set: ``put("Claim", "item.0.net.value", 85.01)``."""

    def change(world: World) -> None:
        holder, last = _holder(world.get(_keyed(key)), path)
        holder[last] = deepcopy(value)

    return change


def drop(*keys: str) -> Change:
    return lambda world: world.drop(*map(_keyed, keys))


def add(*resources: Json) -> Change:
    return lambda world: world.add(*deepcopy(resources))


SHORT = {
    "Claim": "Claim/base",
    "Encounter": "Encounter/base-enc",
    "Procedure": "Procedure/base-proc",
    "Coach": "Practitioner/base-coach",
    "Supervisor": "Practitioner/base-supervisor",
    "Payer": "Organization/base-payer",
    "Note": "DocumentReference/base-note",
}


def _keyed(key: str) -> str:
    return SHORT.get(key, key)


def _holder(element: Any, path: str) -> tuple[Any, Any]:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        element = element[step]
    return element, last


# --- when


def times(start: str, end: str | None) -> Change:
    """Start and end of the visit and of the procedure in it, as written."""

    def change(world: World) -> None:
        period = {"start": start} | ({"end": end} if end is not None else {})
        world.encounter["period"] = dict(period)
        world.procedure["performedPeriod"] = dict(period)

    return change


def clock(minutes: int, seconds: int = 0, start: str = "10:00") -> tuple[str, str]:
    """Clock times of a session that long."""
    hour, minute = map(int, start.split(":"))
    total = hour * 3600 + minute * 60 + minutes * 60 + seconds
    return f"{start}:00", f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"


def lasting(minutes: int, seconds: int = 0) -> Change:
    """A session that long, from ten o'clock on the day the visit is on."""

    def change(world: World) -> None:
        on = world.encounter["period"]["start"][:10]
        start, end = clock(minutes, seconds)
        times(f"{on}T{start}-04:00", f"{on}T{end}-04:00")(world)

    return change


def visit(minutes: int, start: str = "10:00") -> Change:
    """The encounter alone lasted that long; the procedure keeps its time."""
    begins, ends = clock(minutes, start=start)
    return put("Encounter", "period", {"start": f"{DAY}T{begins}-04:00", "end": f"{DAY}T{ends}-04:00"})


def inner(minutes: int, start: str = "10:00") -> Change:
    """The procedure alone lasted that long."""
    begins, ends = clock(minutes, start=start)
    return put("Procedure", "performedPeriod", {"start": f"{DAY}T{begins}-04:00", "end": f"{DAY}T{ends}-04:00"})


def length(value: float, code: str | None = "min", unit: str = "min") -> Change:
    """``Encounter.length``, by default in UCUM minutes."""
    coded = {"system": UCUM, "code": code} if code else {}
    return put("Encounter", "length", {"value": value, "unit": unit} | coded)


def on(day: str) -> Change:
    """The whole case moved to another date of service, with its claim four days and its assessment a month away."""

    def change(world: World) -> None:
        moved = date.fromisoformat(day) - DAY
        for each in world.resources:
            if each["resourceType"] in ("Claim", "Encounter", "Procedure", "DocumentReference", "CarePlan"):
                _move(each, moved)

    return change


def _move(element: Any, by: timedelta) -> None:
    for name, value in element.items() if isinstance(element, dict) else enumerate(element):
        if isinstance(value, str) and value[:4].isdigit() and value[4:5] == "-" and name != "value":
            element[name] = f"{date.fromisoformat(value[:10]) + by}{value[10:]}"
        elif isinstance(value, dict | list) and name != "meta":
            _move(value, by)


def serviced(day: str, last: str | None = None) -> Change:
    """What the line says the date of service was."""

    def change(world: World) -> None:
        del world.item["servicedDate"]
        world.item.update({"servicedDate": day} if last is None else {"servicedPeriod": {"start": day, "end": last}})

    return change


# --- what, where, by whom


def code(code: str, system: str = CPT) -> Change:
    """Another service, billed and recorded; without the earlier assessment, which only 0592T asks for."""

    def change(world: World) -> None:
        world.item["productOrService"] = concept(code, system)
        world.encounter["type"] = [concept(code, system)]
        world.procedure["code"] = concept(code, system)
        no_assessment(world)

    return change


def no_assessment(world: World) -> None:
    world.drop("Encounter/base-initial-enc", "Procedure/base-initial-proc")


def billed_as(service: Json) -> Change:
    """What the line bills, as it is written."""
    return put("Claim", "item.0.productOrService", service)


def modifiers(*codes: str) -> Change:
    found = [concept(each, CPT if each[:1].isdigit() else HCPCS) for each in codes]
    return put("Claim", "item.0.modifier", found)


def of_class(code: str) -> Change:
    return classed(code, ACT)


def classed(code: str, system: str | None) -> Change:
    """The class under this system, or without one."""
    return put("Encounter", "class", {"code": code} | ({"system": system} if system else {}))


def pos(code: str | None) -> Change:
    if code is None:
        return without("Claim", "item.0.locationCodeableConcept")
    return put("Claim", "item.0.locationCodeableConcept", concept(code, POS))


def placed(code: str, system: str | None) -> Change:
    """The place of service under this system, or without one."""
    return put("Claim", "item.0.locationCodeableConcept", concept(code, system))


def hospitalized(
    first: str | None, last: str | None = None, category: str = "hospitalized", system: str | None = INFORMATION
) -> Change:
    """Supporting information of the claim: a stay from a day to another, of one day, or without dates."""
    day, period = {"timingDate": first}, {"timingPeriod": {"start": first, "end": last}}
    timing: Json = {} if first is None else day if last is None else period
    return put("Claim", "supportingInfo", [{"sequence": 1, "category": concept(category, system)} | timing])


def status(encounter: str, procedure: str | None = None) -> Change:
    def change(world: World) -> None:
        world.encounter["status"] = encounter
        if procedure is not None:
            world.procedure["status"] = procedure

    return change


CERTIFICATE: Json = {
    "code": {"text": "NBC-HWC"},
    "issuer": {"display": "National Board for Health and Wellness Coaching"},
}


def qualified(*texts: str | None, valid: tuple[str | None, str | None] = ("2018-01-01", "2029-12-31")) -> Change:
    """The coach's qualifications, by their words; None is the certificate of the base."""

    def change(world: World) -> None:
        period = {name: day for name, day in zip(("start", "end"), valid, strict=True) if day is not None}
        world.coach["qualification"] = [
            CERTIFICATE | {"period": period} if text is None else {"code": {"text": text}, "period": period}
            for text in texts
        ]

    return change


def taxonomy(code: str) -> Change:
    return put("PractitionerRole", "specialty", [concept(code, NUCC)])


def diagnoses(*codes: str, pointed: tuple[int, ...] | None = None) -> Change:
    """Diagnoses of the claim; the line points to all of them, or to those given."""

    def change(world: World) -> None:
        world.claim["diagnosis"] = [
            {"sequence": number, "diagnosisCodeableConcept": concept(each, ICD10CM)}
            for number, each in enumerate(codes, 1)
        ]
        world.item["diagnosisSequence"] = list(pointed or range(1, len(codes) + 1))

    return change


def paid_by(name: str) -> Change:
    return put("Payer", "name", name)


def addressed_to(name: str) -> Change:
    """Another insurer on the claim than the payer of its coverage."""

    def change(world: World) -> None:
        world.add({"resourceType": "Organization", "id": "addressee", "name": name})
        world.claim["insurer"] = to("Organization/addressee")

    return change


def member_of(plan: str) -> Change:
    """The plan of the coverage; the plans stand in ``plans.py``."""
    kind = concept("plan", "http://terminology.hl7.org/CodeSystem/coverage-class")
    return put("Coverage/base-coverage", "class", [{"type": kind, "value": plan}])


def insured(start: str | None, end: str | None) -> Change:
    period = {name: day for name, day in (("start", start), ("end", end)) if day is not None}
    return put("Coverage/base-coverage", "period", period)


# --- how much


def units(quantity: float | None, price: float = 85, net: float | None = None) -> Change:
    """Quantity, unit price and a net that is their product, unless it is given."""

    def change(world: World) -> None:
        world.item.pop("quantity")
        if quantity is not None:
            world.item["quantity"] = {"value": quantity}
        charged = round((1 if quantity is None else quantity) * price, 2) if net is None else net
        world.item["unitPrice"] = {"value": price, "currency": "USD"}
        world.item["net"] = {"value": charged, "currency": "USD"}
        world.claim["total"] = {"value": charged, "currency": "USD"}

    return change


def currency(currency: str | None, *names: str) -> Change:
    """The currency of unit price and net (or of what is named), or none."""

    def change(world: World) -> None:
        for name in names or ("unitPrice", "net"):
            amount = (world.item if name != "total" else world.claim)[name]
            amount.pop("currency")
            amount.update({"currency": currency} if currency else {})

    return change
