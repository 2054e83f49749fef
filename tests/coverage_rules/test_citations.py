"""What a finding rests on: the dated value that was looked up, where it is written, and whose word it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from coverage_rules.layers import stating
from coverage_rules.sessions import a_person, a_session, credential, put, sourced
from coverage_rules.verdicts import ask, row

from adapter.coverage.finding import Finding
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession

PLAN, BULLETIN, OVERVIEW, BASIS, A015 = (
    "Plan document",
    "Bulletin 24-7",
    "Overview of CPT 0592T",
    "Common claim rules",
    "Cigna A015",
)
OTHER = a_person(credential(None))


def cited(found: tuple[Finding, ...]) -> tuple[str, str]:
    """Document and layer of the one finding."""
    (finding,) = found
    return finding.citation.document, finding.citation.layer


def of_plan(session: CoachingSession) -> CoachingSession:
    return put(session, "claim.coverages.0.plans", (sourced("gold", "Coverage.class[0].value", "Coverage/1"),))


@pytest.mark.parametrize(
    ("on", "minutes", "document"),
    [
        row(date(2023, 12, 31), 29, OVERVIEW, id="a denial of the day before"),
        row(date(2024, 1, 1), 59, BULLETIN, id="a denial by the new value"),
        row(date(2024, 1, 1), 60, BULLETIN, id="its minimum met"),
    ],
)
def test_the_dated_value_is_cited(book: PolicyBook, on: date, minutes: int, document: str) -> None:
    later = {"minimum_minutes": [("2024-01-01", {"0592T": 60}, BULLETIN)]}
    stricter = stating(book, "cigna-a015", "session_length", later)
    assert cited(ask(stricter, "session_length", a_session(on=on, minutes=minutes)))[0] == document


STATES: list[Any] = [
    # rule, values that the plan states, session, document and layer of the finding
    row(
        "credential",
        {"accepted_taxonomies": [("2020-01-01", {"H0038": ["171400000X"]}, PLAN)]},
        a_session(coach=OTHER),
        (A015, "cigna-a015"),
        id="a denial of 0592T by the policy's credentials",
    ),
    row(
        "credential",
        {"accepted_credentials": [("2020-01-01", {"0592T": ["ches"]}, PLAN)]},
        a_session(),
        (PLAN, "gold"),
        id="a denial of 0592T by the plan's",
    ),
    row(
        "credential",
        {"accepted_credentials": [("2020-01-01", {"0591T": ["ches"]}, PLAN)]},
        a_session(coach=OTHER),
        (A015, "cigna-a015"),
        id="the plan speaks of another code",
    ),
    row(
        "session_length",
        {"minimum_minutes": [("2020-01-01", {"0592T": 45}, PLAN)]},
        a_session(minutes=40),
        (PLAN, "gold"),
        id="a minimum of the plan",
    ),
    row(
        "session_length",
        {"minimum_minutes": [("2023-06-02", {"0592T": 45}, PLAN)]},
        a_session(minutes=20),
        (OVERVIEW, "common"),
        id="the day before the plan's first date the policy's counts",
    ),
    row(
        "session_length",
        {"minimum_minutes": [("2023-06-01", {"0592T": 45}, PLAN)]},
        a_session(minutes=40),
        (PLAN, "gold"),
        id="on that day the plan's",
    ),
    row(
        "face_to_face",
        {"telehealth": [("2020-01-01", "excluded", PLAN)]},
        a_session(modifiers=["95"]),
        (PLAN, "gold"),
        id="a stance of the plan",
    ),
    row(
        "plan_terms",
        {"conflicting": [("2020-01-01", True, PLAN)]},
        a_session(),
        (PLAN, "gold"),
        id="the value looked up second decides",
    ),
    row(
        "diagnosis_in_scope",
        {"related_diagnoses": [("2020-01-01", ["R73"], PLAN)]},
        a_session(diagnoses=["R73.03"]),
        (PLAN, "gold"),
        id="a diagnosis near the plan's scope",
    ),
    row(
        "diagnosis_in_scope",
        {"related_diagnoses": [("2020-01-01", ["R73"], PLAN)]},
        a_session(diagnoses=["I10"]),
        (A015, "cigna-a015"),
        id="a diagnosis outside the policy's scope",
    ),
]


@pytest.mark.parametrize(("rule", "values", "session", "expected"), STATES)
def test_the_layer_that_decided_is_cited(
    book: PolicyBook, rule: str, values: dict[str, Any], session: CoachingSession, expected: tuple[str, str]
) -> None:
    assert cited(ask(stating(book, "gold", rule, values), rule, of_plan(session))) == expected


LATER = [("2020-01-01", {"0592T": 20, "0593T": 25}, PLAN), ("2023-05-01", {"0592T": 60}, BULLETIN)]


@pytest.mark.parametrize(
    ("code", "minutes", "document"),
    [
        row("0592T", 59, BULLETIN, id="the code that the later entry names"),
        row("0593T", 24, PLAN, id="a code that only the earlier one names"),
    ],
)
def test_a_later_entry_changes_the_codes_it_names(book: PolicyBook, code: str, minutes: int, document: str) -> None:
    stated = stating(book, "gold", "session_length", {"minimum_minutes": LATER})
    for length, outcome in ((minutes, "short"), (minutes + 1, "met")):
        (found,) = ask(stated, "session_length", of_plan(a_session(code=code, minutes=length)))
        assert (found.outcome, found.citation.document) == (outcome, document)


def test_an_outcome_of_the_plan_is_cited_where_no_value_decides(book: PolicyBook) -> None:
    """A plan that states what follows, and not what is looked up, is cited for what it states only."""
    stated = stating(book, "gold", "session_times", {}, outcomes={"unknown": "REVIEW"})
    open_end = of_plan(put(a_session(), "visit.encounter.period", None))
    assert cited(ask(stated, "session_times", open_end)) == (PLAN, "gold")
    assert cited(ask(stated, "session_times", of_plan(a_session())))[1] == "gold", "met: the rule as the plan states it"


@pytest.mark.parametrize(
    ("rule", "code", "document"),
    [
        row("documentation", "0592T", OVERVIEW, id="the note of a coaching session"),
        row("documentation", "H0038", BASIS, id="the note of a peer"),
        row("session_times", "0592T", OVERVIEW, id="the times of a coaching session"),
        row("session_times", "H0038", BASIS, id="the times of a peer"),
        row("face_to_face", "H0038", BASIS, id="face to face with a peer"),
        row("individual", "H0038", BASIS, id="one individual and a peer"),
        row("timed_units", "H0038", BASIS, id="units counted in time"),
        row("plan_terms", "0592T", BASIS, id="the terms of a plan"),
        row("prior_assessment", "0592T", OVERVIEW, id="the assessment before"),
    ],
)
@pytest.mark.parametrize("payer", ["aetna", "cigna"])
def test_a_document_is_about_the_code_and_the_payer(
    book: PolicyBook, rule: str, code: str, document: str, payer: str
) -> None:
    assert cited(ask(book, rule, a_session(code=code, payer=payer)))[0] == document


@pytest.mark.parametrize("code", ["0591T", "0592T", "0593T", "H0038"])
def test_only_cigna_is_told_of_its_policy(book: PolicyBook, code: str) -> None:
    rules = book.policies["common"].rules
    asked = [ask(book, rule, a_session(code=code, payer="aetna")) for rule in rules]
    documents = {each.citation.document for findings in asked for each in findings}
    assert documents <= {OVERVIEW, BASIS}
