"""Evidence removed: nothing crashes, and what is not approved is not approved for lack of something.

In every row of the table that is not approved, what the row changed is removed, one element at a time, and so is each
whole resource and each reference to the visit; in a few rows it is every element down to the third level. Where that
does approve, the reason stands in a list: the element was what spoke against the claim, and no longer being said it
does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import ROWS, Place, element_at, outcome_of, places, removed, world_of
from table.world import changed

MATTER = re.compile(r"(Claim|Coverage|Encounter|Procedure|Practitioner)/")
BESIDE = re.compile(r"supervisor|clinic|initial|\b(meta|name|telecom|address|active|type\.\d+\.text)\b")
LEVELS = 3

SPOKE_AGAINST: list[tuple[str, str, str]] = [
    # rows, what may be removed there although that approves the claim, and the sentence that says so
    (
        r"row 1[01]:",
        r"(Encounter|Procedure)/base-\w+( period| performedPeriod|$)",
        "a time that is not there is not wrong",
    ),
    (
        r"row 1[01]: procedure",
        r"Procedure/base-proc encounter",
        "a procedure that nothing ties to the visit is not its session",
    ),
    (r"row 1[25]:|evidence:", r"Claim/base item\.0\.servicedDate", "S03: item.serviced[x], else the visit's day"),
    (r"row 1[67]:", r"Encounter/base-enc length", "row 18: without a value in a known unit as if absent"),
    (r"row 19:", r"Procedure/base-proc( performedPeriod)?$", "S04: Procedure.performedPeriod, else Encounter.period"),
    (
        r"row 20:",
        r"Encounter/base-enc period",
        "row 19: the procedure is the session; nothing is there to contradict it",
    ),
    (r"row 20:", r"Procedure/base-proc( performedPeriod)?$", "S04: the encounter's period; nothing contradicts it"),
    (r"row (21|22|23|29|36|66):", r"Claim/base item\.0\.modifier", "a modifier that is not sent says nothing"),
    (r"row 2[26]:", r"Encounter/base-enc class\.code", "beyond the table: no class, an outpatient place is enough"),
    (r"row 2[2678]:", r"Claim/base item\.0\.location", "beyond the table: no place, the class is enough"),
    (r"row 26: in hospital", r"Claim/base supportingInfo", "a stay that the claim does not name is not known"),
    (r"row 29: a group", r"Encounter/base-enc subject", "the procedure names the patient, the encounter nobody else"),
    (
        r"row 3[45]:|row 69: a second claim",
        r"Claim/first",
        "a claim that is gone, of another or refused itself has no duplicate",
    ),
    (r"row 3[89]:", r"Claim/base related", "a claim that does not say it replaces another is a new one"),
    (r"row 43:", r"Procedure/base-proc$", "the finished encounter is the session"),
    (r"row 4[567]:", r"Coverage/base-coverage period\.(start|end)", "section 3.7: a missing bound of a period is open"),
    (r"row 50: the coach leads", r"Claim/base careTeam(\.0)?$", "who performed: else Procedure.performer"),
    (r"row (54|88|94):", r"Coverage/base-coverage class", "no plan document supersedes the policy any more"),
    (r"row 5[56]:", r"Claim/base insurance\.0$", "no other coverage is named any more"),
    (r"row 61:", r"Claim/base item\.0\.diagnosisSequence", "beyond the table: all the claim's diagnoses count"),
    (r"row 7[234]:", r"Claim/base (item\.0\.(net|factor)|total)", "coverage is decided here, not price"),
    (r"row 89:", r"Claim/base item\.0\.servicedPeriod", "S03: the visit's day, when the line says none"),
    (r"payer: two payors", r"Coverage/base-coverage payor\.1", "the other payor alone is left"),
    (r"payer: addressed|row 58:", r"Claim/base insurer", "row 58 is about a claim addressed to another, not to nobody"),
    (r"lines: one rejected", r"Claim/base item\.1", "the line that was rejected is gone, or bills one unit"),
    (r"evidence: several", r"Encounter/rival-enc", "the other visit no longer fits the line"),
    (r"evidence: of another", r"Encounter/base-enc type", "a record that does not code the service contradicts none"),
    (r"who:", r"Procedure/base-proc( performer|$)", "who performed: else the encounter's participant"),
]
FULL = (
    "row 1: 29 minutes",
    "row 16: length 25 in a period of 40",
    "row 19: procedure of 20 in an encounter of 60",
    "row 21: office, modifier 95",
    "row 26: class AMB, POS 21",
    "row 29: modifier HQ",
    "row 31: no earlier 0591T",
    "row 45: coverage ended the day before",
    "row 52: certificate ended the day before",
    "row 55: Cigna second, no primary result",
    "row 61: F41.1 on the claim, the line points to I10",
    "row 95: nothing written",
    "evidence: the day before",
)
"""Rows in which every element is removed."""
APPROVED = [
    name
    for name, row in ROWS.items()
    if [str(each) for each in row.expected.values()] in (["APPROVE"], ["APPROVE + warning"])
]


NOT_APPROVED = [
    name
    for name, row in ROWS.items()
    if row.zone is None and not str(row.expected.get("base", "")).startswith("APPROVE")
]


def pieces(row: str) -> Iterator[Place]:
    """The places whose removal is tried: what may be absent, and nothing that no rule ever reads."""
    world, base = world_of(row), changed()
    for place in places(world):
        written = str(place)
        if MATTER.match(written) and not BESIDE.search(written) and len(place.steps) <= LEVELS:
            tie = not place.steps or place.steps[-1] == "encounter"
            if row in FULL or tie or element_at(world, place) != element_at(base, place):
                yield place


@cache
def approved_without(row: str) -> tuple[str, ...]:
    """The places of a row whose removal approves the claim."""
    found = []
    for place in pieces(row):
        outcome = outcome_of(removed(world_of(row), place))
        assert not outcome.unanswered, str(place)
        if outcome.decision() == "APPROVE":
            found.append(str(place))
    return tuple(found)


def explained(row: str, place: str) -> list[str]:
    """The sentences that allow a removal to approve a row."""
    return [why for rows, removed, why in SPOKE_AGAINST if re.match(rows, row) and re.match(removed, place)]


@pytest.mark.parametrize("row", NOT_APPROVED)
def test_nothing_is_approved_for_lack_of_something(row: str) -> None:
    assert outcome_of(world_of(row)).decision() != "APPROVE"
    assert [place for place in approved_without(row) if not explained(row, place)] == []


def test_every_exception_is_one() -> None:
    met = {why for row in NOT_APPROVED for place in approved_without(row) for why in explained(row, place)}
    assert [why for _, _, why in SPOKE_AGAINST if why not in met] == []


@pytest.mark.parametrize("element", ["subject", "code"])
def test_a_procedure_of_the_visit_is_the_session(element: str) -> None:
    """Row 19: what the record ties to the visit by ``Procedure.encounter`` is not lost for want of another element."""
    world = world_of("row 19: procedure of 20 in an encounter of 60")
    del world.procedure[element]
    assert outcome_of(world).decision() != "APPROVE"


def test_the_approved_case_without_each_of_its_pieces() -> None:
    """Whatever one piece is missing, the claim is answered; what is lost is asked for, never denied."""
    for place in places(world_of("row 0: the base case")):
        outcome = outcome_of(removed(world_of("row 0: the base case"), place))
        assert not outcome.unanswered, str(place)
        assert outcome.decision() != "DENY", str(place)
        if "productOrService" not in place.path and place.path not in ("Claim", "Claim.item"):
            assert set(outcome.answers) == {"base"}, str(place)


@settings(max_examples=60)
@given(data=st.data(), row=st.sampled_from(APPROVED), times=st.integers(2, 4))
def test_an_approved_case_without_several_pieces(data: st.DataObject, row: str, times: int) -> None:
    world = world_of(row)
    for _ in range(times):
        removed(world, data.draw(st.sampled_from(places(world))))
    assert not outcome_of(world).unanswered


LOSSES: dict[str, str] = {
    "Encounter/base-enc": "PEND",
    "Practitioner/base-coach": "PEND",
    "Practitioner/base-coach qualification": "PEND",
    "DocumentReference/base-note": "PEND",
    "Procedure/base-proc performedPeriod.end": "PEND",
    "Procedure/base-proc performedPeriod.start": "PEND",
    "Coverage/base-coverage": "REVIEW",
    "Coverage/base-coverage period": "REVIEW",
    "Organization/base-payer": "REVIEW",
    "Claim/base diagnosis": "REJECT",
    "Encounter/base-enc status": "OO",
    "Claim/base insurance": "OO",
}


@pytest.mark.parametrize(("place", "decision"), LOSSES.items())
def test_what_the_loss_of_a_piece_comes_to(place: str, decision: str) -> None:
    world = world_of("row 0: the base case")
    (found,) = [each for each in places(world) if str(each) == place]
    assert outcome_of(removed(world, found)).decision() == decision
