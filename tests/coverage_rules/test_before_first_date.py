"""A value is looked up by date of service: before its first date there is none, and nothing is assumed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from coverage_rules.sessions import DAY, a_person, a_session, credential, put, sourced, without
from coverage_rules.verdicts import NO_VALUE, answers, beginning, row

from adapter.policy.book import PolicyBook
from adapter.policy.terms import BeforeFirstDate, dated_entry
from adapter.session.model import CoachingSession

PLAIN = a_session()
NO_PEER = a_session(code="H0038", coach=a_person(credential("nbc-hwc")))

OF_A_PLAN = put(PLAIN, "claim.coverages.0.plans", (sourced("gold", "Coverage.class[0].value", "Coverage/1"),))

LOOKED_UP = [
    row("accepted_credentials", "credential", PLAIN, id="accepted credentials"),
    row("accepted_taxonomies", "credential", NO_PEER, id="accepted taxonomies"),
    row("physician_taxonomies", "credential", PLAIN, id="taxonomies of physicians"),
    row("supervision", "supervision", without(PLAIN, "supervisors"), id="what follows without a supervisor"),
    row("supervising_credentials", "supervision", PLAIN, id="licences of supervisors"),
    row("overlapping_sessions", "one_at_a_time", PLAIN, id="sessions of one coach at one time"),
    row("filing_limit_days", "timely_filing", PLAIN, id="the filing limit"),
    row("covered_diagnoses", "diagnosis_in_scope", PLAIN, id="covered diagnoses"),
    row("related_diagnoses", "diagnosis_in_scope", PLAIN, id="related diagnoses"),
    row("documentation", "documentation", PLAIN, id="strictness of documentation"),
    row("documentation_elements", "documentation", without(PLAIN, "documentation.note_on_file"), id="elements"),
    row("telehealth", "face_to_face", a_session(encounter_class="VR"), id="the stance on telehealth"),
    row("modifier_kinds_to_review", "modifiers_meaning", a_session(modifiers=["52"]), id="modifiers to review"),
    row(
        "modifier_kinds_decided_elsewhere",
        "modifiers_meaning",
        a_session(modifiers=["52"]),
        id="modifiers of other rules",
    ),
    row("currency", "currency", PLAIN, id="the currency"),
    row("sunset_from", "policy_in_force", PLAIN, id="the sunset of the code"),
    row("prior_initial_assessment", "prior_assessment", a_session(history=()), id="what follows without an assessment"),
    row("initial_code", "prior_assessment", PLAIN, id="the code of the assessment"),
    row("covered_codes", "code_listed", PLAIN, id="listed codes"),
    row("encounter_classes", "setting", PLAIN, id="encounter classes"),
    row("minimum_minutes", "session_length", PLAIN, id="the minimum length"),
    row("excluded_codes", "plan_terms", PLAIN, id="codes that a plan excludes"),
    row("conflicting", "plan_terms", PLAIN, id="whether plan and policy contradict each other"),
    row("custom_plans", "standard_plan", OF_A_PLAN, id="custom plans"),
    row("sessions_per_year", "benefit_limit", PLAIN, id="the plan's limit"),
    row("inputs_not_available", "determination_inputs", PLAIN, id="inputs of a determination"),
    row("h0038_rounding", "timed_units", a_session(code="H0038"), id="the rounding of units"),
]


@pytest.mark.parametrize(("name", "rule", "session"), LOOKED_UP)
def test_before_and_on_the_first_date(book: PolicyBook, name: str, rule: str, session: CoachingSession) -> None:
    late, in_time = (beginning(book, rule, name, first) for first in (DAY + timedelta(days=1), DAY))
    assert answers(late, rule, session) == [NO_VALUE]
    assert NO_VALUE not in answers(in_time, rule, session)


def test_every_value_is_in_the_table(book: PolicyBook) -> None:
    used = {
        (name, rule)
        for policy in book.policies.values()
        for rule, each in policy.rules.items()
        for name in each.file.values
    }
    assert {tuple(each.values[:2]) for each in LOOKED_UP} == used


def test_both_sides_of_every_shipped_date(book: PolicyBook) -> None:
    for policy in book.policies.values():
        for stated in policy.rules.values():
            for name, series in stated.file.values.items():
                first, *later = series.dated
                with pytest.raises(BeforeFirstDate):
                    dated_entry(series, first.effective - timedelta(days=1), name)
                assert dated_entry(series, first.effective, name) is first
                for before, after in zip(series.dated, later, strict=False):
                    assert dated_entry(series, after.effective - timedelta(days=1), name) is before
                    assert dated_entry(series, after.effective, name) is after


def test_an_unknown_day_has_no_value(book: PolicyBook) -> None:
    series = book.policies["common"].rules["session_length"].file.values["minimum_minutes"]
    with pytest.raises(BeforeFirstDate):
        dated_entry(series, None, "minimum_minutes")
    assert dated_entry(series, date.max, "minimum_minutes").value == {"0592T": 30, "0593T": 30}
