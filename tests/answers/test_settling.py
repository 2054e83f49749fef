"""How far other claims have come: told the same whatever claim was created, read or asked about first."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from properties.alterations import outcome_of
from table.judge import decide
from table.more import answered, earlier_claim, replaces
from table.world import (
    RELATED,
    Change,
    World,
    add,
    changed,
    concept,
    modifiers,
    no_assessment,
    on,
    paid_by,
    pos,
    put,
    to,
    units,
)

from adapter.coverage.registry import RULES
from adapter.session.model import CoachingSession

Json = dict[str, Any]
ELSEWHERE = {"resourceType": "Organization", "id": "elsewhere", "name": "Elsewhere"}


def decisions(*changes: Change) -> dict[str, str]:
    """The decision of every claim of a case."""
    found = outcome_of(changed(*changes))
    return {claim: found.decision(claim) for claim in sorted(map(str, found.answers))}


def prior(claim: str, *originals: str) -> Change:
    related = [{"relationship": concept("prior", RELATED), "claim": to(f"Claim/{each}")} for each in originals]
    return put(f"Claim/{claim}", "related", related)


def at(day: int) -> str:
    return f"2023-06-{day:02}T09:00:00-04:00"


# --- chains of replacements


def chain(*ids: str) -> tuple[Change, ...]:
    """Claims created one after the other, each in the place of the one before; ``base`` comes last."""
    links = [
        earlier_claim(*([prior(id, ids[index - 1])] if index else []), id=id, created=at(2 + index // 2))
        for index, id in enumerate(ids)
    ]
    return (*links, replaces(f"Claim/{ids[-1]}"))


@pytest.mark.parametrize("ids", list(permutations(("a", "m", "z"))), ids=" then ".join)
def test_every_link_of_a_chain_is_decided_as_a_replacement(ids: tuple[str, ...]) -> None:
    """Two of them were created at one time: only the chain says which comes first."""
    assert decisions(*chain(*ids)) == dict.fromkeys(("base", *ids), "APPROVE")


def test_on_the_next_run_every_link_but_the_last_is_reversed() -> None:
    case = changed(*chain("z", "a"), *(answered(id, id=f"answer-{id}") for id in ("z", "a", "base")))
    found = {str(claim): each.response for claim, each in outcome_of(case).answers.items()}
    stated = {claim: (each["status"], each["disposition"]) for claim, each in found.items() if each is not None}
    assert stated["z"] == ("cancelled", "Reversed: replaced by Claim/a.")
    assert stated["a"] == ("cancelled", "Reversed: replaced by Claim/base.")
    assert stated["base"][0] == "active"


def test_a_replacement_that_crashed_reverses_nothing(crashing: Callable[[str], None]) -> None:
    case = changed(earlier_claim(), replaces("Claim/first"), answered("first"))
    crashing("base")
    response = outcome_of(case).answers["first"].response
    assert response is not None
    assert response["status"] == "active"


def test_a_link_that_was_rejected_breaks_the_chain() -> None:
    """Row 39: the rejected claim replaced nothing, so the original stands, and the new claim bills it again."""
    case = (*chain("a", "b"), put("Claim/b", "item.0.net.value", 90))
    assert decisions(*case) == {"a": "APPROVE", "b": "REJECT", "base": "DENY"}


def test_two_replacements_of_one_claim_are_duplicates_of_each_other() -> None:
    case = (earlier_claim(id="a"), earlier_claim(prior("b", "a"), id="b", created=at(3)), replaces("Claim/a"))
    assert decisions(*case) == {"a": "APPROVE", "b": "APPROVE", "base": "DENY"}


@pytest.mark.parametrize("order", list(permutations(("a", "b", "base"))), ids=" ".join)
def test_claims_that_replace_each_other_wait_for_each_other(order: tuple[str, ...]) -> None:
    """Whichever is asked about first: none of the three originals was decided before its replacement."""
    case = changed(earlier_claim(id="a"), earlier_claim(prior("b", "a"), id="b"), replaces("Claim/b"))
    case.get("Claim/a")["related"] = [{"relationship": concept("prior", RELATED), "claim": to("Claim/base")}]
    case.resources.sort(key=lambda each: order.index(each["id"]) if each["resourceType"] == "Claim" else -1)
    found = outcome_of(case)
    assert {claim: found.decision(claim) for claim in order} == dict.fromkeys(order, "REJECT")


def test_what_replaces_a_claim_of_a_circle_is_a_new_claim() -> None:
    case = (earlier_claim(id="a"), earlier_claim(prior("b", "a"), id="b"), prior("a", "b"), replaces("Claim/b"))
    assert decisions(*case) == {"a": "REJECT", "b": "REJECT", "base": "APPROVE"}


def test_a_replaced_claim_that_bills_nothing_of_ours_was_not_decided_here() -> None:
    visit = put("Claim/first", "item.0.productOrService", concept("99213"))
    assert decisions(earlier_claim(visit), replaces("Claim/first")) == {"base": "REVIEW"}


# --- a second session of the day


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param((), "DENY", id="the same again"),
        pytest.param((modifiers("25"),), "REVIEW", id="with another modifier"),
        pytest.param(
            (add(ELSEWHERE), put("Claim", "provider", to("Organization/elsewhere"))),
            "REVIEW",
            id="billed by another organization",
        ),
    ],
)
def test_one_session_a_day(second: tuple[Change, ...], expected: str) -> None:
    assert decisions(earlier_claim(), *second) == {"base": expected, "first": "APPROVE"}


def test_another_visit_of_the_day_is_no_exact_duplicate() -> None:
    assert decisions(earlier_claim(put("Claim/first", "item.0.encounter", [to("Encounter/other")]), other_visit)) == {
        "base": "REVIEW",
        "first": "APPROVE",
    }


def other_visit(world: World) -> None:
    """Another visit of the day with a note of its own."""
    period = {"start": "2023-06-01T15:00:00-04:00", "end": "2023-06-01T15:40:00-04:00"}
    note = deepcopy(world.get("DocumentReference/base-note")) | {"id": "other-note"}
    world.add(deepcopy(world.encounter) | {"id": "other", "period": period})
    world.add(note | {"context": {"encounter": [to("Encounter/other")]}})


# --- the earlier assessment


def billed_assessment(*changes: Change, created: str = at(2)) -> Change:
    """0591T of a month earlier on a claim; its visit is not coded, so that only the claim says what it was."""

    def change(world: World) -> None:
        no_assessment(world)
        earlier_claim(id="assessment", created=created)(world)
        line = world.get("Claim/assessment")["item"][0]
        line |= {
            "productOrService": concept("0591T"),
            "servicedDate": "2023-05-02",
            "encounter": [to("Encounter/assessed")],
        }
        period = {"start": "2023-05-02T10:00:00-04:00", "end": "2023-05-02T10:45:00-04:00"}
        visit = deepcopy(world.encounter) | {"id": "assessed", "period": period}
        del visit["type"]
        note = deepcopy(world.get("DocumentReference/base-note")) | {"id": "assessed-note"}
        world.add(visit, note | {"context": {"encounter": [to("Encounter/assessed")]}})
        for each in changes:
            each(world)

    return change


CALLED_OFF = put("Encounter/assessed", "status", "cancelled")
NO_NOTE = put("DocumentReference/assessed-note", "status", "superseded")
LATE = "2023-06-20T09:00:00-04:00"


@pytest.mark.parametrize("created", [at(2), LATE], ids=["billed before", "billed after"])
@pytest.mark.parametrize(
    ("assessment", "expected"),
    [
        pytest.param((), {"assessment": "APPROVE", "base": "APPROVE"}, id="decided"),
        pytest.param((CALLED_OFF,), {"assessment": "DENY", "base": "PEND"}, id="denied: it did not take place"),
        pytest.param((NO_NOTE,), {"assessment": "PEND", "base": "PEND"}, id="pended: nobody can tell yet"),
        pytest.param(
            (put("Claim/assessment", "item.0.net.value", 90),),
            {"assessment": "REJECT", "base": "PEND"},
            id="rejected",
        ),
    ],
)
def test_the_earlier_assessment(created: str, assessment: tuple[Change, ...], expected: dict[str, str]) -> None:
    assert decisions(billed_assessment(*assessment, created=created)) == expected


# --- Medicare's edits of one day

MEDICARE = (paid_by("Medicare"), on("2024-08-06"))


def assessment_beside(*changes: Change, created: str) -> tuple[Change, ...]:
    """Medicare: base bills 0592T, another claim 0591T of the same day."""
    line = put("Claim/first", "item.0.productOrService", concept("0591T"))
    visit = put("Claim/first", "item.0.encounter", [to("Encounter/other")])
    return (*MEDICARE, *changes, earlier_claim(line, visit, assessment_of_the_day, created=created))


def assessment_of_the_day(world: World) -> None:
    period = {"start": "2024-08-06T15:00:00-04:00", "end": "2024-08-06T15:40:00-04:00"}
    visit = deepcopy(world.encounter) | {"id": "other", "period": period}
    world.add(visit | {"type": [concept("0591T")]})


@pytest.mark.parametrize("created", ["2024-08-08", "2024-08-20"], ids=["created before", "created after"])
@pytest.mark.parametrize(
    ("follow_up", "expected"),
    [
        pytest.param((), {"base": "REVIEW", "first": "DENY"}, id="beside a follow-up"),
        pytest.param((pos("30"),), {"base": "REJECT", "first": "REVIEW"}, id="beside a follow-up that is rejected"),
        pytest.param(
            (put("Claim", "status", "draft"),),
            {"base": "OO", "first": "REVIEW"},
            id="beside a message that is not processed",
        ),
    ],
)
def test_pairs_of_two_claims(follow_up: tuple[Change, ...], expected: dict[str, str], created: str) -> None:
    assert decisions(*assessment_beside(created=created), *follow_up) == expected


@pytest.mark.parametrize("id", ["a", "z"])
def test_what_replaces_a_claim_is_no_other_service_of_its_day(id: str) -> None:
    assessment = put(f"Claim/{id}", "item.0.productOrService", concept("0591T"))
    case = (*MEDICARE, earlier_claim(assessment, id=id, created="2024-08-08"), replaces(f"Claim/{id}"))
    assert "DENY" not in decisions(*case).values()


def twice(world: World) -> None:
    """The line again as line 2."""
    world.claim["item"].append(deepcopy(world.item) | {"sequence": 2})
    world.claim["total"]["value"] *= 2


def lines_of(*changes: Change) -> list[str]:
    determination = outcome_of(changed(*changes)).answers["base"].determination
    assert determination is not None
    return [line.decision.name for line in determination.lines]


def test_units_of_a_day_on_two_lines() -> None:
    assert lines_of(*MEDICARE, twice) == ["REVIEW", "DENY"]


def test_units_of_a_day_on_two_claims() -> None:
    case = (*MEDICARE, earlier_claim(created="2024-08-08"), modifiers("59"))
    assert decisions(*case) == {"base": "DENY", "first": "REVIEW"}


def test_units_that_were_denied_do_not_count() -> None:
    case = (*MEDICARE, units(2), earlier_claim(created="2024-08-08"), units(1), modifiers("59"))
    assert decisions(*case) == {"base": "REVIEW", "first": "DENY"}


# --- a rule that crashes


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the rule ``quantity`` raise on one claim."""

    def crash_on(claim: str) -> None:
        sound = RULES["quantity"]

        def check(session: CoachingSession, terms: Any) -> Any:
            if session.claim.id == claim:
                raise ValueError(claim)
            return sound.check(session, terms)

        monkeypatch.setitem(RULES, "quantity", replace(sound, check=check))

    return crash_on


@pytest.mark.parametrize(
    "base", [pytest.param((replaces("Claim/first"),), id="replaced"), pytest.param((), id="the same again")]
)
def test_our_own_crash_rejects_nobody_else(crashing: Callable[[str], None], base: tuple[Change, ...]) -> None:
    world = changed(earlier_claim(), *base)
    crashing("first")
    found = outcome_of(world)
    assert found.decision() == "REVIEW"
    assert [each.partition(":")[0] for each in found.unanswered] == ["first"]


def test_our_crash_on_a_later_claim_is_told_once(crashing: Callable[[str], None]) -> None:
    world = changed(*assessment_beside(created="2024-08-08"))
    crashing("base")
    found = outcome_of(world)
    assert [each.partition(":")[0] for each in found.unanswered] == ["base"]
    assert found.decision("first") == "DENY"


# --- the coach's own visit


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param({"resourceType": "Group", "id": "g", "type": "person", "actual": True}, id="a group"),
        pytest.param({"resourceType": "Patient", "id": "g"}, id="another patient"),
    ],
)
@pytest.mark.parametrize("element", ["Encounter", "Procedure"])
def test_the_visit_of_the_line_is_no_other_session(subject: Json, element: str) -> None:
    world = changed(add(subject), put(element, "subject", to(f"{subject['resourceType']}/g")))
    determination = outcome_of(world).answers["base"].determination
    assert determination is not None
    (finding,) = [each for each in determination.lines[0].findings if each.rule == "one_at_a_time"]
    assert finding.outcome == "met"


# --- the day of a claim from east of UTC


def in_sydney(world: World) -> None:
    period = {"start": "2023-06-02T08:00:00+10:00", "end": "2023-06-02T08:40:00+10:00"}
    world.encounter["period"] = dict(period)
    world.procedure["performedPeriod"] = dict(period)
    world.item["servicedDate"] = "2023-06-02"


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        pytest.param("2023-06-01T23:30:00Z", "APPROVE", id="after the session, the day before in UTC"),
        pytest.param("2023-06-01T13:59:59Z", "REJECT", id="the day before, there too"),
    ],
)
def test_a_claim_is_dated_by_the_day_of_the_visit(created: str, expected: str) -> None:
    assert decisions(in_sydney, put("Claim", "created", created)) == {"base": expected}


@pytest.mark.parametrize(
    ("now", "rejected"),
    [
        pytest.param("2023-06-01T23:30:00+00:00", False, id="after the session, the day before in UTC"),
        pytest.param("2023-06-01T13:59:59+00:00", True, id="the day before, there too"),
    ],
)
def test_today_is_the_day_of_the_visit(now: str, rejected: bool) -> None:
    found = decide(changed(in_sydney, put("Claim", "created", "2023-06-02")), now=now).found["base"]
    assert ((found.response or {}).get("outcome") == "error") is rejected
