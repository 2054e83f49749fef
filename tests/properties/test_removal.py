"""Evidence removed: nothing crashes, and what is not approved is not approved for lack of something.

Every element down to the third level of the resources that matter is removed, one at a time. Where that does approve,
the reason stands in a list: the element was what spoke against the claim, and no longer being said it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import ROWS, Place, outcome_of, places, removed, world_of
from table.world import World

MATTER = re.compile(r"(Claim|Coverage|Encounter|Procedure|Practitioner)/")
BESIDE = re.compile(r"supervisor|clinic|initial|\b(meta|name|telecom|address|active|type\.\d+\.text)\b")
LEVELS = 3

MODIFIER = "the line no longer says so: a modifier that is not sent says nothing"
OPEN_ROWS: dict[str, dict[str, str]] = {
    # row: a pattern of what may be removed although that approves it, and the sentence that says so
    "row 1: 29 minutes": {},
    "row 16: length 25 in a period of 40": {"Encounter/base-enc length": "row 18: as if absent"},
    "row 19: procedure of 20 in an encounter of 60": {
        "Procedure/base-proc( performedPeriod)?$": "S04: Procedure.performedPeriod, else Encounter.period",
    },
    "row 21: office, modifier 95": {r"Claim/base item\.0\.modifier": MODIFIER},
    "row 26: class AMB, POS 21": {
        r"Claim/base item\.0\.locationCodeableConcept": "beyond the table: POS absent, the class is enough",
    },
    "row 29: modifier HQ": {r"Claim/base item\.0\.modifier": MODIFIER},
    "row 31: no earlier 0591T": {},
    "row 45: coverage ended the day before": {
        r"Coverage/base-coverage period\.end": "section 3.7: a missing end goes on"
    },
    "row 52: certificate ended the day before": {},
    "row 55: Cigna second, no primary result": {r"Claim/base insurance\.0$": "no other coverage is named any more"},
    "row 61: F41.1 on the claim, the line points to I10": {
        r"Claim/base item\.0\.diagnosisSequence": "beyond the table: all the claim's diagnoses count",
    },
    "row 95: nothing written": {},
    "evidence: the day before": {r"Claim/base item\.0\.servicedDate": "S03: item.serviced[x], else the visit's"},
}
APPROVED = [
    name
    for name, row in ROWS.items()
    if [str(each) for each in row.expected.values()] in (["APPROVE"], ["APPROVE + warning"])
]


def pieces(world: World) -> Iterator[Place]:
    """The places whose removal is tried: what may be absent, and nothing that no rule ever reads."""
    for place in places(world):
        written = str(place)
        if MATTER.match(written) and not BESIDE.search(written) and len(place.steps) <= LEVELS:
            yield place


@pytest.mark.parametrize("row", OPEN_ROWS)
def test_nothing_is_approved_for_lack_of_something(row: str) -> None:
    assert outcome_of(world_of(row)).decision() != "APPROVE"
    approved = []
    for place in pieces(world_of(row)):
        outcome = outcome_of(removed(world_of(row), place))
        assert not outcome.unanswered, str(place)
        if outcome.decision() == "APPROVE":
            approved.append(str(place))
    allowed = OPEN_ROWS[row]
    assert [each for each in approved if not any(re.match(pattern, each) for pattern in allowed)] == []
    assert [pattern for pattern in allowed if not any(re.match(pattern, each) for each in approved)] == []


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
