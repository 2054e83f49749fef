"""Whether a session is on file, took place, and is the one the line bills (rows 8, 42, 43; beyond the table)."""

from __future__ import annotations

import pytest
from coverage_rules.sessions import (
    DAY,
    PATIENT,
    a_procedure,
    a_session,
    an_encounter,
    at_ten,
    ongoing,
    put,
    said_by,
    sourced,
    without,
)
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, ask, denies, pends, rejects, row, warns

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code

NO_VISIT = without(a_session(), "visit.encounter")
ENCOUNTER_ORIGIN, PROCEDURE_ORIGIN = said_by("Encounter/2", "Encounter"), said_by("Procedure/2", "Procedure")
NOTHING, RIVALS = pends("nothing", "N706"), pends("rivals", "N206")
LOST = (sourced("Encounter/gone", "Claim.item[0].encounter[0]"),)
BOTH = a_session(procedure=a_procedure(at_ten(DAY, 45)))
ONLY_PROCEDURE = without(BOTH, "visit.encounter")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), [MET], id="an encounter"),
        row(ONLY_PROCEDURE, [MET], id="a procedure"),
        row(BOTH, [MET], id="both"),
        row(NO_VISIT, [NOTHING], id="neither"),
        row(
            put(NO_VISIT, "visit.rivals", (ENCOUNTER_ORIGIN, PROCEDURE_ORIGIN)), [RIVALS], id="two and no way to choose"
        ),
        row(
            put(NO_VISIT, "visit.unresolved", LOST), [warns("unresolved"), NOTHING], id="a reference that leads nowhere"
        ),
        row(
            put(a_session(), "visit.unresolved", LOST),
            [warns("unresolved"), MET],
            id="... and another way to the visit",
        ),
        row(put(NO_VISIT, "visit.ignored", (ENCOUNTER_ORIGIN,)), [warns("ignored"), NOTHING], id="entered in error"),
        row(
            put(a_session(), "visit.ignored", (PROCEDURE_ORIGIN,)), [warns("ignored"), MET], id="... and something left"
        ),
    ],
)
def test_evidence_on_file(book: PolicyBook, session: CoachingSession, expected: list[Says]) -> None:
    assert answers(book, "evidence_on_file", session) == expected


def test_a_lost_reference_is_named(book: PolicyBook) -> None:
    lost, _ = ask(book, "evidence_on_file", put(NO_VISIT, "visit.unresolved", LOST))
    assert "Encounter/gone" in lost.found


OTHER, UNNAMED = pends("other_patient", "N206"), pends("unnamed", "N206")
SOMEBODY, GROUP = sourced("Patient/2", "Encounter.subject"), sourced("Group/1", "Encounter.subject")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(BOTH, MET, id="encounter and procedure are the patient's"),
        row(put(a_session(), "visit.encounter.patient", SOMEBODY), OTHER, id="the encounter is another patient's"),
        row(put(BOTH, "visit.procedure.patient", SOMEBODY), OTHER, id="the procedure is another patient's"),
        row(
            put(a_session(), "visit.encounter.patient", sourced("Patient/0", "Encounter.subject")),
            OTHER,
            id="the encounter is a third patient's",
        ),
        row(
            put(put(a_session(), "visit.encounter.patient", SOMEBODY), "visit.encounter.for_group", sourced(False)),
            OTHER,
            id="another patient, who is no group",
        ),
        row(without(a_session(), "visit.encounter.patient"), UNNAMED, id="the encounter names nobody"),
        row(without(BOTH, "visit.encounter.patient"), MET, id="only the procedure names the patient"),
        row(
            put(put(a_session(), "visit.encounter.patient", GROUP), "visit.encounter.for_group", sourced(True)),
            MET,
            id="a group is another rule's question",
        ),
        row(NO_VISIT, NOT_APPLICABLE, id="no visit on file"),
        row(without(a_session(), "claim.patient"), NOT_APPLICABLE, id="the claim names no patient"),
    ],
)
def test_evidence_of_patient(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "evidence_of_patient", session) == [expected]


def recorded(*codes: str, kind: str = "encounter") -> CoachingSession:
    read = tuple(sourced(Code(each, "CPT"), f"{kind.title()}.code", f"{kind.title()}/1") for each in codes)
    return put(BOTH if kind == "procedure" else a_session(), f"visit.{kind}.service_codes", read)


def both_recorded(procedure: str, encounter: str) -> CoachingSession:
    """A procedure and its visit, each with a code."""
    coded = (sourced(Code(encounter, "CPT"), "Encounter.type[0]", "Encounter/1"),)
    return put(recorded(procedure, kind="procedure"), "visit.encounter.service_codes", coded)


TWO_OTHERS = put(
    a_session(),
    "visit.encounter.service_codes",
    tuple(
        sourced(Code(each, "CPT"), f"Encounter.type[{at}]", "Encounter/1") for at, each in enumerate(["0593T", "0591T"])
    ),
)
OTHER_SERVICE = pends("other_service", "N206")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="the record is not coded"),
        row(recorded("0592T"), MET, id="the code that is billed"),
        row(recorded("0591T"), OTHER_SERVICE, id="another coaching code"),
        row(recorded("0591T", "0592T"), MET, id="the billed code among two"),
        row(recorded("99213"), MET, id="a code of no coaching service"),
        row(recorded("0593T", kind="procedure"), OTHER_SERVICE, id="the procedure is a group session"),
        row(recorded("0592T", kind="procedure"), MET, id="the procedure is what is billed"),
        row(both_recorded("0592T", "0591T"), MET, id="the procedure is what is billed, whatever its visit says"),
        row(both_recorded("0591T", "0592T"), OTHER_SERVICE, id="the visit is what is billed, its procedure another"),
        row(both_recorded("99213", "0591T"), OTHER_SERVICE, id="the procedure is no coaching, its visit another"),
        row(TWO_OTHERS, OTHER_SERVICE, id="two other coaching codes"),
        row(NO_VISIT, NOT_APPLICABLE, id="no visit on file"),
        row(without(recorded("0591T"), "line.services"), NOT_APPLICABLE, id="the line has no code"),
    ],
)
def test_evidence_of_service(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "evidence_of_service", session) == [expected]


def visit(status: str | None, *, over: bool = True, procedure: str | None = "") -> CoachingSession:
    """A visit of a status, with or without an end, and a procedure of another status where one is named."""
    interval = at_ten(DAY, 45) if over else ongoing("2023-06-01T10:00:00-04:00")
    shown = a_procedure(interval, status=procedure) if procedure != "" else None
    return a_session(encounter=an_encounter(interval, status=status), procedure=shown)


UNDATED_PLAN = a_session(encounter=an_encounter(None, status="planned"))
UNFINISHED = rejects("unfinished", "16", "M59", "N301")
CANCELLED, UNCLEAR = denies("cancelled", "96", "N441"), pends("status_unclear", "N206")


@pytest.mark.parametrize(
    ("session", "finished", "took_place"),
    [
        row(visit("finished"), MET, MET, id="finished"),
        row(
            visit("finished", over=False),
            MET,
            MET,
            id="finished, without an end: the times are another rule's question",
        ),
        row(visit("in-progress", over=False), UNFINISHED, NOT_APPLICABLE, id="in progress, without an end"),
        row(visit("planned", over=False), UNFINISHED, NOT_APPLICABLE, id="planned, without an end"),
        row(visit("arrived", over=False), UNFINISHED, NOT_APPLICABLE, id="arrived, without an end"),
        row(UNDATED_PLAN, UNFINISHED, NOT_APPLICABLE, id="planned, without any time"),
        row(visit("in-progress"), MET, UNCLEAR, id="in progress, yet with an end"),
        row(visit("cancelled"), MET, CANCELLED, id="cancelled"),
        row(visit("cancelled", over=False), MET, CANCELLED, id="cancelled, without an end"),
        row(visit("unknown"), MET, UNCLEAR, id="of unknown status"),
        row(visit(None), NOT_APPLICABLE, UNCLEAR, id="without a status"),
        row(visit("finished", procedure="completed"), MET, MET, id="finished and completed"),
        row(visit("finished", procedure="not-done"), MET, CANCELLED, id="finished, but the procedure was not done"),
        row(visit("cancelled", procedure="completed"), MET, CANCELLED, id="cancelled, though a procedure is completed"),
        row(visit("finished", procedure="finished"), MET, UNCLEAR, id="finished, which no procedure is"),
        row(visit("finished", procedure="stopped"), MET, UNCLEAR, id="finished, the procedure was stopped"),
        row(visit("finished", procedure=None), MET, UNCLEAR, id="finished, the procedure has no status"),
        row(visit("finished", over=False, procedure="in-progress"), UNFINISHED, NOT_APPLICABLE, id="procedure goes on"),
        row(visit("completed"), MET, UNCLEAR, id="completed, which no visit of R4 is"),
        row(NO_VISIT, NOT_APPLICABLE, NOT_APPLICABLE, id="no visit on file"),
    ],
)
def test_status(book: PolicyBook, session: CoachingSession, finished: Says, took_place: Says) -> None:
    assert answers(book, "session_finished", session) == [finished]
    assert answers(book, "session_took_place", session) == [took_place]


def test_the_patient_is_who_the_claim_is_for(book: PolicyBook) -> None:
    (found,) = ask(book, "evidence_of_patient", put(a_session(), "visit.encounter.patient", SOMEBODY))
    assert PATIENT not in found.found
    assert [each.value for each in found.used] == ["Patient/2"]
