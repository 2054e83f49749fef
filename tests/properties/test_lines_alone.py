"""A claim of several lines decides each line as if it were alone; same-day rules apart, so each has its own day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import outcome_of
from table.more import alone
from table.rows_codes import peer
from table.world import (
    DAY,
    Change,
    World,
    changed,
    code,
    concept,
    inner,
    lasting,
    length,
    modifiers,
    no_assessment,
    of_class,
    on,
    pos,
    put,
    serviced,
    status,
    times,
    units,
    visit,
    without,
)

from adapter.answers.claim_response import reason_codes

Json = dict[str, Any]

LINES: Mapping[str, tuple[Change, ...]] = {
    "approved": (),
    "29 minutes": (lasting(29),),
    "no end": (times("2023-06-01T10:00:00-04:00", None),),
    "in progress": (times("2023-06-01T10:00:00-04:00", None), status("in-progress", "in-progress")),
    "dates only": (times("2023-06-01", "2023-06-01"),),
    "over midnight": (times("2023-06-01T23:45:00-05:00", "2023-06-02T00:20:00-05:00"),),
    "length 25": (length(25), alone),
    "procedure of 20 in 60": (visit(60), inner(20)),
    "procedure outside": (visit(60), inner(40, "09:30")),
    "modifier 95": (modifiers("95"),),
    "modifier 22": (modifiers("22"),),
    "modifier ZZ": (modifiers("ZZ"),),
    "HQ": (modifiers("HQ"),),
    "virtual": (of_class("VR"),),
    "inpatient": (of_class("IMP"), pos("21")),
    "in conflict": (pos("21"),),
    "unassigned place": (pos("28"),),
    "no place": (pos(None),),
    "0593T": (code("0593T"),),
    "H0038": (*peer(50, 4),),
    "cancelled": (status("cancelled", "not-done"),),
    "quantity 0": (units(0),),
    "two units": (units(2),),
    "net off": (units(1, 85, 90),),
    "three days": (serviced("2023-05-31", "2023-06-02"),),
    "encounter alone": (alone,),
    "text only": (put("Claim", "item.0.productOrService", {"text": "0592T"}),),
    "no pointer": (without("Claim", "item.0.diagnosisSequence"),),
    "no quantity": (units(None),),
    "office visit": (put("Claim", "item.0.productOrService", concept("99213")),),
}
OWN = ("Encounter/base-enc", "Procedure/base-proc", "DocumentReference/base-note", "CarePlan/base-plan")


def joined(names: list[str]) -> World:
    """One claim with these lines, a week between them, each with the evidence of its own."""
    together = changed(put("Claim", "created", "2023-12-31"))
    together.drop(*OWN)
    together.claim["item"] = []
    together.claim.pop("billablePeriod")
    for number, name in enumerate(names, 1):
        single = changed(*LINES[name], on(str(DAY + timedelta(days=7 * number))))
        for each in single.resources:
            if f"{each['resourceType']}/{each['id']}" in OWN:
                together.add(_renamed(each, number))
        together.claim["item"].append(_renamed(single.item, number) | {"sequence": number})
    return together


def _renamed(element: Any, number: int) -> Any:
    """A copy whose ids and references to a line's own evidence carry the line's number."""
    found = deepcopy(element)
    own = {each: f"{each}-{number}" for each in OWN}
    if isinstance(found, dict) and "resourceType" in found:
        found["id"] += f"-{number}"
    for holder in _dicts(found):
        if holder.get("reference") in own:
            holder["reference"] = own[holder["reference"]]
    return found


def _dicts(element: Any) -> Iterator[Json]:
    if isinstance(element, dict):
        yield element
    for value in element.values() if isinstance(element, dict) else element if isinstance(element, list) else ():
        yield from _dicts(value)


def decisions(world: World) -> list[tuple[Any, ...]]:
    """What each line comes to: its decision, its reason codes and every finding that is about the line."""
    determination = outcome_of(world).answers["base"].determination
    assert determination is not None
    return [
        (
            line.decision,
            frozenset(reason_codes(line)),
            tuple((each.rule, each.outcome, each.found) for each in line.findings if not each.about_claim),
        )
        for line in determination.lines
    ]


OURS = sorted(set(LINES) - {"office visit"})


@settings(max_examples=25)
@given(first=st.sampled_from(OURS), others=st.lists(st.sampled_from(sorted(LINES)), min_size=1, max_size=4))
def test_each_line_as_if_alone(first: str, others: list[str]) -> None:
    names = [first, *others]
    together = decisions(joined(names))
    for number, name in enumerate(names):
        if name == "office visit":
            continue  # alone it is out of scope
        single = joined(names)
        single.claim["item"] = [single.claim["item"][number]]
        assert decisions(single) == [together[number]], name


@settings(max_examples=20)
@given(names=st.permutations(sorted(LINES)).map(lambda each: each[:5]))
def test_the_order_of_lines_does_not_matter(names: list[str]) -> None:
    world = joined(names)
    there = decisions(world)
    world.claim["item"].reverse()
    assert decisions(world) == there[::-1]


def test_the_assessment_is_the_one_of_the_base_case() -> None:
    """Every line but that of another code stands on the one earlier assessment, which is no line of the claim."""
    world = joined(["approved", "approved"])
    no_assessment(world)
    assert [each[0].name for each in decisions(world)] == ["PEND", "PEND"]
