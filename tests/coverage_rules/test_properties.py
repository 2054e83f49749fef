"""What holds for every session: time counts by instants, more never hurts, and missing evidence never approves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from coverage_rules.sessions import (
    DAY,
    NOW,
    a_procedure,
    a_session,
    an_encounter,
    at_ten,
    moment,
    put,
    sourced,
    without,
)
from coverage_rules.verdicts import answers, row
from hypothesis import given
from hypothesis import strategies as st

from adapter.coverage.adjudicate import adjudicate, decide
from adapter.coverage.finding import Citation, Decision, Finding, Verdict
from adapter.coverage.minutes import session_minutes
from adapter.coverage.rules.units import supported_units
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession
from adapter.session.time import Interval, Moment

APPROVE, WARN, REVIEW, PEND, DENY, REJECT = Decision

instants = st.datetimes(datetime(2020, 1, 2), datetime(2030, 12, 30), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)
offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
lengths = st.integers(0, 8 * 60 * 60)


def written(at: datetime, offset: timezone) -> Moment:
    """The instant as FHIR writes it in an offset."""
    return moment(at.astimezone(offset).isoformat())


def lasting(start: datetime, seconds: int, begins: timezone, ends: timezone | None = None) -> CoachingSession:
    interval = Interval(written(start, begins), written(start + timedelta(seconds=seconds), ends or begins))
    first = interval.start
    assert first is not None
    assert first.day is not None
    return a_session(on=first.day, encounter=an_encounter(interval))


def decision(book: PolicyBook, rule: str, session: CoachingSession) -> Decision:
    return max(each.decision for each in answers(book, rule, session))


@given(start=instants, seconds=lengths, offset=offsets, more=st.integers(0, 4 * 60))
def test_more_minutes_never_hurt(book: PolicyBook, start: datetime, seconds: int, offset: timezone, more: int) -> None:
    shorter, longer = (lasting(start, length, offset) for length in (seconds, seconds + 60 * more))
    assert decision(book, "session_length", longer) <= decision(book, "session_length", shorter)


@given(start=instants, seconds=lengths, offset=offsets)
def test_the_minimum_is_one_line_in_time(book: PolicyBook, start: datetime, seconds: int, offset: timezone) -> None:
    expected = APPROVE if seconds >= 30 * 60 else DENY
    assert decision(book, "session_length", lasting(start, seconds, offset)) is expected


@given(start=instants, seconds=lengths, begins=offsets, ends=offsets, other=offsets, another=offsets)
def test_minutes_count_between_instants(
    start: datetime, seconds: int, begins: timezone, ends: timezone, other: timezone, another: timezone
) -> None:
    one, two = lasting(start, seconds, begins, ends), lasting(start, seconds, other, another)
    assert session_minutes(one) == session_minutes(two) == seconds // 60


@given(start=instants, seconds=lengths, offset=offsets, length=st.integers(0, 8 * 60))
def test_a_stated_length_never_lengthens(start: datetime, seconds: int, offset: timezone, length: int) -> None:
    session = lasting(start, seconds, offset)
    stated = put(session, "visit.encounter.length", sourced(Decimal(length), "Encounter.length", "Encounter/1"))
    minutes = session_minutes(stated)
    assert minutes == (None if length > seconds // 60 else length)


@given(seconds=st.integers(0, 24 * 3600), more=st.integers(0, 3600))
def test_conventions_are_ordered_and_grow(seconds: int, more: int) -> None:
    now, later = supported_units(seconds, 15), supported_units(seconds + more, 15)
    assert now["full"] <= now["midpoint"] <= now["ceiling"] <= now["full"] + 1
    assert all(now[each] <= later[each] for each in now)


@given(minutes=st.integers(0, 8 * 60), units=st.integers(1, 40), more=st.integers(0, 60))
def test_more_minutes_never_support_fewer_units(book: PolicyBook, minutes: int, units: int, more: int) -> None:
    shorter, longer = (a_session(code="H0038", minutes=each, quantity=units) for each in (minutes, minutes + more))
    assert decision(book, "timed_units", longer) <= decision(book, "timed_units", shorter)


findings = st.builds(
    Finding,
    rule=st.just("r"),
    outcome=st.just("o"),
    verdict=st.sampled_from(Verdict),
    decision=st.sampled_from(Decision),
    citation=st.just(Citation("d", "s", "p", "l")),
    advisory=st.booleans(),
)


@given(found=st.lists(findings), another=findings)
def test_one_more_finding_never_weakens_a_decision(found: list[Finding], another: Finding) -> None:
    before, after = decide(found), decide([*found, another])
    if any(not each.advisory for each in found):
        assert after >= before
    assert decide([replace(each, advisory=True) for each in found]) is REVIEW
    assert decide(found) is decide(list(reversed(found)))


# --- missing evidence

GOOD = a_session(procedure=a_procedure(at_ten(DAY, 45)), encounter=an_encounter(at_ten(DAY, 60)))
NEEDED = [
    row(("visit.encounter", "visit.procedure"), id="encounter and procedure"),
    row(("visit.procedure.performed", "visit.encounter.period"), id="all times"),
    row(("visit.procedure.performed.value.end",), id="the end of the session"),
    row(("visit.procedure.performed.value.start",), id="the start of the session"),
    row(("visit.encounter.status",), id="the encounter's status"),
    row(("visit.procedure.status",), id="the procedure's status"),
    row(("renderers",), id="who rendered"),
    row(("renderers.0.credentials",), id="every credential"),
    row(("renderers.0.credentials.0.kind",), id="what the credential is"),
    row(("renderers.0.credentials.0.period",), id="when the credential is valid"),
    row(("line.diagnoses", "claim.diagnoses"), id="every diagnosis"),
    row(("line.diagnoses",), id="the diagnoses of the line"),
    row(("line.diagnoses.0.codes",), id="the code of the diagnosis"),
    row(("line.diagnoses.0.known",), id="whether the diagnosis is a code at all"),
    row(("line.diagnoses.0.billable",), id="whether the diagnosis is billable"),
    row(("claim.coverages",), id="the coverage"),
    row(("claim.coverages.0.period",), id="the coverage's period"),
    row(("claim.coverages.0.status",), id="the coverage's status"),
    row(("claim.coverages.0.beneficiary",), id="the coverage's beneficiary"),
    row(("claim.coverages.0.payers",), id="the coverage's payer"),
    row(("claim.coverages.0.payers.0.value",), id="who the payer is"),
    row(("claim.patient",), id="the patient"),
    row(("documentation.note_on_file",), id="the note"),
    row(("history",), id="the history"),
    row(("line.services",), id="the service code"),
    row(("line.services.0.value.system",), id="the system of the service code"),
    row(("line.places", "visit.encounter.classes"), id="place of service and class"),
    row(
        ("line.serviced", "visit.encounter.period", "visit.procedure.performed"),
        id="every date of service",
    ),
    row(
        ("visit.encounter.patient", "visit.procedure.patient"),
        id="whose encounter and procedure they are",
    ),
]


@pytest.mark.parametrize("paths", NEEDED)
def test_missing_evidence_never_approves(book: PolicyBook, paths: tuple[str, ...]) -> None:
    assert adjudicate(GOOD, book, NOW).decision is APPROVE
    assert adjudicate(without(GOOD, *paths), book, NOW).decision is not APPROVE


SPARED = [
    ("visit.encounter", "Setting without an Encounter: an outpatient POS is enough, with a warning."),
    ("visit.procedure", "Who performed, when: Procedure, else Encounter; S04: else Encounter.period."),
    ("visit.procedure.performed", "S04: Procedure.performedPeriod; else Encounter.period."),
    ("visit.encounter.period", "Row 19: the Procedure is the session."),
    ("visit.encounter.classes", "Row 26 and beyond: an outpatient POS is enough, with a warning."),
    ("line.places", "POS absent: the Encounter's class is enough, with a warning."),
    ("line.serviced", "S03: item.serviced[x], else Encounter.period.start."),
    ("line.quantity", "Row 70: treat as 1 and warn."),
    ("line.unit_price", "Coverage is decided here, not price."),
    ("line.net", "`submitted` (amount when the claim has one): coverage is decided here, not price."),
    ("line.net.value.currency", "Row 73: currency absent, a warning."),
    ("claim.total", "Coverage is decided here, not price."),
    ("supervisors", "Row 54: APPROVE with warning."),
    ("supervisors.0.credentials", "Row 54: APPROVE with warning (supervision: warn)."),
    ("claim.insurer", "Row 58 denies a claim addressed to another payer, not one addressed to nobody; R4: 0..1."),
    ("claim.identifiers", "Row 35 needs one to find a claim posted twice; R4: 0..*."),
    ("claim.provider", "R4: 1..1, so its absence is answered before any rule; it is no criterion of coverage."),
    ("claim.created", "Row 87 compares where there is one; R4: 1..1, so its absence is answered before any rule."),
    ("claim.coverages.0.focal", "Only several coverages need to say which is focal (row 56); the only one is it."),
    ("documentation.elements", "A note on file satisfies the elements at the default strictness."),
]


@pytest.mark.parametrize(("path", "sentence"), [row(*each, id=each[0]) for each in SPARED])
def test_what_may_be_missing(book: PolicyBook, path: str, sentence: str) -> None:
    assert adjudicate(without(GOOD, path), book, NOW).decision is APPROVE, sentence


def test_no_pointer_means_all_diagnoses(book: PolicyBook) -> None:
    """No ``diagnosisSequence`` on the line: all the claim's diagnoses count, with a warning."""
    line = adjudicate(put(GOOD, "line.points_to_diagnoses", False), book, NOW)
    assert line.decision is APPROVE
    assert any(each.rule == "diagnosis_present" and each.decision is WARN for each in line.findings)


@given(
    paths=st.lists(st.sampled_from([path for each in NEEDED[:-1] for path in each.values[0]]), min_size=1, max_size=4)
)
def test_missing_evidence_never_denies_for_more_than_it_is(book: PolicyBook, paths: list[str]) -> None:
    """Whatever is missing together, nothing crashes, and no denial is drawn from a fact that is not there."""
    session = GOOD
    for path in dict.fromkeys(paths):
        try:
            session = without(session, path)
        except (AttributeError, IndexError):
            continue  # something around it is gone already
    line = adjudicate(session, book, NOW)
    known = {"credential": {"not_accepted"}}
    denials = {(each.rule, each.outcome) for each in line.findings if each.decision is DENY and not each.advisory}
    assert denials <= {(rule, outcome) for rule, outcomes in known.items() for outcome in outcomes}
