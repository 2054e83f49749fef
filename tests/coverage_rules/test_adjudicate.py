"""What follows from all findings: the strongest binding decision, every failed check, and no silence about a crash."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from coverage_rules.sessions import (
    DAY,
    NOW,
    TODAY,
    a_coverage,
    a_person,
    a_service,
    a_session,
    credential,
    put,
    said_by,
    sourced,
    without,
)
from coverage_rules.verdicts import INPUTS, SAID, line_codes, outcomes, row

from adapter.coverage.adjudicate import RuleCrashed, adjudicate, decide, determine
from adapter.coverage.finding import Citation, Decision, Finding, Verdict
from adapter.coverage.registry import RULES
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code, Diagnosis
from adapter.session.time import Days


def finding(decision: Decision, *, advisory: bool = False) -> Finding:
    return Finding("a_rule", "x", Verdict.MET, decision, Citation("d", "s", "p", "l"), advisory=advisory)


APPROVE, WARN, REVIEW, PEND, DENY, REJECT = Decision


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        row([APPROVE], APPROVE, id="met approves"),
        row([APPROVE, WARN], APPROVE, id="a warning approves"),
        row([WARN, REVIEW], REVIEW, id="review beats a warning"),
        row([REVIEW, PEND], PEND, id="pend beats review"),
        row([PEND, DENY], DENY, id="deny beats pend"),
        row([DENY, REJECT], REJECT, id="reject beats deny"),
        row([REJECT, DENY, PEND, REVIEW, WARN, APPROVE], REJECT, id="reject beats all"),
        row([APPROVE, WARN, REVIEW, PEND, DENY, REJECT], REJECT, id="... in any order"),
        row([], REVIEW, id="no finding at all goes to a person"),
    ],
)
def test_the_strongest_wins(decisions: list[Decision], expected: Decision) -> None:
    assert decide([finding(each) for each in decisions]) is expected


@pytest.mark.parametrize("weight", [REVIEW, PEND, DENY, REJECT])
def test_advice_does_not_bind(weight: Decision) -> None:
    assert decide([finding(APPROVE), finding(weight, advisory=True)]) is APPROVE
    assert decide([finding(weight, advisory=True)]) is REVIEW


@pytest.mark.parametrize("code", ["0591T", "0592T", "H0038"])
def test_a_good_session_is_approved_without_a_fault(book: PolicyBook, code: str) -> None:
    line = adjudicate(a_session(code=code), book, NOW)
    assert (line.decision, outcomes(line)) == (APPROVE, set())


def test_every_failed_check_is_reported(book: PolicyBook) -> None:
    session = a_session(minutes=20, pos="21", diagnoses=["I10"], modifiers=["ZZ", "95"], history=(), quantity=None)
    session = put(put(session, "renderers", (a_person(),)), "documentation.note_on_file", None)
    line = adjudicate(
        put(session, "claim.coverages", (a_coverage(valid=Days(None, DAY - timedelta(days=1))),)), book, NOW
    )
    assert line.decision is REJECT
    assert outcomes(line) == {
        ("modifiers_known", "unknown"),
        ("quantity", "absent"),
        ("coverage_active", "after"),
        ("setting", "conflict"),
        ("face_to_face", "silent"),
        ("session_length", "short"),
        ("credential", "no_data"),
        ("diagnosis_in_scope", "out_of_scope"),
        ("prior_assessment", "pend"),
        ("documentation", "missing"),
    }
    assert line_codes(line) == ({"16"}, {"N823", "MA130"})


def test_a_denied_line_carries_the_codes_of_every_denial(book: PolicyBook) -> None:
    session = a_session(minutes=20, pos="21", encounter_class="IMP", diagnoses=["I10"], history=())
    line = adjudicate(session, book, NOW)
    assert line.decision is DENY
    assert line_codes(line) == ({"152", "58", "167"}, {"N163", "N428", "N569"})
    assert ("prior_assessment", "pend") in outcomes(line)


def test_each_rule_of_the_policy_speaks(book: PolicyBook) -> None:
    line = adjudicate(a_session(), book, NOW)
    assert {each.rule for each in line.findings} == set(book.policies["cigna-a015"].rules)


def test_each_finding_cites_its_document_section_and_policy_version(book: PolicyBook) -> None:
    for each in adjudicate(a_session(), book, NOW).findings:
        cited = each.citation
        assert cited.document, each.rule
        assert cited.section, each.rule
        assert cited.policy == book.policies[cited.layer].label


def test_the_note_about_missing_inputs_stands_on_every_decided_line(book: PolicyBook) -> None:
    found = {(each.rule, each.outcome): each.decision for each in adjudicate(a_session(), book, NOW).findings}
    assert found[INPUTS] is WARN


# --- where no policy decides

NOWHERE = [
    row(a_session(payer="aetna"), id="Aetna"),
    row(a_session(payer="bcbs"), id="BCBS"),
    row(a_session(payer="unitedhealthcare"), id="UnitedHealthcare"),
    row(a_session(payer="medicare"), id="Medicare before its edits"),
    row(a_session(payer="medicare", on=date(2024, 7, 1)), id="Medicare"),
    row(a_session(payer=None), id="a payer nobody recognises"),
    row(a_session(coverages=()), id="no coverage"),
    row(a_session(on=date(2023, 4, 14)), id="Cigna the day before A015"),
    row(a_session(on=date(2020, 1, 1)), id="Cigna on the code's first day"),
]


def at(session: CoachingSession, minutes: int) -> CoachingSession:
    assert session.service_date is not None
    return put(session, "visit", a_session(on=session.service_date, minutes=minutes).visit)


@pytest.mark.parametrize("session", NOWHERE)
def test_a_good_session_goes_to_a_person(book: PolicyBook, session: CoachingSession) -> None:
    line = adjudicate(session, book, NOW)
    assert line.decision is REVIEW
    assert line_codes(line) == ({"133"}, set())


@pytest.mark.parametrize("session", NOWHERE)
def test_coverage_findings_are_advice(book: PolicyBook, session: CoachingSession) -> None:
    flawed = put(put(at(session, 20), "history", ()), "documentation.note_on_file", None)
    line = adjudicate(flawed, book, NOW)
    assert line.decision is REVIEW
    assert line_codes(line) == ({"133"}, set())
    advice = {each.rule: each.decision for each in line.findings if each.advisory}
    assert advice == {"session_length": DENY, "prior_assessment": PEND, "documentation": PEND}


@pytest.mark.parametrize("session", NOWHERE)
def test_the_form_still_rejects(book: PolicyBook, session: CoachingSession) -> None:
    line = adjudicate(put(session, "line.quantity", sourced(Decimal(0))), book, NOW)
    assert line.decision is REJECT
    assert "16" in line_codes(line)[0]


ENDED = a_coverage("aetna", valid=Days(None, DAY - timedelta(days=1)))


@pytest.mark.parametrize(
    ("session", "decision", "carc"),
    [
        row(a_session(payer="aetna", coverages=(ENDED,)), DENY, "27", id="coverage ended"),
        row(
            put(a_session(payer="aetna"), "claim.coverages.0.beneficiary", sourced("Patient/2")),
            REJECT,
            "31",
            id="another person's coverage",
        ),
        row(
            put(a_session(payer="aetna"), "claim.insurer", sourced("cigna")),
            DENY,
            "109",
            id="addressed to another payer",
        ),
        row(a_session(payer="aetna", on=date(2019, 12, 31)), DENY, "181", id="the code was not in effect"),
        row(put(a_session(payer="aetna"), "history", (a_service("0592T", DAY),)), DENY, "18", id="a duplicate"),
        row(
            a_session(payer="medicare", on=date(2024, 7, 1), quantity=2), DENY, "151", id="Medicare: more than one unit"
        ),
        row(
            put(a_session(payer="medicare", on=date(2024, 7, 1)), "history", (a_service("90834", date(2024, 7, 1)),)),
            DENY,
            "236",
            id="Medicare: psychotherapy on the same day",
        ),
        row(
            a_session(payer="medicare", on=date(2024, 6, 30), quantity=2), REVIEW, "133", id="Medicare before its edits"
        ),
        row(a_session(on=date(2023, 4, 14), quantity=2), REVIEW, "133", id="Cigna before A015, two units"),
        row(a_session(payer="aetna", minutes=20), REVIEW, "133", id="a short session is advice"),
        row(a_session(payer="aetna", pos="21", encounter_class="IMP"), REVIEW, "133", id="an inpatient stay is advice"),
        row(
            put(a_session(payer="aetna"), "visit.encounter.status", sourced("cancelled")),
            REVIEW,
            "133",
            id="a cancelled visit is advice",
        ),
    ],
)
def test_what_binds_whoever_pays(book: PolicyBook, session: CoachingSession, decision: Decision, carc: str) -> None:
    line = adjudicate(session, book, NOW)
    assert (line.decision, line_codes(line)[0]) == (decision, {carc})


LOST = Diagnosis(1, (), said_by("Claim/1", "Claim.diagnosis[0]"), unresolved=True)


def test_nothing_pends_where_no_policy_decides(book: PolicyBook) -> None:
    session = put(put(a_session(payer="aetna"), "claim.diagnoses", (LOST,)), "line.diagnoses", (LOST,))
    assert adjudicate(session, book, NOW).decision is REVIEW


# --- a line of another service


@pytest.mark.parametrize("payer", ["cigna", "aetna", "medicare", None])
def test_a_line_of_another_service_is_reviewed_and_nothing_else(book: PolicyBook, payer: str | None) -> None:
    session = a_session(
        payer=payer, minutes=5, pos="99", modifiers=["ZZ"], quantity=0, diagnoses=(), on=date(2024, 7, 2)
    )
    session = put(session, "line.services", (sourced(Code("99213", "CPT")),))
    line = adjudicate(session, book, NOW)
    assert (line.decision, line_codes(line)) == (REVIEW, ({"133"}, set()))
    assert outcomes(line) == {("line_in_scope", "other_service")}


def test_lines_are_decided_one_by_one(book: PolicyBook) -> None:
    other = put(a_session(), "line.services", (sourced(Code("99213", "CPT")),))
    determination = determine([a_session(minutes=29), put(other, "line.sequence", 2), a_session()], book, NOW)
    assert [each.decision for each in determination.lines] == [DENY, REVIEW, APPROVE]
    assert determination.decision is DENY
    assert determination.claim == "1"
    assert {each.policy for each in determination.lines} == {"cigna-a015 2023-04-15"}


def test_lines_of_different_days_are_decided_by_the_policy_of_each(book: PolicyBook) -> None:
    days = [a_session(on=date(2023, 4, day)) for day in (14, 15, 15)]
    determination = determine(days, book, NOW)
    assert [(each.policy.split()[0], each.decides) for each in determination.lines] == [
        ("common", False),
        ("cigna-a015", True),
        ("cigna-a015", True),
    ]
    assert [each.rpartition("/")[2].partition("|")[0] for each in determination.policy_uris] == ["common", "cigna-a015"]


# --- a crash, and a day without values


def test_a_rule_that_raises_names_claim_line_and_rule(book: PolicyBook, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Finding:
        raise ZeroDivisionError("a value that must not be told")

    monkeypatch.setitem(RULES, "session_length", replace(RULES["session_length"], check=broken))
    session = put(put(a_session(), "claim.id", "c-17"), "line.sequence", 3)
    with pytest.raises(RuleCrashed, match=r"session_length.*Claim/c-17.*line 3.*ZeroDivisionError") as caught:
        determine([session], book, NOW)
    assert "must not be told" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_rule_that_crashes_while_it_yields_is_caught_too(book: PolicyBook, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        yield finding(APPROVE)
        raise KeyError("x")

    monkeypatch.setitem(RULES, "charges", replace(RULES["charges"], check=broken))  # type: ignore[arg-type] # it never returns
    with pytest.raises(RuleCrashed, match="charges"):
        adjudicate(a_session(), book, NOW)


def test_without_a_date_the_line_is_rejected_and_nothing_crashes(book: PolicyBook) -> None:
    line = adjudicate(without(a_session(), "line.serviced", "visit.encounter.period"), book, NOW)
    assert line.decision is REJECT
    assert line_codes(line) == ({"16"}, {"M52", "MA130"})


def test_the_same_session_gets_the_same_answer(book: PolicyBook) -> None:
    session = a_session(minutes=20, history=(), coach=a_person(credential(None)))
    assert adjudicate(session, book, NOW) == adjudicate(session, book, NOW)


# --- where a value comes from

TOLD = [
    row(a_session(minutes=29), "session_length", id="a short session"),
    row(a_session(modifiers=["HQ"]), "individual", id="a group modifier"),
    row(a_session(pos="21", encounter_class="IMP"), "setting", id="an inpatient setting"),
    row(a_session(diagnoses=["I10"]), "diagnosis_in_scope", id="a diagnosis out of scope"),
    row(a_session(coach=a_person(credential(None))), "credential", id="a credential that is not accepted"),
    row(a_session(modifiers=["ZZ"]), "modifiers_known", id="an unknown modifier"),
    row(a_session(coverages=(ENDED,)), "coverage_active", id="coverage that ended"),
    row(
        a_session(on=date(2019, 12, 31)),
        "code_in_effect",
        id="a code before its time",
    ),
    row(
        a_session(on=TODAY + timedelta(days=1)),
        "billed_after_service",
        id="a service ahead of today",
    ),
]


@pytest.mark.parametrize(("session", "rule"), TOLD)
def test_a_denial_says_where_its_values_were_read(book: PolicyBook, session: CoachingSession, rule: str) -> None:
    found = [each for each in adjudicate(session, book, NOW).findings if each.rule == rule and each.noteworthy]
    assert found
    for each in found:
        assert any(used.origin is not None for used in each.used), each


def test_a_citation_names_document_section_and_policy() -> None:
    citation = Citation("Cigna A015", "Administrative Policy", "cigna-a015 2023-04-15", "cigna-a015")
    assert str(citation) == "Cigna A015, Administrative Policy [cigna-a015 2023-04-15]"


@pytest.mark.parametrize(
    "session",
    [
        row(a_session(), id="approved"),
        row(a_session(minutes=20, quantity=None, coverages=()), id="short, without units, without coverage"),
    ],
)
def test_findings_come_in_the_order_of_their_stages(book: PolicyBook, session: CoachingSession) -> None:
    """Which comes after which stands in the words on file."""
    findings = adjudicate(session, book, NOW).findings
    SAID.extend(findings)
    stages = [RULES[each.rule].stage for each in findings]
    assert stages == sorted(stages)


@pytest.mark.parametrize(
    ("minutes", "decision"),
    [
        row(45, Decision.APPROVE, id="an approval does not rest on its warning"),
        row(20, Decision.DENY, id="a denial rests on neither its warning nor what is met"),
    ],
)
def test_what_decides_is_as_strong_as_the_decision(book: PolicyBook, minutes: int, decision: Decision) -> None:
    line = adjudicate(without(a_session(minutes=minutes), "supervisors"), book, NOW)
    assert line.decision is decision
    assert {each.decision for each in line.deciding} == {decision}
    assert Decision.WARN in {each.decision for each in line.findings}
