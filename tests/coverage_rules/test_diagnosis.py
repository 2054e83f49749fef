"""What the service was for (rows 59 to 65)."""

from __future__ import annotations

from datetime import date

import pytest
from coverage_rules.sessions import a_diagnosis, a_session, put, said_by, sourced
from coverage_rules.verdicts import (
    MET,
    NOT_APPLICABLE,
    Says,
    answers,
    denies,
    pends,
    rejects,
    reviews,
    row,
    warns,
    with_value,
)

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code, Diagnosis


def pointing(*pointed: Diagnosis, beside: tuple[Diagnosis, ...] = ()) -> CoachingSession:
    """A line that points to some diagnoses; the claim has ``beside`` as well."""
    session = put(a_session(), "line.diagnoses", pointed)
    return put(session, "claim.diagnoses", (*pointed, *beside))


NONE = rejects("none", "16", "MA63")
DANGLING = rejects("dangling", "16", "M76")
LOST = Diagnosis(2, (), said_by("Claim/1", "Claim.diagnosis[1]"), unresolved=True)
SNOMED = Diagnosis(1, (sourced(Code("197480006", "SNOMED")),), said_by("Claim/1", "Claim.diagnosis[0]"))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), MET, id="the line points to a diagnosis"),
        row(a_session(diagnoses=()), NONE, id="no diagnosis on the claim"),
        row(
            put(a_session(), "line.points_to_diagnoses", False), warns("no_pointer"), id="no pointer: all of them count"
        ),
        row(put(a_session(), "line.dangling_pointers", (2,)), DANGLING, id="a pointer to nothing"),
    ],
)
def test_diagnosis_present(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "diagnosis_present", session) == [expected]


UNKNOWN, HEADER = rejects("unknown", "16", "M76"), rejects("header", "16", "M81")
UNRESOLVED, SEVERAL = pends("unresolved", "N706"), pends("several", "M76", "N206")


def coded(*codes: str) -> Diagnosis:
    """One diagnosis with several ICD-10-CM codings."""
    return a_diagnosis(codes[0], codes=tuple(sourced(Code(each, "ICD-10-CM")) for each in codes))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(pointing(a_diagnosis("F41.1")), [MET], id="a billable code"),
        row(pointing(a_diagnosis("F41", billable=False)), [HEADER], id="the head of a category"),
        row(pointing(a_diagnosis("F41.77", known=False, billable=False)), [UNKNOWN], id="a code that does not exist"),
        row(pointing(SNOMED), [UNKNOWN], id="no code of ICD-10-CM"),
        row(pointing(LOST), [UNRESOLVED], id="a Condition that is not on file"),
        row(pointing(coded("F41.1", "I10")), [SEVERAL], id="two codes of one diagnosis"),
        row(pointing(coded("I10", "F41.1")), [SEVERAL], id="two codes of one diagnosis, the other way round"),
        row(pointing(coded("F41.1", "F41.1")), [MET], id="the same code twice"),
        row(
            pointing(a_diagnosis("F41", billable=False), a_diagnosis("X99.99", 2, known=False), LOST),
            [HEADER, UNKNOWN, UNRESOLVED],
            id="three faults are three findings",
        ),
        row(
            pointing(a_diagnosis("F41.1"), beside=(a_diagnosis("F41", 2, billable=False),)),
            [MET],
            id="a fault in a diagnosis the line does not point to",
        ),
        row(a_session(diagnoses=()), [NOT_APPLICABLE], id="no diagnosis to check"),
    ],
)
def test_diagnosis_valid(book: PolicyBook, session: CoachingSession, expected: list[Says]) -> None:
    assert answers(book, "diagnosis_valid", session) == expected


OUT, ELSEWHERE = denies("out_of_scope", "167", "N569"), pends("points_elsewhere", "N569")
NEAR, UNREADABLE = reviews("near_scope"), pends("unreadable", "N569")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        row("F01.50", MET, id="F01, the first category of the range"),
        row("F99", MET, id="F99, the last category of the range"),
        row("F17.210", MET, id="F17.210, nicotine dependence"),
        row("F41.1", MET, id="F41.1, anxiety"),
        row("F411", MET, id="F411, written without its dot"),
        row("E88.9", OUT, id="E88.9, the chapter before"),
        row("G00.9", OUT, id="G00.9, the chapter after"),
        row("R73.03", OUT, id="R73.03, prediabetes"),
        row("E66.9", OUT, id="E66.9, obesity"),
        row("I10", OUT, id="I10, hypertension"),
        row("O99.340", NEAR, id="O99.340, mental disorder in pregnancy"),
        row("O99.330", OUT, id="O99.330, the code before it"),
        row("O99.350", OUT, id="O99.350, the code after it"),
        row("Z71.3", NEAR, id="Z71.3, counselling"),
        row("Z63.0", NEAR, id="Z63.0, family circumstances"),
        row("Z62.0", OUT, id="Z62.0, the category before"),
        row("Z72.0", OUT, id="Z72.0, the category after"),
    ],
)
def test_diagnosis_in_scope(book: PolicyBook, code: str, expected: Says) -> None:
    assert answers(book, "diagnosis_in_scope", a_session(diagnoses=[code])) == [expected]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(pointing(a_diagnosis("I10"), a_diagnosis("F41.1", 2)), MET, id="one of two is in scope"),
        row(pointing(a_diagnosis("F17.210"), a_diagnosis("F41.1", 2)), MET, id="two in scope: the first is named"),
        row(pointing(a_diagnosis("I10"), beside=(a_diagnosis("F41.1", 2),)), ELSEWHERE, id="the line points elsewhere"),
        row(
            pointing(a_diagnosis("I10"), beside=(a_diagnosis("F17.210", 2), a_diagnosis("F41.1", 3))),
            ELSEWHERE,
            id="two in scope, the line points elsewhere: the first is named",
        ),
        row(pointing(a_diagnosis("I10"), a_diagnosis("Z71.3", 2)), NEAR, id="one out of scope, one near"),
        row(pointing(a_diagnosis("Z71.3"), beside=(a_diagnosis("F41.1", 2),)), ELSEWHERE, id="points to a near one"),
        row(pointing(LOST), UNREADABLE, id="the only diagnosis cannot be read"),
        row(pointing(SNOMED), UNREADABLE, id="the only diagnosis is not of ICD-10-CM"),
        row(pointing(a_diagnosis("F41.1"), LOST), MET, id="one in scope, one that cannot be read"),
        row(
            pointing(a_diagnosis("I10"), LOST),
            UNREADABLE,
            id="one out of scope, one that cannot be read",
        ),
        row(a_session(diagnoses=()), NOT_APPLICABLE, id="no diagnosis at all is another rule's question"),
    ],
)
def test_several_diagnoses(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "diagnosis_in_scope", session) == [expected]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        row("F09", OUT, id="the category before the range"),
        row("F10.20", MET, id="a code of the first category"),
        row("F14.20", MET, id="a code in between"),
        row("F19.20", MET, id="a code of the last category"),
        row("F20.9", OUT, id="the category after the range"),
    ],
)
def test_a_plan_for_substance_use_alone(book: PolicyBook, code: str, expected: Says) -> None:
    stated = with_value(book, "diagnosis_in_scope", "covered_diagnoses", ["F10-F19"])
    assert answers(stated, "diagnosis_in_scope", a_session(diagnoses=[code])) == [expected]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        row(date(2023, 4, 14), [], id="the day before A015 no diagnosis is asked for"),
        row(date(2023, 4, 15), [OUT], id="on the first day of A015"),
    ],
)
def test_from_the_first_day_of_the_policy(book: PolicyBook, on: date, expected: list[Says]) -> None:
    assert answers(book, "diagnosis_in_scope", a_session(on=on, diagnoses=["I10"])) == expected
