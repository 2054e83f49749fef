"""Changes that add or take away whole things: further lines, coverages, visits and claims; further to `world`."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from table.world import ACT, DAY, OURS, POS, RELATED, ROLES, Change, Json, World, concept, put, to

# --- more than one line, coverage, visit or claim


def another_line(code: str, **more: Any) -> Change:
    """A second line of the same day, without evidence of its own."""

    def change(world: World) -> None:
        line = deepcopy(world.item) | {"sequence": 2, "productOrService": concept(code)} | more
        line.pop("encounter")
        world.claim["item"].append(line)
        world.claim["total"]["value"] += line["net"]["value"]

    return change


def with_assessment(world: World) -> None:
    """A second line: 0591T of the same day, with a visit and a procedure of its own an hour earlier."""
    another_line("0591T", encounter=[])(world)
    world.claim["item"][1]["encounter"] = [to("Encounter/assessment-enc")]
    day = world.item["servicedDate"]
    for resource, when in ((world.encounter, "period"), (world.procedure, "performedPeriod")):
        twin = deepcopy(resource)
        suffix = resource["id"].removeprefix("base-")
        twin |= {"id": f"assessment-{suffix}", when: {"start": f"{day}T09:00:00-04:00", "end": f"{day}T09:30:00-04:00"}}
        if "code" in twin:
            twin |= {"code": concept("0591T"), "encounter": to("Encounter/assessment-enc")}
        else:
            twin["type"] = [concept("0591T")]
        world.add(twin)
    note = deepcopy(world.get("DocumentReference"))
    note |= {"id": "assessment-note", "context": {"encounter": [to("Encounter/assessment-enc")]}}
    world.add(note)


def two_coverages(first: Json, focal: tuple[bool, bool] = (False, True)) -> Change:
    """A coverage before that of the base: its elements over a copy of the base's."""

    def change(world: World) -> None:
        world.add(deepcopy(world.coverage) | {"id": "first-coverage"} | deepcopy(first))
        world.claim["insurance"] = [
            {"sequence": 1, "focal": focal[0], "coverage": to("Coverage/first-coverage")},
            {"sequence": 2, "focal": focal[1], "coverage": to("Coverage/base-coverage")},
        ]

    return change


AETNA: Json = {"payor": [{"display": "Aetna"}]}


def earlier_claim(*changes: Change, id: str = "first", created: str = "2023-06-02T09:00:00-04:00") -> Change:
    """The claim once more, three days earlier under another id and number; ``changes`` see it as ``Claim/first``."""

    def change(world: World) -> None:
        twin = deepcopy(world.claim) | {"id": id, "created": created}
        twin["identifier"] = [{"system": "https://clinic.example.org/claims", "value": f"claim-{id}"}]
        world.add(twin)
        for each in changes:
            each(world)

    return change


def replaces(claim: str | None) -> Change:
    """The base claim replaces another."""
    named = {"claim": to(claim)} if claim else {}
    return put("Claim", "related", [{"relationship": concept("prior", RELATED)} | named])


def answered(claim: str, outcome: str = "complete", *, by_us: bool = True, id: str = "earlier-answer") -> Change:
    """A response on file to a claim: ours, as our identifier tells, or the payer's."""

    def change(world: World) -> None:
        answer: Json = {
            "resourceType": "ClaimResponse",
            "id": id,
            "identifier": [{"system": OURS if by_us else "https://payers.example.org/answers", "value": claim}],
            "status": "active",
            "type": deepcopy(world.claim["type"]),
            "use": "claim",
            "patient": deepcopy(world.claim["patient"]),
            "created": "2023-06-03T09:00:00-04:00",
            "insurer": deepcopy(world.claim["insurer"]),
            "request": to(f"Claim/{claim}"),
            "outcome": outcome,
        }
        world.add(answer)

    return change


def rival_visit(world: World) -> None:
    """A second visit of the day that fits as well, and nothing that names either."""
    world.drop("Procedure/base-proc")
    del world.item["encounter"]
    twin = deepcopy(world.encounter) | {"id": "rival-enc"}
    twin["period"] = {"start": f"{DAY}T15:00:00-04:00", "end": f"{DAY}T15:40:00-04:00"}
    world.add(twin)


def only_procedure(world: World) -> None:
    """No Encounter: the procedure alone, which names the note as its report."""
    world.drop("Encounter/base-enc")
    del world.item["encounter"]
    del world.procedure["encounter"]
    world.procedure["report"] = [to("DocumentReference/base-note")]
    world.get("DocumentReference").pop("context")


def alone(world: World) -> None:
    """No Procedure: the encounter alone."""
    world.drop("Procedure/base-proc")


def nothing_written(world: World) -> None:
    world.drop("DocumentReference", "CarePlan", "Goal")


def team(*members: tuple[str, str | None]) -> Change:
    """The care team: who, and in which role; the line names all of them."""

    def change(world: World) -> None:
        world.claim["careTeam"] = [
            {"sequence": number, "provider": to(who)} | ({"role": concept(role, ROLES)} if role else {})
            for number, (who, role) in enumerate(members, 1)
        ]
        world.item["careTeamSequence"] = list(range(1, len(members) + 1))

    return change


def nobody(world: World) -> None:
    """No care team at all."""
    del world.claim["careTeam"]
    del world.item["careTeamSequence"]


def every_reference(world: World, old: str, new: Json) -> None:
    """Each Reference to ``old`` written another way."""
    for each in _dicts(world.resources):
        for name, value in list(each.items()):
            if value == {"reference": old}:
                each[name] = deepcopy(new)
            elif isinstance(value, list):
                each[name] = [deepcopy(new) if one == {"reference": old} else one for one in value]


def written_as(old: str, new: Json) -> Change:
    return lambda world: every_reference(world, old, new)


def under_url(key: str, url: str) -> Change:
    """A Bundle entry under another fullUrl, by which everything refers to it."""

    def change(world: World) -> None:
        resource = world.get(key)
        every_reference(world, f"{resource['resourceType']}/{resource['id']}", to(url))
        world.urls[id(resource)] = url

    return change


def _dicts(element: Any) -> Iterator[Json]:
    if isinstance(element, dict):
        yield element
    for value in element.values() if isinstance(element, dict) else element if isinstance(element, list) else ():
        yield from _dicts(value)


# --- worlds that only one row needs


def earlier_visit(world: World) -> None:
    """A visit of 2023-05-20 for the first claim, with its own note."""
    period = {"start": "2023-05-20T10:00:00-04:00", "end": "2023-05-20T10:40:00-04:00"}
    world.add(world.encounter | {"id": "earlier", "period": period})
    note = world.get("DocumentReference/base-note") | {"id": "earlier-note"}
    world.add(note | {"context": {"encounter": [to("Encounter/earlier")]}})


def on_a_ward(world: World) -> None:
    """The first claim bills a stay on a ward."""
    line = world.get("Claim/first")["item"][0]
    line["encounter"] = [to("Encounter/ward")]
    line["locationCodeableConcept"] = concept("21", POS)
    world.add(world.encounter | {"id": "ward", "class": {"system": ACT, "code": "IMP"}})


def second_certificate(world: World) -> None:
    world.coach["qualification"].append({"code": {"text": "NBC-HWC"}, "period": {"start": "2023-01-01"}})


def contained_coach(world: World) -> None:
    """The coach inside the claim."""
    coach = world.coach | {"id": "inside"}
    coach.pop("meta")
    world.claim["contained"] = [coach]
    world.claim["careTeam"][0]["provider"] = to("#inside")
