"""What the benefit plan and the state say over the policy (row 94; S23 to S27, S34)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from coverage_rules.sessions import CLINIC, DAY, NOW, a_service, a_session, put, sourced, without
from coverage_rules.verdicts import (
    MET,
    NOT_APPLICABLE,
    Says,
    answers,
    ask,
    denies,
    line_codes,
    reviews,
    row,
    warns,
    with_value,
)

from adapter.coverage.adjudicate import adjudicate
from adapter.coverage.finding import Decision
from adapter.policy.book import Policy, PolicyBook
from adapter.policy.files import Overlay
from adapter.session.model import CoachingSession, PriorService, Settlement

EVE, NEXT = DAY - timedelta(days=1), DAY + timedelta(days=1)
EXCLUDED, CONFLICT = denies("excluded", "204", "N130"), reviews("conflict")


def of_plan(*plans: str, **more: str) -> CoachingSession:
    session = a_session(**more)  # type: ignore[arg-type] # the rows hold the keywords
    read = tuple(sourced(each, f"Coverage.class[{at}].value", "Coverage/1") for at, each in enumerate(plans))
    return put(session, "claim.coverages.0.plans", read)


@pytest.mark.parametrize(
    ("excluded", "code", "expected"),
    [
        row([], "0592T", MET, id="a plan that excludes nothing"),
        row(["0592T"], "0592T", EXCLUDED, id="a plan that excludes the follow-up"),
        row(["0591T"], "0592T", MET, id="a plan that excludes another code"),
        row(["H0038"], "H0038", EXCLUDED, id="a plan that excludes peer support"),
    ],
)
def test_exclusions(book: PolicyBook, excluded: list[str], code: str, expected: Says) -> None:
    stated = with_value(book, "plan_terms", "excluded_codes", excluded)
    assert answers(stated, "plan_terms", a_session(code=code)) == [expected]


def test_a_contradiction_goes_to_a_person(book: PolicyBook) -> None:
    assert answers(with_value(book, "plan_terms", "conflicting", True), "plan_terms", a_session()) == [CONFLICT]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(of_plan("custom-aso"), reviews("custom_plan"), id="a custom plan"),
        row(of_plan("gold"), MET, id="another plan"),
        row(of_plan("gold", "custom-aso"), reviews("custom_plan"), id="one of two classes is a custom plan"),
        row(a_session(), MET, id="no plan named"),
    ],
)
def test_standard_plan(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    stated = with_value(book, "standard_plan", "custom_plans", ["custom-aso"])
    assert answers(stated, "standard_plan", session) == [expected]


def held(*days: date, **more: object) -> tuple[PriorService, ...]:
    return tuple(replace(a_service("0592T", each, claim=f"Claim/{each}"), **more) for each in days)  # type: ignore[arg-type] # the rows hold the keywords


EXCEEDED = denies("exceeded", "119", "N640")
JANUARY, FEBRUARY, MARCH = date(2023, 1, 1), date(2023, 2, 1), date(2023, 3, 1)


@pytest.mark.parametrize(
    ("limit", "history", "expected"),
    [
        row(None, held(JANUARY, FEBRUARY, MARCH), NOT_APPLICABLE, id="off by default"),
        row(2, (), MET, id="the first of two"),
        row(2, held(JANUARY), MET, id="the second of two"),
        row(2, held(JANUARY, FEBRUARY), EXCEEDED, id="the third of two"),
        row(2, held(JANUARY, date(2022, 12, 31)), MET, id="last year's do not count"),
        row(2, held(JANUARY, DAY), MET, id="the same day does not count"),
        row(2, held(JANUARY, NEXT), MET, id="a later day does not count"),
        row(2, held(JANUARY, FEBRUARY, settlement=Settlement.REJECTED), MET, id="rejected claims do not count"),
        row(
            2,
            (*held(JANUARY, FEBRUARY), *held(MARCH, settlement=Settlement.OPEN)),
            EXCEEDED,
            id="two decided and one open of two",
        ),
        row(
            2,
            (*held(JANUARY), *held(MARCH, settlement=Settlement.OPEN)),
            reviews("uncertain"),
            id="one decided, one open",
        ),
        row(
            2,
            (*held(JANUARY), *held(FEBRUARY, MARCH, settlement=Settlement.OPEN)),
            reviews("uncertain"),
            id="one decided, two open",
        ),
        row(2, held(JANUARY, FEBRUARY, MARCH), EXCEEDED, id="the fourth of two"),
        row(2, (*held(JANUARY), *held(JANUARY)), MET, id="claim and record of one day are one session"),
        row(
            2,
            held(JANUARY, FEBRUARY, settlement=Settlement.UNKNOWN),
            reviews("uncertain"),
            id="nobody knows whether the earlier claims were paid",
        ),
    ],
)
def test_benefit_limit(book: PolicyBook, limit: int | None, history: tuple[PriorService, ...], expected: Says) -> None:
    stated = with_value(book, "benefit_limit", "sessions_per_year", limit)
    assert answers(stated, "benefit_limit", a_session(history=history)) == [expected]


def working_at(*organizations: str) -> CoachingSession:
    read = tuple(sourced(each, "PractitionerRole.organization", "PractitionerRole/1") for each in organizations)
    return put(a_session(), "renderers.0.organizations", read)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(working_at(CLINIC), MET, id="at the clinic that bills"),
        row(working_at("Organization/2"), warns("apart"), id="elsewhere"),
        row(working_at("Organization/other"), warns("apart"), id="at a hospital"),
        row(working_at("Organization/2", CLINIC), MET, id="at both"),
        row(working_at(), NOT_APPLICABLE, id="no role on file"),
        row(without(working_at("Organization/2"), "claim.provider"), NOT_APPLICABLE, id="nobody bills"),
        row(without(a_session(), "renderers"), NOT_APPLICABLE, id="nobody renders"),
    ],
)
def test_clinical_practice(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "clinical_practice", session) == [expected]


# --- overlays: what they do not state, they take over


def overlaid(book: PolicyBook, name: str, selector: Overlay, *, minutes: int, **header: object) -> PolicyBook:
    """The book with an overlay that states another minimum, and not which codes the rule is about."""
    under = book.policies["common"].rules["session_length"]
    series = under.file.values["minimum_minutes"]
    entry = series.dated[0].model_copy(update={"value": {"0592T": minutes, "H0038": minutes}})
    values = {"minimum_minutes": series.model_copy(update={"dated": [entry]})}
    file = under.file.model_copy(update={"values": values, "outcomes": {}, "applies_to": []})
    fields = {
        "policy": name,
        "version": "1",
        "effective": DAY,
        "extends": None,
        "overlay": selector,
        "next_review": None,
    }
    plan = book.policies["common"].header.model_copy(update={**fields, **header})
    rules = {"session_length": replace(under, file=file, layer=name, label=f"{name} 1")}
    return replace(book, policies={**book.policies, name: Policy(plan, rules)})


def length(book: PolicyBook, session: CoachingSession) -> str:
    (found,) = ask(book, "session_length", session)
    return found.needed if found.decision is Decision.DENY else "met"


GOLD = Overlay(payer="cigna", plans=["gold"])
IN_TEXAS = put(of_plan("gold"), "state", sourced("TX", "Location.address.state", "Location/1"))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(of_plan("gold"), "at least 60 minutes", id="of the plan"),
        row(of_plan("silver"), "met", id="of another plan"),
        row(of_plan("gold", code="H0038"), "met", id="of the plan, but of a code that the rule below is not about"),
        row(a_session(), "met", id="of no plan"),
        row(of_plan("gold", payer="aetna"), "met", id="of a plan of that name at another payer"),
    ],
)
def test_a_plan_wins_over_the_policy(book: PolicyBook, session: CoachingSession, expected: str) -> None:
    assert length(overlaid(book, "gold", GOLD, minutes=60), session) == expected


@pytest.mark.parametrize(
    ("effective", "end", "expected"),
    [
        row(DAY, None, "at least 60 minutes", id="begins on the day"),
        row(NEXT, None, "met", id="begins the day after"),
        row(EVE, DAY, "at least 60 minutes", id="ends on the day"),
        row(JANUARY, EVE, "met", id="ended the day before"),
    ],
)
def test_a_plan_counts_by_date_of_service(book: PolicyBook, effective: date, end: date | None, expected: str) -> None:
    stated = overlaid(book, "gold", GOLD, minutes=60, effective=effective, end=end)
    assert length(stated, of_plan("gold")) == expected


@pytest.mark.parametrize(
    ("over_plan", "expected"),
    [
        row(False, "at least 60 minutes", id="the plan beats the state"),
        row(True, "at least 50 minutes", id="the state beats the plan where the law says so"),
    ],
)
def test_a_state_and_a_plan(book: PolicyBook, over_plan: bool, expected: str) -> None:
    stated = overlaid(book, "gold", GOLD, minutes=60)
    stated = overlaid(stated, "texas", Overlay(states=["TX"], over_plan=over_plan), minutes=50)
    assert length(stated, IN_TEXAS) == expected
    assert length(stated, put(of_plan("silver"), "state", IN_TEXAS.state)) == "at least 50 minutes"
    assert length(stated, without(of_plan("silver"), "state")) == "met"


def test_row_94_a_plan_that_excludes_coaching(book: PolicyBook) -> None:
    stated = with_value(book, "plan_terms", "excluded_codes", ["0591T", "0592T"])
    line = adjudicate(a_session(), stated, NOW)
    assert (line.decision, line_codes(line)) == (Decision.DENY, ({"204"}, {"N130"}))


AT_HAND = "plan document and state rules were at hand"
TEXAS = Overlay(states=["TX"])


@pytest.mark.parametrize(
    ("overlays", "found"),
    [
        row({}, "decided without the benefit plan document and rules of the state", id="neither is at hand"),
        row({"gold": GOLD}, "decided without rules of the state", id="only the plan document"),
        row({"texas": TEXAS}, "decided without the benefit plan document", id="only the rules of the state"),
        row({"gold": GOLD, "texas": TEXAS}, AT_HAND, id="both"),
    ],
)
def test_what_was_not_at_hand_is_said(book: PolicyBook, overlays: dict[str, Overlay], found: str) -> None:
    for name, selector in overlays.items():
        book = overlaid(book, name, selector, minutes=30)
    (said,) = [each for each in adjudicate(IN_TEXAS, book, NOW).findings if each.rule == "determination_inputs"]
    assert (said.found, said.decision) == (found, Decision.APPROVE if found == AT_HAND else Decision.WARN)
