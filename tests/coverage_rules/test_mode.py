"""How the session was held: face to face, with one individual (rows 21 to 24 and 29)."""

from __future__ import annotations

import pytest
from coverage_rules.sessions import DAY, a_procedure, a_session, at_ten, put, sourced, without
from coverage_rules.verdicts import (
    MET,
    NOT_APPLICABLE,
    Says,
    answers,
    denies,
    reviews,
    row,
    warns,
    with_value,
)

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code

REMOTE = [
    row(a_session(modifiers=["95"]), id="AMB, office, modifier 95"),
    row(a_session(modifiers=["GT"]), id="modifier GT"),
    row(a_session(modifiers=["GQ"]), id="modifier GQ"),
    row(a_session(modifiers=["G0"]), id="modifier G0"),
    row(a_session(modifiers=["93"]), id="modifier 93, audio only"),
    row(a_session(modifiers=["FQ"]), id="modifier FQ, audio only"),
    row(a_session(encounter_class="VR"), id="a virtual encounter"),
    row(a_session(pos="02"), id="place of service 02"),
    row(a_session(pos="10"), id="place of service 10"),
    row(a_session(encounter_class="VR", pos="10", modifiers=["95"]), id="all three"),
    row(
        put(a_session(), "visit.encounter.modality", sourced(Code("virtual"), "Encounter.type", "Encounter/1")),
        id="an ambulatory encounter of a virtual type",
    ),
]


@pytest.mark.parametrize(
    ("stance", "expected"),
    [
        row("silent", reviews("silent"), id="the policy is silent"),
        row("excluded", denies("excluded", "96", "N776"), id="the plan excludes telehealth"),
        row("allowed", warns("allowed"), id="the plan allows telehealth"),
    ],
)
@pytest.mark.parametrize("session", REMOTE)
def test_remote(book: PolicyBook, session: CoachingSession, stance: str, expected: Says) -> None:
    assert answers(with_value(book, "face_to_face", "telehealth", stance), "face_to_face", session) == [expected]


@pytest.mark.parametrize(
    "session",
    [
        row(a_session(), id="AMB, office, no modifier"),
        row(a_session(modifiers=["25"]), id="a modifier that says nothing about it"),
        row(a_session(modifiers=["FR"]), id="a supervisor by video is no remote session"),
        row(a_session(encounter_class=None, pos=None), id="nothing recorded about it"),
        row(without(a_session(), "visit.encounter"), id="no encounter"),
    ],
)
@pytest.mark.parametrize("stance", ["silent", "excluded", "allowed"])
def test_not_remote(book: PolicyBook, session: CoachingSession, stance: str) -> None:
    assert answers(with_value(book, "face_to_face", "telehealth", stance), "face_to_face", session) == [MET]


GROUP, UNSETTLED = denies("group", "4", "N519"), reviews("group_unsettled")
GROUP_SUBJECT = put(a_session(), "visit.encounter.for_group", sourced(True, "Encounter.subject"))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="one person"),
        row(a_session(modifiers=["HQ"]), GROUP, id="a follow-up with modifier HQ"),
        row(a_session(code="0591T", modifiers=["HQ"]), GROUP, id="an initial assessment with modifier HQ"),
        row(GROUP_SUBJECT, GROUP, id="the encounter's subject is a group"),
        row(
            a_session(procedure=a_procedure(at_ten(DAY, 45), for_group=sourced(True, "Procedure.subject"))),
            GROUP,
            id="the procedure's subject is a group",
        ),
        row(put(a_session(), "visit.encounter.for_group", sourced(False)), MET, id="the subject is no group"),
        row(a_session(code="0593T", modifiers=["HQ"]), NOT_APPLICABLE, id="the group code"),
        row(a_session(code="H0038"), MET, id="peer support without a group"),
        row(a_session(code="H0038", modifiers=["HQ"]), UNSETTLED, id="peer support with modifier HQ"),
        row(without(a_session(modifiers=["HQ"]), "line.services"), NOT_APPLICABLE, id="a line without a code"),
    ],
)
def test_individual(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    if session.code is None:
        session = put(session, "line.named_in_text", sourced("0592T"))
    assert answers(book, "individual", session) == [expected]
