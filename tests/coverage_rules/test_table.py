"""The edge-case table of the coverage facts, section 4, with the contract's choices, as far as a session can show it.

Payer Cigna, date of service 2023-06-01, everything else in order, unless the row says otherwise. Not here: what the
mapping or the parser decides (rows 10, 11, 15 and 18 in part), OperationOutcomes (35, 40, 41, 42 in part, 44, 56: see
test_refusal), what only files or a server show (76), what a plan's overlay states (94: see test_plan), and row 96, for
a session knows no age.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from coverage_rules.sessions import (
    DAY,
    NOW,
    TODAY,
    a_coverage,
    a_diagnosis,
    a_person,
    a_procedure,
    a_service,
    a_session,
    an_encounter,
    at_ten,
    credential,
    moment,
    ongoing,
    period,
    put,
    said_by,
    sourced,
    without,
)
from coverage_rules.verdicts import INPUTS, line_codes, outcomes, row, with_value

from adapter.coverage.adjudicate import adjudicate
from adapter.coverage.finding import Decision
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code, Money, Related, Settlement
from adapter.session.time import Days, Interval

APPROVE, WARN, REVIEW, PEND, DENY, REJECT = Decision
NEXT, EVE = DAY + timedelta(days=1), DAY - timedelta(days=1)
APPROVED, REVIEWED = (APPROVE, ""), (REVIEW, "133")


def pended(*rarc: str) -> tuple[Decision, str]:
    return PEND, " ".join(["252", *sorted(rarc)])


def denied(*codes: str) -> tuple[Decision, str]:
    return DENY, " ".join([codes[0], *sorted(codes[1:])])


def rejected(carc: str, *rarc: str) -> tuple[Decision, str]:
    """CARC 16 rides with MA130 (coverage facts, 1.3)."""
    return REJECT, " ".join([carc, *sorted({*rarc, "MA130"} if carc == "16" else rarc)])


def of(interval: Interval | None, on: date = DAY, **more: object) -> CoachingSession:
    return a_session(on=on, encounter=an_encounter(interval, **more))  # type: ignore[arg-type] # the rows hold the keywords


def inside(procedure: Interval, encounter: Interval) -> CoachingSession:
    return a_session(procedure=a_procedure(procedure), encounter=an_encounter(encounter))


def serviced(session: CoachingSession, first: date, last: date | None = None) -> CoachingSession:
    return put(session, "line.serviced", sourced(Days(first, last or first), "Claim.item[0].serviced"))


def coded(*codes: Code) -> CoachingSession:
    return put(a_session(), "line.services", tuple(sourced(each, "Claim.item[0].productOrService") for each in codes))


def insured(valid: Days) -> CoachingSession:
    return a_session(coverages=(a_coverage(valid=valid),))


def statused(status: str) -> CoachingSession:
    return put(a_session(), "claim.coverages.0.status", sourced(status, "Coverage.status", "Coverage/1"))


def charged(amount: str, currency: str | None = "USD", net: str | None = None) -> CoachingSession:
    session = put(a_session(), "line.unit_price", sourced(Money(Decimal(amount), currency), "Claim.item[0].unitPrice"))
    return put(session, "line.net", sourced(Money(Decimal(net or amount), currency), "Claim.item[0].net"))


def replacing(settlement: Settlement, *, identified: bool = True) -> CoachingSession:
    prior = Related(
        said_by("Claim/1", "Claim.related[0]"), "prior", "Claim/0" if identified else None, identified, settlement
    )
    session = put(a_session(), "claim.related", (prior,))
    original = a_service("0592T", DAY, settlement=settlement, tied=identified)
    return put(session, "history", (*session.history, original))


def pointing(to: str, beside: str) -> CoachingSession:
    pointed, other = a_diagnosis(to), a_diagnosis(beside, 2)
    return put(put(a_session(), "line.diagnoses", (pointed,)), "claim.diagnoses", (pointed, other))


def billed(created: str, on: date = DAY) -> CoachingSession:
    return put(a_session(on=on), "claim.created", sourced(moment(created), "Claim.created"))


MIDNIGHT = of(period("2023-06-01T23:45:00-05:00", end="2023-06-02T00:20:00-05:00"))
SECOND = a_session(
    coverages=(a_coverage("aetna", focal=sourced(False, "Claim.insurance[0].focal")), a_coverage(sequence=2))
)
GAP = a_session(
    coverages=(
        a_coverage(valid=Days(date(2023, 1, 1), EVE), focal=sourced(False, "Claim.insurance[0].focal")),
        a_coverage(sequence=2, valid=Days(NEXT, date(2023, 12, 31))),
    )
)
NO_DIAGNOSIS = rejected("16", "MA63")
MEDICARE = date(2024, 7, 1)
BESIDE_ASSESSMENT = (a_service("0591T", EVE), a_service("0591T", DAY, claim="Claim/1", line=2))
NOTHING_WRITTEN = put(a_session(), "documentation.note_on_file", None)
UNRECORDED = put(a_session(), "visit.encounter", None)

TABLE = [
    row(a_session(minutes=29), denied("152", "N163"), id="row 1: 29 minutes"),
    row(a_session(minutes=29, seconds=59), denied("152", "N163"), id="row 2: 29 minutes 59 seconds"),
    row(a_session(minutes=30), APPROVED, id="row 3: exactly 30 minutes"),
    row(a_session(minutes=31), APPROVED, id="row 4: 31 minutes"),
    row(a_session(minutes=16), denied("152", "N163"), id="row 5: 16 minutes"),
    row(a_session(code="0591T", minutes=20), APPROVED, id="row 6: 0591T of 20 minutes"),
    row(of(ongoing("2023-06-01T10:00:00-04:00")), pended("N443"), id="row 7: no end, finished"),
    row(
        of(ongoing("2023-06-01T10:00:00-04:00"), status="in-progress"),
        rejected("16", "M59", "N301"),
        id="row 8: no end, in progress",
    ),
    row(
        of(ongoing("2023-06-01T10:00:00-04:00"), status="planned"),
        rejected("16", "M59", "N301"),
        id="row 8: no end, planned",
    ),
    row(of(Interval(moment(str(DAY)), moment(str(DAY)))), pended("N443"), id="row 9: dates without times"),
    row(MIDNIGHT, APPROVED, id="row 12: past midnight, billed on the day it began"),
    row(serviced(MIDNIGHT, NEXT), APPROVED, id="row 12: past midnight, billed on the day it ended"),
    row(
        of(period("2023-11-05T01:45:00-04:00", end="2023-11-05T01:20:00-05:00"), date(2023, 11, 5)),
        APPROVED,
        id="row 13: the clock goes back",
    ),
    row(
        of(period("2024-03-10T01:45:00-05:00", end="2024-03-10T03:10:00-04:00"), date(2024, 3, 10)),
        denied("152", "N163"),
        id="row 14: the clock goes forward",
    ),
    row(of(period("2023-06-01T23:30:00-04:00", end="2023-06-01T23:00:00-05:00")), APPROVED, id="row 15: two offsets"),
    row(
        of(period("2023-06-02T01:00:00Z", end="2023-06-02T01:45:00Z")),
        APPROVED,
        id="row 15: in UTC, billed on the day before",
    ),
    row(of(at_ten(DAY, 40), length=25), denied("152", "N163"), id="row 16: length 25 in a period of 40"),
    row(of(at_ten(DAY, 30), length=45), pended("N206", "N443"), id="row 17: length 45 in a period of 30"),
    row(
        of(at_ten(DAY, 40), length_unit_unknown=sourced("mins", "Encounter.length.unit")),
        APPROVED,
        id="row 18: length in an unknown unit",
    ),
    row(inside(at_ten(DAY, 20), at_ten(DAY, 60)), denied("152", "N163"), id="row 19: procedure of 20 in a visit of 60"),
    row(
        inside(period("2023-06-01T09:30:00-04:00", minutes=40), at_ten(DAY, 60)),
        pended("N206"),
        id="row 20: procedure outside its visit",
    ),
    row(a_session(modifiers=["95"]), REVIEWED, id="row 21: office with modifier 95"),
    row(a_session(encounter_class="VR"), REVIEWED, id="row 22: a virtual visit"),
    row(a_session(pos="02"), REVIEWED, id="row 22: place of service 02"),
    row(a_session(pos="10"), REVIEWED, id="row 22: place of service 10"),
    row(a_session(modifiers=["93"]), REVIEWED, id="row 23: audio only, 93"),
    row(a_session(modifiers=["FQ"]), REVIEWED, id="row 23: audio only, FQ"),
    row(
        a_session(payer="medicare", on=date(2024, 1, 2), pos="10", modifiers=["95"]),
        REVIEWED,
        id="row 24: Medicare, at home",
    ),
    row(a_session(encounter_class="IMP", pos="21"), denied("58", "N428"), id="row 25: inpatient"),
    row(a_session(encounter_class="ACUTE", pos=None), denied("58", "N428"), id="row 25: acute, no place"),
    row(a_session(encounter_class="NONAC", pos="61"), denied("58", "N428"), id="row 25: non-acute, place 61"),
    row(a_session(encounter_class=None, pos="51"), denied("58", "N428"), id="row 25: place 51, no class"),
    row(a_session(pos="21"), pended("M77"), id="row 26: ambulatory at place 21"),
    row(a_session(pos="51"), pended("M77"), id="row 26: ambulatory at place 51"),
    row(a_session(pos="61"), pended("M77"), id="row 26: ambulatory at place 61"),
    row(a_session(encounter_class="IMP", pos="11"), pended("M77"), id="row 26: inpatient in an office"),
    row(a_session(encounter_class="EMER", pos="23"), REVIEWED, id="row 27: emergency room"),
    row(a_session(on=date(2021, 12, 31), pos="10"), rejected("16", "M77"), id="row 28: place 10 before its time"),
    row(a_session(modifiers=["HQ"]), denied("4", "N519"), id="row 29: modifier HQ"),
    row(
        put(a_session(), "visit.encounter.for_group", sourced(True, "Encounter.subject")),
        denied("4", "N519"),
        id="row 29: a group as subject",
    ),
    row(a_session(code="0593T"), REVIEWED, id="row 30: the group code"),
    row(a_session(history=()), pended("N674"), id="row 31: no earlier assessment"),
    row(
        a_session(history=(a_service("0591T", DAY),)), pended("N674"), id="row 32, Cigna: an assessment of the same day"
    ),
    row(a_session(history=BESIDE_ASSESSMENT), APPROVED, id="row 32, Cigna: the follow-up beside an assessment"),
    row(
        a_session(code="0591T", on=MEDICARE, payer="medicare", history=(a_service("0592T", MEDICARE),)),
        denied("236", "N20"),
        id="row 32, Medicare: the assessment beside a follow-up",
    ),
    row(
        a_session(on=MEDICARE, payer="medicare", history=(a_service("90834", MEDICARE),)),
        denied("236", "N20"),
        id="row 33, Medicare: psychotherapy on the same day",
    ),
    row(
        a_session(history=(a_service("0591T", EVE), a_service("90834", DAY))),
        APPROVED,
        id="row 33, Cigna: psychotherapy on the same day",
    ),
    row(
        a_session(history=(a_service("0591T", EVE), a_service("0592T", DAY))),
        denied("18"),
        id="row 34: an exact duplicate",
    ),
    row(replacing(Settlement.FINAL), (APPROVE, " MA67"), id="row 36: replaces a decided claim"),
    row(replacing(Settlement.OPEN), rejected("16", "N779"), id="row 37: replaces an open claim"),
    row(
        replacing(Settlement.UNKNOWN, identified=False), rejected("16", "N152"), id="row 38: replaces nobody knows what"
    ),
    row(replacing(Settlement.REJECTED), APPROVED, id="row 39: replaces a rejected claim"),
    row(
        put(UNRECORDED, "visit.ignored", (said_by("Encounter/1", "Encounter"),)),
        pended("N706"),
        id="row 42: the only evidence was entered in error",
    ),
    row(of(at_ten(DAY, 45), status="cancelled"), denied("96", "N441"), id="row 43: visit cancelled"),
    row(
        a_session(procedure=a_procedure(at_ten(DAY, 45), status="not-done")),
        denied("96", "N441"),
        id="row 43: procedure not done",
    ),
    row(insured(Days(date(2023, 1, 1), EVE)), denied("27"), id="row 45: coverage ended the day before"),
    row(GAP, denied("200"), id="row 45: in a gap"),
    row(insured(Days(date(2023, 1, 1), DAY)), APPROVED, id="row 46: coverage ends on the day"),
    row(insured(Days(DAY, date(2023, 12, 31))), APPROVED, id="row 47: coverage starts on the day"),
    row(insured(Days(NEXT, date(2023, 12, 31))), denied("26"), id="row 47: coverage starts the day after"),
    row(statused("cancelled"), denied("27"), id="row 48: coverage cancelled"),
    row(statused("draft"), denied("27"), id="row 48: coverage a draft"),
    row(
        statused("entered-in-error"),
        rejected("31"),
        id="row 48: coverage entered in error",
    ),
    row(
        put(a_session(), "claim.coverages.0.beneficiary", sourced("Patient/2")),
        rejected("31", "N382"),
        id="row 49: another person's coverage",
    ),
    row(a_session(coach=a_person()), pended("N570"), id="row 50: no qualification data"),
    row(a_session(coach=a_person(credential(None))), denied("185", "N95"), id="row 51: not an accepted kind"),
    row(a_session(coach=a_person(credential(valid=Days(None, EVE)))), denied("B7"), id="row 52: ended the day before"),
    row(
        a_session(coach=a_person(credential(valid=Days(NEXT, None)))), denied("B7"), id="row 52: valid only afterwards"
    ),
    row(
        a_session(coach=a_person(credential(valid=Days(None, DAY)))),
        APPROVED,
        id="row 52: valid on the day, expired now",
    ),
    row(a_session(coach=a_person(credential("physician"))), REVIEWED, id="row 53: a physician"),
    row(without(a_session(), "supervisors"), APPROVED, id="row 54: no supervisor"),
    row(SECOND, pended("MA04", "N479"), id="row 55: Cigna second, no primary result"),
    row(a_session(payer="aetna"), REVIEWED, id="row 57: Aetna"),
    row(a_session(payer=None), REVIEWED, id="row 57: nobody we know"),
    row(
        put(a_session(payer="aetna"), "claim.insurer", sourced("cigna", "Claim.insurer")),
        denied("109", "N418"),
        id="row 58: addressed to Cigna, covered by another company",
    ),
    row(a_session(diagnoses=["R73.03"]), denied("167", "N569"), id="row 59: prediabetes"),
    row(a_session(diagnoses=["E66.9", "I10"]), denied("167", "N569"), id="row 59: obesity and hypertension"),
    row(a_session(diagnoses=["F17.210"]), APPROVED, id="row 60: nicotine dependence"),
    row(a_session(diagnoses=["I10", "F41.1"]), APPROVED, id="row 60: anxiety among others"),
    row(pointing("I10", "F41.1"), pended("N569"), id="row 61: the line points elsewhere"),
    row(a_session(diagnoses=["Z71.3"]), REVIEWED, id="row 62: counselling only"),
    row(a_session(diagnoses=["O99.340"]), REVIEWED, id="row 62: mental disorder in pregnancy only"),
    row(a_session(diagnoses=["Z63.0"]), REVIEWED, id="row 62: family circumstances only"),
    row(a_session(diagnoses=()), NO_DIAGNOSIS, id="row 63 and 64: no diagnosis on the claim"),
    row(
        put(put(a_session(), "line.diagnoses.0.billable", False), "claim.diagnoses.0.billable", False),
        rejected("16", "M81"),
        id="row 65: a category header",
    ),
    row(put(a_session(), "line.diagnoses.0.known", False), rejected("16", "M76"), id="row 65: an unknown code"),
    row(a_session(modifiers=["ZZ"]), rejected("16", "N823"), id="row 66: modifier ZZ"),
    row(a_session(modifiers=["GD"]), denied("182"), id="row 66: a modifier no longer in effect"),
    row(a_session(modifiers=["22"]), (APPROVE, " M69"), id="row 67: modifier 22 without narrative"),
    row(a_session(modifiers=["22"], minutes=20), denied("152", "N163"), id="row 68: modifier 22 and 20 minutes"),
    row(a_session(quantity=2, minutes=60), REVIEWED, id="row 69, Cigna: two units"),
    row(
        a_session(quantity=2, minutes=60, on=MEDICARE, payer="medicare"),
        denied("151", "N362"),
        id="row 69, Medicare: two units",
    ),
    row(a_session(quantity=None), APPROVED, id="row 70: no quantity"),
    row(a_session(quantity=0), rejected("16", "M53"), id="row 71: zero units"),
    row(a_session(quantity=-1), rejected("16", "M53", "M79"), id="row 71 and 72: minus one unit"),
    row(a_session(quantity="1.5"), rejected("16", "M53"), id="row 71: one unit and a half"),
    row(charged("-85.00"), rejected("16", "M79"), id="row 72: negative amounts"),
    row(charged("85.00", "EUR"), rejected("16", "M79"), id="row 73: euros"),
    row(charged("85.00", None), APPROVED, id="row 73: no currency"),
    row(charged("85.00", net="85.01"), rejected("16", "M79"), id="row 74: net a cent off"),
    row(
        put(a_session(), "claim.total", sourced(Money(Decimal("85.01"), "USD"), "Claim.total")),
        APPROVED,
        id="row 74: total a cent off",
    ),
    row(coded(Code("99213", "CPT")), REVIEWED, id="row 75: a line of another service"),
    row(
        put(coded(), "line.named_in_text", sourced("0592T", "Claim.item[0].productOrService.text")),
        rejected("16", "M51"),
        id="row 77: the code in text only",
    ),
    row(coded(Code("0592T", "CPT", "urn:oid:2.16.840.1.113883.6.12")), APPROVED, id="row 78: CPT by its OID"),
    row(coded(Code("0592T", "HCPCS", "http://www.cms.gov/x")), APPROVED, id="row 79: CPT under the URL of HCPCS"),
    row(coded(Code("0592T")), rejected("16", "M51"), id="row 80: no code system"),
    row(coded(Code("0592T", "SNOMED")), rejected("16", "M51"), id="row 80: SNOMED CT"),
    row(coded(Code("0592t", "CPT")), rejected("16", "M51"), id="row 81: lower case"),
    row(coded(Code(" 0592T", "CPT")), rejected("16", "M51"), id="row 81: a space"),
    row(coded(Code("0592T", "CPT"), Code("0593T", "CPT")), rejected("16", "M51"), id="row 82: two codes"),
    row(a_session(on=date(2019, 12, 31)), denied("181", "M84"), id="row 83: the day before the code began"),
    row(a_session(on=date(2020, 1, 1)), REVIEWED, id="row 84: the day the code began"),
    row(a_session(on=date(2023, 4, 14)), REVIEWED, id="row 84: the day before A015"),
    row(a_session(on=date(2023, 4, 15)), APPROVED, id="row 84: the first day of A015"),
    row(a_session(on=date(2024, 4, 16)), APPROVED, id="row 85: the day after the review date"),
    row(a_session(on=date(2025, 1, 1)), APPROVED, id="row 86: past the five years of the code"),
    row(billed("2023-05-31"), rejected("110", "N301"), id="row 87: billed before the service"),
    row(
        billed(str(TODAY + timedelta(days=2)), TODAY + timedelta(days=1)),
        rejected("16", "N301"),
        id="row 87: in the future",
    ),
    row(billed("2023-08-31"), APPROVED, id="row 88: filed after 91 days, no limit switched on"),
    row(serviced(a_session(), EVE, NEXT), pended("N345"), id="row 89: several days"),
    row(a_session(code="H0038", minutes=50, quantity=3), APPROVED, id="row 90: 50 minutes, 3 units"),
    row(a_session(code="H0038", minutes=50, quantity=4), pended("N345"), id="row 91: 50 minutes, 4 units"),
    row(a_session(code="H0038", minutes=50, quantity=5), denied("151", "N345"), id="row 91: 50 minutes, 5 units"),
    row(a_session(code="H0038", minutes=14), pended("N345"), id="row 92: 14 minutes, 1 unit"),
    row(
        a_session(code="H0038", coach=a_person(credential("nbc-hwc"))), pended("N570"), id="row 93: a coach for a peer"
    ),
    row(NOTHING_WRITTEN, pended("N706"), id="row 95: no documentation"),
    row(UNRECORDED, pended("N706"), id="beyond the table: no visit on file"),
    row(serviced(a_session(), EVE), pended("N206"), id="beyond the table: evidence of another day"),
    row(
        put(UNRECORDED, "visit.rivals", (said_by("Encounter/1", "Encounter"), said_by("Encounter/2", "Encounter"))),
        pended("N206"),
        id="beyond the table: several candidates",
    ),
    row(a_session(coverages=()), REVIEWED, id="beyond the table: no coverage"),
    row(a_session(pos=None), APPROVED, id="beyond the table: a class and no place"),
    row(a_session(encounter_class=None, pos=None), pended("M77"), id="beyond the table: neither class nor place"),
    row(
        put(a_session(), "line.points_to_diagnoses", False), APPROVED, id="beyond the table: no pointer to a diagnosis"
    ),
    row(of(None, length=45), pended("N443"), id="beyond the table: a length alone"),
    row(
        of(ongoing("2023-06-01T10:00:00-04:00"), length=45), pended("N443"), id="beyond the table: a length and a start"
    ),
]


@pytest.mark.parametrize(("session", "expected"), TABLE)
def test_row(book: PolicyBook, session: CoachingSession, expected: tuple[Decision, str]) -> None:
    line = adjudicate(session, book, NOW)
    carc, rarc = line_codes(line)
    codes = f"{' '.join(sorted(carc))} {' '.join(sorted(rarc))}".rstrip()
    assert (line.decision, codes) == expected, outcomes(line)


NOTED = [
    row(serviced(MIDNIGHT, NEXT), "service_date_matches", id="row 12: billed on the day it ended"),
    row(
        of(period("2023-06-02T01:00:00Z", end="2023-06-02T01:45:00Z")),
        "service_date_matches",
        id="row 15: zone unknown",
    ),
    row(of(at_ten(DAY, 40), length_unit_unknown=sourced("mins")), "session_times", id="row 18: length ignored"),
    row(without(a_session(), "supervisors"), "supervision", id="row 54: no supervisor"),
    row(a_session(quantity=None), "quantity", id="row 70: no quantity"),
    row(charged("85.00", None), "currency", id="row 73: no currency"),
    row(put(a_session(), "claim.total", sourced(Money(Decimal(1), "USD"))), "claim_total", id="row 74: total differs"),
    row(coded(Code("0592T", "CPT", "urn:oid:2.16.840.1.113883.6.12")), "service_code", id="row 78: CPT by its OID"),
    row(coded(Code("0592T", "HCPCS")), "service_code", id="row 79: CPT under the URL of HCPCS"),
    row(a_session(on=date(2024, 4, 16)), "policy_in_force", id="row 85: past its review date"),
    row(a_session(pos=None), "setting", id="beyond the table: no place of service"),
    row(a_session(encounter_class=None), "setting", id="beyond the table: no class"),
    row(put(a_session(), "line.points_to_diagnoses", False), "diagnosis_present", id="beyond the table: no pointer"),
]


@pytest.mark.parametrize(("session", "rule"), NOTED)
def test_approved_with_a_warning(book: PolicyBook, session: CoachingSession, rule: str) -> None:
    line = adjudicate(session, book, NOW)
    assert line.decision is APPROVE
    warnings = [each for each in line.findings if each.decision is WARN and (each.rule, each.outcome) != INPUTS]
    assert {each.rule for each in warnings} == {rule}
    assert {each.carc for each in warnings} == {()}
    assert all(each.fix for each in warnings)


def test_row_86_adds_its_warning_to_that_of_row_85(book: PolicyBook) -> None:
    line = adjudicate(a_session(on=date(2025, 1, 1)), book, NOW)
    assert outcomes(line) == {("policy_in_force", "past_review"), ("policy_in_force", "sunset_unverified")}


def test_row_88_denies_only_where_a_limit_is_switched_on(book: PolicyBook) -> None:
    limited = with_value(book, "timely_filing", "filing_limit_days", 90)
    decisions = [adjudicate(billed(day), limited, NOW).decision for day in ("2023-08-30", "2023-08-31")]
    assert decisions == [APPROVE, DENY]


def test_row_95_names_each_missing_element(book: PolicyBook) -> None:
    (missing,) = [each for each in adjudicate(NOTHING_WRITTEN, book, NOW).findings if each.rule == "documentation"]
    for words in ("topics", "goals", "barriers", "interventions", "readiness", "follow-up", "progress"):
        assert words in missing.found
