"""What the record says about the session (row 95)."""

from __future__ import annotations

import pytest
from coverage_rules.sessions import DOCUMENTED, a_session, put, sourced, without
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, ask, pends, row, with_value

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession

MISSING = pends("missing", "N706")


def documented(*elements: str, note: bool = False) -> CoachingSession:
    session = put(
        a_session(), "documentation.elements", tuple(sourced(each, "CarePlan", "CarePlan/1") for each in elements)
    )
    return session if note else put(session, "documentation.note_on_file", None)


@pytest.mark.parametrize(
    ("strictness", "session", "expected"),
    [
        row("note_on_file", documented(note=True), MET, id="default: a note on file"),
        row("note_on_file", documented(*DOCUMENTED), MET, id="default: no note, each element coded"),
        row("note_on_file", documented(*DOCUMENTED[1:]), MISSING, id="default: no note, one element missing"),
        row("note_on_file", documented(), MISSING, id="default: nothing"),
        row("elements", documented(note=True), MISSING, id="elements: a note is not enough"),
        row("elements", documented(*DOCUMENTED), MET, id="elements: each one coded"),
        row("elements", documented(*DOCUMENTED[:-1], note=True), MISSING, id="elements: the last one missing"),
        row("off", documented(), NOT_APPLICABLE, id="off: nothing is asked for"),
        row("note_on_file", without(a_session(), "visit.encounter"), NOT_APPLICABLE, id="no visit on file"),
        row(
            "note_on_file",
            put(documented(), "line.services", a_session(code="H0038").line.services),
            MISSING,
            id="peers",
        ),
    ],
)
def test_documentation(book: PolicyBook, strictness: str, session: CoachingSession, expected: Says) -> None:
    asked = with_value(book, "documentation", "documentation", strictness)
    assert answers(asked, "documentation", session) == [expected]


@pytest.mark.parametrize("element", DOCUMENTED)
def test_each_missing_element_is_named(book: PolicyBook, element: str) -> None:
    words = {
        "topics": "topics addressed",
        "measurable_goals": "measurable goals",
        "barriers": "barriers discussed",
        "interventions": "interventions or skills taught",
        "readiness": "patient readiness",
        "follow_up_plan": "follow-up plan",
        "progress": "review of prior goals and progress",
    }
    others = [each for each in DOCUMENTED if each != element]
    (missing,) = ask(book, "documentation", documented(*others))
    assert missing.found == f"not documented: {words[element]}"
