"""Who performed the session and who supervised: the care team, else the performer, else the participant."""

from __future__ import annotations

from typing import Any

import pytest
from evidence.small_world import (
    CARIN_ROLES,
    ROLES,
    claim,
    concept,
    encounter,
    evidence_of,
    found_for,
    item,
    procedure,
    resource,
    to,
)

Json = dict[str, Any]
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
PEOPLE = [resource(f"Practitioner/{id}") for id in ("coach", "performer", "participant", "boss", "other")]


def member(sequence: int, who: str, role: str | None = None, system: str = ROLES, **more: Any) -> Json:
    known = {"role": concept(role, system)} if role else {}
    return {"sequence": sequence, "provider": to(f"Practitioner/{who}")} | known | more


def participant(who: str, role: str | None = None) -> Json:
    known = {"type": [concept(role, PARTICIPATION)]} if role else {}
    return {"individual": to(f"Practitioner/{who}")} | known


VISIT = [
    encounter("e", participant=[participant("participant", "PPRF")]),
    procedure("p", performer=[{"actor": to("Practitioner/performer")}], encounter=to("Encounter/e")),
]


@pytest.mark.parametrize(
    ("team", "renders"),
    [
        pytest.param([member(1, "coach", "primary")], "coach", id="primary"),
        pytest.param([member(1, "coach", "rendering")], "coach", id="rendering"),
        pytest.param([member(1, "coach", "rendering", CARIN_ROLES)], "coach", id="rendering as CARIN writes it"),
        pytest.param([member(1, "coach", "primary", CARIN_ROLES)], "coach", id="primary as CARIN writes it"),
        pytest.param([member(1, "coach")], "coach", id="the only member, without a role"),
        pytest.param([member(1, "coach", "other")], "coach", id="the only member, another role"),
        pytest.param([member(1, "coach", responsible=False)], "coach", id="the only member, not responsible"),
        pytest.param(
            [member(1, "coach", responsible=True)],
            "coach",
            id="the only member, responsible for the bill",
        ),
        pytest.param([member(1, "other", "assist"), member(2, "coach", "primary")], "coach", id="beside an assistant"),
        pytest.param(
            [member(1, "boss", "supervisor"), member(2, "coach", "primary")], "coach", id="beside a supervisor"
        ),
        pytest.param([member(1, "boss", "supervisor")], "performer", id="a supervisor alone renders nothing"),
        pytest.param([member(1, "other"), member(2, "boss")], "performer", id="two members and no role"),
        pytest.param([], "performer", id="no care team"),
        pytest.param([{"sequence": 1, "provider": {"display": "Odalys"}}], "performer", id="a name is nobody"),
    ],
)
def test_the_care_team_says_who_renders_else_the_procedure(team: list[Json], renders: str) -> None:
    evidence = found_for(claim(item(encounter=[to("Encounter/e")]), careTeam=team), *PEOPLE, *VISIT)
    assert [each.key for each in evidence.renderers] == [f"Practitioner/{renders}"]


@pytest.mark.parametrize(
    ("visits", "renders"),
    [
        pytest.param(VISIT, ["performer"], id="the procedure's performer"),
        pytest.param(VISIT[:1], ["participant"], id="no procedure: the encounter's participant"),
        pytest.param([VISIT[0], procedure("p", encounter=to("Encounter/e"))], ["participant"], id="no performer"),
        pytest.param(
            [encounter("e", participant=[participant("other", "ATND"), participant("participant", "PPRF")])],
            ["participant"],
            id="the primary performer among participants",
        ),
        pytest.param([encounter("e", participant=[participant("participant")])], ["participant"], id="the only one"),
        pytest.param(
            [encounter("e", participant=[participant("participant"), participant("other")])],
            ["participant", "other"],
            id="two, and nothing to choose by",
        ),
        pytest.param([encounter("e")], [], id="nobody"),
        pytest.param(
            [
                procedure(
                    "p", performer=[{"actor": to("Practitioner/performer")}, {"actor": to("Practitioner/performer")}]
                )
            ],
            ["performer"],
            id="one person named twice",
        ),
    ],
)
def test_without_a_care_team_the_record_says_who_performed(visits: list[Json], renders: list[str]) -> None:
    evidence = found_for(claim(), *PEOPLE, *visits)
    assert [each.key for each in evidence.renderers] == [f"Practitioner/{each}" for each in renders]


def test_a_line_has_the_members_its_sequence_names() -> None:
    team = [member(1, "coach", "primary"), member(2, "other", "primary"), member(3, "boss", "supervisor")]
    lines = (item(1, careTeamSequence=[1, 3]), item(2, careTeamSequence=[2]))
    evidence = evidence_of(claim(*lines, careTeam=team), *PEOPLE)
    assert [[each.key for each in line.renderers] for line in evidence.lines] == [
        ["Practitioner/coach"],
        ["Practitioner/other"],
    ]
    assert [[each.key for each in line.supervisors] for line in evidence.lines] == [["Practitioner/boss"], []]


@pytest.mark.parametrize(
    ("team", "supervises"),
    [
        pytest.param([member(1, "coach", "primary"), member(2, "boss", "supervisor")], ["boss"], id="supervisor"),
        pytest.param(
            [member(1, "coach", "primary"), member(2, "boss", "supervisor", CARIN_ROLES)],
            ["boss"],
            id="CARIN supervisor",
        ),
        pytest.param([member(1, "coach", "primary"), member(2, "boss", responsible=True)], ["boss"], id="responsible"),
        pytest.param([member(1, "coach", "primary"), member(2, "other", "assist")], [], id="an assistant does not"),
        pytest.param([member(1, "coach", "primary")], [], id="nobody"),
    ],
)
def test_who_supervises(team: list[Json], supervises: list[str]) -> None:
    evidence = found_for(claim(careTeam=team), *PEOPLE)
    assert [each.key for each in evidence.supervisors] == [f"Practitioner/{each}" for each in supervises]


def test_a_role_leads_to_its_practitioner() -> None:
    role = resource("PractitionerRole/r", practitioner=to("Practitioner/coach"))
    team = [{"sequence": 1, "provider": to("PractitionerRole/r")}]
    (coach,) = found_for(claim(careTeam=team), *PEOPLE, role).renderers
    assert coach.key == "Practitioner/coach"
    assert coach.practitioner is not None
    assert [each.located.key for each in coach.roles] == ["PractitionerRole/r"]


def test_a_practitioner_brings_every_role() -> None:
    roles = [resource(f"PractitionerRole/{id}", practitioner=to("Practitioner/coach")) for id in "ba"]
    (coach,) = found_for(claim(careTeam=[member(1, "coach")]), *PEOPLE, *roles).renderers
    assert [each.located.key for each in coach.roles] == ["PractitionerRole/a", "PractitionerRole/b"]


def test_somebody_named_but_not_on_file_is_known_to_be_unknown() -> None:
    (coach,) = found_for(claim(careTeam=[member(1, "nobody", "primary")]), *PEOPLE, *VISIT).renderers
    assert (coach.key, coach.practitioner) == ("Practitioner/nobody", None)


def test_an_organization_renders_nothing_itself() -> None:
    team = [{"sequence": 1, "provider": to("Organization/clinic"), "role": concept("primary", ROLES)}]
    evidence = found_for(claim(careTeam=team), *PEOPLE, *VISIT, resource("Organization/clinic"))
    assert [each.key for each in evidence.renderers] == ["Practitioner/performer"]


def test_the_issuer_of_a_certificate_is_followed() -> None:
    board = resource("Organization/board", name="National Board for Health and Wellness Coaching")
    coach = resource("Practitioner/coach", qualification=[{"issuer": to("Organization/board")}])
    (found,) = found_for(claim(careTeam=[member(1, "coach")]), coach, board).renderers
    assert [record.located.key for record in found.issuers.values()] == ["Organization/board"]
