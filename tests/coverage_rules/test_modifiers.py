"""What the line's modifiers say (rows 66 to 68; coverage facts, 2.7 and S45)."""

from __future__ import annotations

from datetime import date

import pytest
from coverage_rules.sessions import a_session, put, sourced
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, denies, rejects, reviews, row, warns

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code

LISTED = [
    "95",
    "GT",
    "GQ",
    "93",
    "FQ",
    "G0",
    "FR",
    "HQ",
    "22",
    "25",
    "52",
    "59",
    "XE",
    "XP",
    "XS",
    "XU",
    "76",
    "77",
    "KX",
    "GY",
    "GZ",
    "HE",
    "HF",
    "HH",
    "HM",
    "HN",
    "HO",
    "U1",
    "U2",
    "U3",
    "U4",
    "U5",
    "U6",
    "U7",
    "U8",
    "U9",
    "UA",
    "UB",
    "UC",
    "UD",
]
"""Coverage facts, section 2.7."""
UNKNOWN = rejects("unknown", "16", "N823")


@pytest.mark.parametrize("modifier", LISTED)
def test_known(book: PolicyBook, modifier: str) -> None:
    assert answers(book, "modifiers_known", a_session(modifiers=[modifier])) == [MET]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), [MET], id="no modifier"),
        row(a_session(modifiers=["ZZ"]), [UNKNOWN], id="ZZ"),
        row(a_session(modifiers=["hq"]), [UNKNOWN], id="hq in lower case"),
        row(a_session(modifiers=["95", "ZZ"]), [UNKNOWN], id="one known, one unknown"),
        row(a_session(modifiers=["ZZ", "QQQ"]), [UNKNOWN, UNKNOWN], id="each unknown one is reported"),
        row(
            put(a_session(), "line.modifiers", (sourced(Code("95", "SNOMED")),)), [UNKNOWN], id="of another code system"
        ),
    ],
)
def test_unknown(book: PolicyBook, session: CoachingSession, expected: list[Says]) -> None:
    assert answers(book, "modifiers_known", session) == expected


EARLY = denies("not_in_effect", "182")


@pytest.mark.parametrize(
    ("modifier", "on", "expected"),
    [
        row("93", date(2021, 12, 31), EARLY, id="93 the day before it began"),
        row("93", date(2022, 1, 1), MET, id="93 on the day it began"),
        row("FQ", date(2021, 12, 31), EARLY, id="FQ the day before it began"),
        row("FQ", date(2022, 1, 1), MET, id="FQ on the day it began"),
        row("GD", date(2020, 1, 1), EARLY, id="GD the day after it ended"),
        row("GD", date(2019, 12, 31), MET, id="GD on its last day"),
        row("22", date(2020, 1, 1), MET, id="22 is older than the codes"),
        row("ZZ", date(2023, 6, 1), MET, id="an unknown one is another rule's question"),
    ],
)
def test_in_effect(book: PolicyBook, modifier: str, on: date, expected: Says) -> None:
    session = a_session(code="H0038", on=on, modifiers=[modifier])
    assert answers(book, "modifiers_in_effect", session) == [expected]


def test_without_a_date_nothing_is_out_of_effect(book: PolicyBook) -> None:
    session = put(put(a_session(modifiers=["93"]), "line.serviced", None), "visit.encounter.period", None)
    assert answers(book, "modifiers_in_effect", session) == [MET]


SILENT, REVIEW = warns("silent"), reviews("review")


@pytest.mark.parametrize(
    ("modifiers", "expected"),
    [
        row([], [MET], id="no modifier"),
        row(["25"], [SILENT], id="25, a separate visit"),
        row(["59"], [SILENT], id="59, a separate service"),
        row(["HE"], [SILENT], id="HE, a mental health program"),
        row(["HO"], [SILENT], id="HO, a master's degree"),
        row(["U1"], [SILENT], id="U1, defined by Medicaid"),
        row(["XU"], [SILENT], id="XU, an unusual service apart"),
        row(["52"], [REVIEW], id="52, less than the full service"),
        row(["76"], [REVIEW], id="76, done again"),
        row(["77"], [REVIEW], id="77, done again by another person"),
        row(["GY"], [REVIEW], id="GY, excluded by law"),
        row(["GZ"], [REVIEW], id="GZ, expected to be denied"),
        row(["KX"], [REVIEW], id="KX, requirements said to be met"),
        row(["FR"], [REVIEW], id="FR, the supervisor present by video"),
        row(["95", "93", "HQ", "22"], [MET], id="those that rules of their own decide"),
        row(["95", "25"], [SILENT], id="one that a rule of its own decides, then 25"),
        row(["ZZ", "52"], [REVIEW], id="an unknown one, then 52"),
        row(["ZZ"], [MET], id="an unknown one is another rule's question"),
        row(["25", "52"], [SILENT, REVIEW], id="each one is spoken of"),
    ],
)
def test_meaning(book: PolicyBook, modifiers: list[str], expected: list[Says]) -> None:
    assert answers(book, "modifiers_meaning", a_session(modifiers=modifiers)) == expected


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), NOT_APPLICABLE, id="no modifier"),
        row(a_session(modifiers=["25"]), NOT_APPLICABLE, id="25, a separate visit"),
        row(a_session(modifiers=["52"]), NOT_APPLICABLE, id="52, less than the full service"),
        row(a_session(modifiers=["ZZ"]), NOT_APPLICABLE, id="an unknown modifier"),
        row(
            put(
                a_session(modifiers=["22"]),
                "line.modifiers",
                tuple(sourced(Code("22", "CPT"), f"Claim.item[0].modifier[{at}]") for at in (0, 1)),
            ),
            warns("no_narrative", "M69"),
            id="modifier 22 twice: the first is shown",
        ),
        row(a_session(modifiers=["22"]), warns("no_narrative", "M69"), id="modifier 22 without a narrative"),
        row(
            put(a_session(modifiers=["22"]), "line.narrative_on_file", sourced(True)),
            MET,
            id="modifier 22 with a narrative",
        ),
    ],
)
def test_increased_service(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "increased_service", session) == [expected]


def test_a_modifier_in_text_only_is_no_modifier(book: PolicyBook) -> None:
    session = put(a_session(), "line.modifiers_without_code", (sourced(True, "Claim.item[0].modifier"),))
    assert answers(book, "modifiers_known", session) == [UNKNOWN]
