"""What else a coach did at the same time: found by code and performer, never told with whom."""

from __future__ import annotations

from typing import Any

import pytest
from evidence.small_world import encounter, mappings, procedure, resource, to

from adapter.evidence.coaches import NO_SESSIONS, CoachSession, CoachSessions, sessions_by_coach
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.mapper import Mapper
from adapter.session.model import Origin, Sourced
from adapter.session.time import Interval, parse_moment

Json = dict[str, Any]
CPT = "http://www.ama-assn.org/go/cpt"
TEN = {"start": "2023-06-01T10:00:00-04:00", "end": "2023-06-01T10:40:00-04:00"}


INDIVIDUAL = set(mappings().scope) - {"0593T"}


def found(*resources: Json) -> list[tuple[str, CoachSession]]:
    store = EvidenceStore()
    store.extend(Located(each) for each in resources)
    by_coach = sessions_by_coach(store, Mapper(mappings().resources, mappings().systems), INDIVIDUAL)
    return [(coach, each) for coach, sessions in by_coach.items() for each in sessions]


def held(*resources: Json) -> list[tuple[str, str | None]]:
    """(coach, patient) of every session found."""
    return sorted((coach, each.patient) for coach, each in found(*resources))


BY_ANN: Json = {"performer": [{"actor": to("Practitioner/ann")}], "performedPeriod": TEN}
WITH_ANN: Json = {"participant": [{"individual": to("Practitioner/ann")}], "period": TEN}
ROLE = {**resource("PractitionerRole/r"), "practitioner": to("Practitioner/ann")}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param(
            [procedure("p", **BY_ANN)], [("Practitioner/ann", "Patient/p")], id="a procedure by its performer"
        ),
        pytest.param(
            [encounter("e", **WITH_ANN)], [("Practitioner/ann", "Patient/p")], id="a visit by its participant"
        ),
        pytest.param(
            [ROLE, procedure("p", **{**BY_ANN, "performer": [{"actor": to("PractitionerRole/r")}]})],
            [("Practitioner/ann", "Patient/p")],
            id="a role stands for its practitioner",
        ),
        pytest.param([procedure("p", **{**BY_ANN, "status": "not-done"})], [], id="what was not done is no session"),
        pytest.param([procedure("p", performedPeriod=TEN)], [], id="nobody performed it"),
        pytest.param(
            [procedure("p", **BY_ANN) | {"subject": to("Group/g")}], [], id="a group: who was in it nobody can tell"
        ),
        pytest.param(
            [procedure("p", **BY_ANN) | {"code": {"coding": [{"system": CPT, "code": "0593T"}]}}],
            [],
            id="a session for groups",
        ),
        pytest.param(
            [procedure("p", **BY_ANN) | {"code": {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}}],
            [],
            id="another service is none of our business",
        ),
        pytest.param([procedure("p", **BY_ANN) | {"code": {"text": "coaching"}}], [], id="text is no code"),
        pytest.param([procedure("p", **BY_ANN) | {"code": {"coding": 7}}], [], id="a coding of the wrong shape"),
        pytest.param(
            [procedure("p", **BY_ANN) | {"code": {"coding": [{"code": {}}]}}], [], id="a code of the wrong shape"
        ),
    ],
)
def test_sessions_by_coach(resources: list[Json], expected: list[tuple[str, str]]) -> None:
    assert held(*resources) == expected


def test_a_session_knows_the_records_that_show_it() -> None:
    """By them a line tells its own visit from other sessions, whoever the record says was there."""
    ((_, part),) = found(procedure("p", **BY_ANN, encounter=to("Encounter/e")))
    assert part.records == {"Procedure/p", "Encounter/e"}
    ((_, whole),) = found(encounter("e", **WITH_ANN))
    assert whole.records == {"Encounter/e"}


def session(start: str, end: str | None, name: str) -> CoachSession:
    interval = Interval(parse_moment(start), parse_moment(end) if end else None)
    return CoachSession(Sourced(interval, Origin(name, "period")), name, frozenset([name]))


DAY = [
    session("2023-06-01T14:00:00Z", "2023-06-01T15:00:00Z", "afternoon"),
    session("2023-06-01T10:00:00Z", "2023-06-01T10:40:00Z", "ten"),
    session("2023-06-01T00:00:00Z", "2023-06-01T10:00:01Z", "all night"),
    session("2023-06-01T10:00:00Z", None, "no end"),
    session("2023-06-01", "2023-06-01", "no time of day"),
    session("2023-06-01T06:20:00-04:00", "2023-06-01T07:00:00-04:00", "twenty past ten"),
]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param("2023-06-01T10:00:00Z", "2023-06-01T11:00:00Z", ["ten", "all night", "twenty past ten"], id="all"),
        pytest.param("2023-06-01T10:00:01Z", "2023-06-01T11:00:00Z", ["ten", "twenty past ten"], id="as it ends"),
        pytest.param("2023-06-01T10:40:00Z", "2023-06-01T11:00:00Z", ["twenty past ten"], id="after one, during one"),
        pytest.param("2023-06-01T11:00:00Z", "2023-06-01T14:00:00Z", [], id="between two"),
        pytest.param("2023-06-01T11:00:00Z", "2023-06-01T14:00:01Z", ["afternoon"], id="a second into the next"),
        pytest.param("2023-06-01T10:10:00Z", None, [], id="its own end is unknown"),
        pytest.param("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z", [], id="the first day of the calendar"),
    ],
)
def test_overlapping_sessions_in_the_order_of_the_records(start: str, end: str | None, expected: list[str]) -> None:
    interval = Interval(parse_moment(start), parse_moment(end) if end else None)
    assert [each.patient for each in CoachSessions.of(DAY).overlapping(interval)] == expected


def test_a_coach_without_sessions() -> None:
    assert NO_SESSIONS.overlapping(DAY[0].interval.value) == []
