"""Where the session took place (rows 25 to 28; coverage facts, 2.6 and 3.2)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from coverage_rules.sessions import DAY, a_procedure, a_session, at_ten, put, sourced, without
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
)

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code
from adapter.session.time import Days

OUTPATIENT = ["05", "07", "11", "15", "17", "18", "19", "20", "22", "49", "50", "53", "57", "58", "62", "71", "72"]
UNUSUAL = ["03", "04", "12", "13", "14", "16", "23", "24", "26", "27", "32", "33", "52", "54", "55", "65", "66", "99"]
TELEHEALTH = ["02", "10"]
INPATIENT = ["21", "31", "34", "51", "56", "61"]
UNASSIGNED = [
    f"{number:02}"
    for first, last in ((28, 30), (35, 40), (43, 48), (59, 59), (63, 64), (67, 70), (73, 80), (82, 98))
    for number in range(first, last + 1)
]
LATE = date(2025, 1, 1)
"""A day on which every place of the list was in effect."""

INVALID = rejects("unassigned", "16", "M77")
EARLY = rejects("not_in_effect", "16", "M77")


@pytest.mark.parametrize("place", OUTPATIENT + UNUSUAL + TELEHEALTH + INPATIENT)
def test_assigned(book: PolicyBook, place: str) -> None:
    assert answers(book, "place_of_service", a_session(on=LATE, pos=place)) == [MET]


@pytest.mark.parametrize("place", [*UNASSIGNED, "00", "1", "111", "AB"])
def test_unassigned(book: PolicyBook, place: str) -> None:
    assert answers(book, "place_of_service", a_session(on=LATE, pos=place)) == [INVALID]


@pytest.mark.parametrize(
    ("place", "on", "expected"),
    [
        row("10", date(2021, 12, 31), EARLY, id="10 the day before it began"),
        row("10", date(2022, 1, 1), MET, id="10 on the day it began"),
        row("02", date(2016, 12, 31), EARLY, id="02 the day before it began"),
        row("02", date(2017, 1, 1), MET, id="02 on the day it began"),
        row("27", date(2023, 9, 30), EARLY, id="27 the day before it began"),
        row("27", date(2023, 10, 1), MET, id="27 on the day it began"),
        row("58", date(2019, 12, 31), EARLY, id="58 the day before it began"),
        row("58", date(2020, 1, 1), MET, id="58 on the day it began"),
        row(None, date(2023, 6, 1), NOT_APPLICABLE, id="none recorded"),
    ],
)
def test_place_by_date(book: PolicyBook, place: str | None, on: date, expected: Says) -> None:
    assert answers(book, "place_of_service", a_session(code="H0038", on=on, pos=place)) == [expected]


def test_a_place_of_another_code_system_is_not_read(book: PolicyBook) -> None:
    session = put(a_session(), "line.places", (sourced(Code("11", None, "http://local")),))
    assert answers(book, "place_of_service", session) == [warns("unreadable")]
    assert answers(book, "setting", session) == [warns("class_only")]


# --- the setting

FAILS, CONFLICT, PERSON = denies("inpatient", "58", "N428"), pends("conflict", "M77"), reviews("unusual")
CLASS_ONLY, PLACE_ONLY, UNKNOWN = warns("class_only"), warns("place_only"), pends("unknown", "M77")


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        row(OUTPATIENT, MET, id="outpatient"),
        row(UNUSUAL, PERSON, id="unusual"),
        row(TELEHEALTH, MET, id="telehealth"),
        row(INPATIENT, CONFLICT, id="inpatient"),
    ],
)
def test_every_place_with_an_ambulatory_encounter(book: PolicyBook, places: list[str], expected: Says) -> None:
    found = {place: answers(book, "setting", a_session(on=LATE, pos=place)) for place in places}
    assert found == {place: [expected] for place in places}


@pytest.mark.parametrize(
    ("encounter_class", "place", "expected"),
    [
        row("AMB", "11", MET, id="ambulatory in an office"),
        row("VR", "02", MET, id="virtual, by telehealth"),
        row("VR", "11", MET, id="virtual, billed as office"),
        row("AMB", None, CLASS_ONLY, id="ambulatory, no place"),
        row("VR", None, CLASS_ONLY, id="virtual, no place"),
        row(None, "11", PLACE_ONLY, id="no class, office"),
        row(None, "10", PLACE_ONLY, id="no class, telehealth"),
        row(None, None, UNKNOWN, id="neither class nor place"),
        row("LOCAL", "11", PLACE_ONLY, id="a class that says nothing, office"),
        row("LOCAL", None, UNKNOWN, id="a class that says nothing, no place"),
        row("IMP", "21", FAILS, id="inpatient in a hospital"),
        row("ACUTE", "21", FAILS, id="acute inpatient in a hospital"),
        row("NONAC", "61", FAILS, id="non-acute inpatient in rehabilitation"),
        row("SS", "21", FAILS, id="short stay in a hospital"),
        row("OBSENC", "21", FAILS, id="observation in a hospital"),
        row("IMP", None, FAILS, id="inpatient, no place"),
        row(None, "21", FAILS, id="no class, hospital"),
        row(None, "51", FAILS, id="no class, psychiatric hospital"),
        row(None, "61", FAILS, id="no class, rehabilitation hospital"),
        row("AMB", "21", CONFLICT, id="ambulatory in a hospital"),
        row("AMB", "51", CONFLICT, id="ambulatory in a psychiatric hospital"),
        row("AMB", "61", CONFLICT, id="ambulatory in a rehabilitation hospital"),
        row("IMP", "11", CONFLICT, id="inpatient in an office"),
        row("ACUTE", "22", CONFLICT, id="acute inpatient in an outpatient department"),
        row("EMER", "23", PERSON, id="emergency in an emergency room"),
        row("EMER", "11", PERSON, id="emergency in an office"),
        row("HH", "12", PERSON, id="home health at home"),
        row("AMB", "12", PERSON, id="ambulatory at home"),
        row(None, "12", PERSON, id="no class, at home"),
        row("FLD", None, PERSON, id="in the field, no place"),
    ],
)
def test_setting(book: PolicyBook, encounter_class: str | None, place: str | None, expected: Says) -> None:
    assert answers(book, "setting", a_session(encounter_class=encounter_class, pos=place)) == [expected]


CLASSES = {"outpatient": "AMB", "telehealth": "VR", "unusual": "EMER", "inpatient": "IMP", "silent": None}
PLACES = {"outpatient": "11", "telehealth": "02", "unusual": "12", "inpatient": "21", "silent": None}


@pytest.mark.parametrize(
    ("by_class", "expected"),
    [
        # place of service:   outpatient   telehealth  unusual   inpatient  silent
        row("outpatient", [MET, MET, PERSON, CONFLICT, CLASS_ONLY], id="ambulatory"),
        row("telehealth", [MET, MET, PERSON, CONFLICT, CLASS_ONLY], id="virtual"),
        row("unusual", [PERSON, PERSON, PERSON, CONFLICT, PERSON], id="emergency"),
        row("inpatient", [CONFLICT, CONFLICT, CONFLICT, FAILS, FAILS], id="inpatient"),
        row("silent", [PLACE_ONLY, PLACE_ONLY, PERSON, FAILS, UNKNOWN], id="no class"),
    ],
)
def test_every_pair_of_class_and_place(book: PolicyBook, by_class: str, expected: list[Says]) -> None:
    sessions = [a_session(encounter_class=CLASSES[by_class], pos=place) for place in PLACES.values()]
    assert [answers(book, "setting", each) for each in sessions] == [[each] for each in expected]


def placed(session: CoachingSession, code: str, system: str | None = None) -> CoachingSession:
    return put(session, "line.places", (sourced(Code(code, None, system)),))


def of_class(session: CoachingSession, code: str, system: str | None = None) -> CoachingSession:
    return put(session, "visit.encounter.classes", (sourced(Code(code, None, system)),))


LOCAL = "https://clinic.example/codes"


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(of_class(a_session(), "AMB"), MET, id="AMB without a system"),
        row(of_class(a_session(), "IMP"), CONFLICT, id="IMP without a system, in an office"),
        row(of_class(a_session(), "AMB", LOCAL), PLACE_ONLY, id="AMB of another list"),
        row(of_class(a_session(), "ward", LOCAL), PLACE_ONLY, id="a class of another list"),
        row(of_class(a_session(), "VR", LOCAL), PERSON, id="VR of another list"),
        row(of_class(a_session(), "IMP", LOCAL), PERSON, id="IMP of another list"),
        row(placed(a_session(), "11"), CLASS_ONLY, id="11 without a system"),
        row(placed(a_session(), "02"), PERSON, id="02 without a system"),
        row(placed(a_session(), "21"), PERSON, id="21 without a system"),
        row(placed(a_session(), "21", LOCAL), PERSON, id="21 of another list"),
        row(placed(a_session(), "room 7", LOCAL), CLASS_ONLY, id="a place of another list"),
    ],
)
def test_codes_of_another_list_never_speak_for_the_claim(
    book: PolicyBook, session: CoachingSession, expected: Says
) -> None:
    assert answers(book, "setting", session) == [expected]


def of_places(*codes: Code) -> CoachingSession:
    return put(a_session(on=LATE), "line.places", tuple(map(sourced, codes)))


def of_classes(*codes: Code) -> CoachingSession:
    return put(a_session(), "visit.encounter.classes", tuple(map(sourced, codes)))


def pos(code: str) -> Code:
    return Code(code, "POS")


def act(code: str) -> Code:
    return Code(code, "V3-ACT")


SEVERAL = pends("several", "M77", "N206")
OFFICE = Code("OFFICE", None, LOCAL)


@pytest.mark.parametrize(
    ("codes", "form", "expected"),
    [
        row((OFFICE, pos("11")), [MET], MET, id="a local code beside the standard one"),
        row((OFFICE, pos("02")), [MET], MET, id="a local code beside telehealth"),
        row((OFFICE, pos("21")), [MET], CONFLICT, id="a local code beside a hospital"),
        row((Code("21", None, LOCAL), pos("11")), [MET], MET, id="a local code that looks like a hospital"),
        row((OFFICE, Code("21")), [warns("unreadable")], PERSON, id="none of the standard list"),
        row((pos("11"), pos("11")), [MET], MET, id="the same place twice"),
        row((pos("11"), pos("22")), [SEVERAL], MET, id="two outpatient places"),
        row((pos("11"), pos("02")), [SEVERAL], MET, id="office and telehealth"),
        row((pos("11"), pos("12")), [SEVERAL], PERSON, id="office and home"),
        row((pos("11"), pos("21")), [SEVERAL], CONFLICT, id="office and hospital"),
        row((pos("11"), pos("98")), [INVALID, SEVERAL], MET, id="office and an unassigned place"),
    ],
)
def test_several_codes_of_one_place(
    book: PolicyBook, codes: tuple[Code, ...], form: list[Says], expected: Says
) -> None:
    """The standard code counts wherever it stands; of two different ones none is picked."""
    for order in (codes, codes[::-1]):
        assert answers(book, "place_of_service", of_places(*order)) == form
        assert answers(book, "setting", of_places(*order)) == [expected]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        row((act("AMB"), act("IMP")), CONFLICT, id="ambulatory and inpatient"),
        row((act("VR"), act("IMP")), CONFLICT, id="virtual and inpatient"),
        row((act("EMER"), act("IMP")), CONFLICT, id="emergency and inpatient"),
        row((act("AMB"), act("EMER")), PERSON, id="ambulatory and emergency"),
        row((act("AMB"), act("VR")), MET, id="ambulatory and virtual"),
        row((act("IMP"), act("ACUTE")), CONFLICT, id="inpatient twice over, in an office"),
        row((act("LOCAL"), act("AMB")), MET, id="a class that says nothing, and ambulatory"),
        row((Code("ward", None, LOCAL), act("IMP")), CONFLICT, id="a local class beside inpatient"),
        row((Code("IMP", None, LOCAL), act("AMB")), MET, id="a local class beside ambulatory"),
        row((Code("ward", None, LOCAL), Code("IMP", None, LOCAL)), PERSON, id="local classes only"),
    ],
)
def test_several_classes_of_one_encounter(book: PolicyBook, codes: tuple[Code, ...], expected: Says) -> None:
    """R5 has a list of classes: all of them count, in any order."""
    for order in (codes, codes[::-1]):
        assert answers(book, "setting", of_classes(*order)) == [expected]


def in_hospital(session: CoachingSession, first: date, last: date | None) -> CoachingSession:
    stay = sourced(Days(first, last), "Claim.supportingInfo[0].timing")
    return put(session, "claim.hospitalized", (stay,))


DAY_BEFORE, DAY_AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
SILENT = a_session(encounter_class=None, pos=None)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(in_hospital(a_session(), DAY_BEFORE, DAY_AFTER), CONFLICT, id="ambulatory in an office, during a stay"),
        row(in_hospital(a_session(), DAY, DAY), CONFLICT, id="a stay of that day"),
        row(in_hospital(a_session(), DAY_AFTER, None), MET, id="a stay from the day after"),
        row(in_hospital(a_session(), DAY_BEFORE, DAY_BEFORE), MET, id="a stay that ended the day before"),
        row(in_hospital(a_session(pos="12"), DAY, None), CONFLICT, id="at home during a stay"),
        row(in_hospital(a_session(encounter_class="IMP", pos="21"), DAY, None), FAILS, id="inpatient during a stay"),
        row(in_hospital(SILENT, DAY, None), FAILS, id="nothing else recorded"),
        row(
            in_hospital(without(SILENT, "line.serviced", "visit.encounter.period"), DAY, None),
            UNKNOWN,
            id="no date of service",
        ),
    ],
)
def test_a_hospital_stay_on_the_claim(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "setting", session) == [expected]


ONLY_PROCEDURE = without(a_session(procedure=a_procedure(at_ten(date(2023, 6, 1), 45))), "visit.encounter")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(ONLY_PROCEDURE, PLACE_ONLY, id="office"),
        row(without(ONLY_PROCEDURE, "line.places"), UNKNOWN, id="no place"),
    ],
)
def test_without_an_encounter(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "setting", session) == [expected]
