"""Who is insured, by whom, and whether on the date of service. Eligibility binds whoever pays."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession, Coverage, addressed, comparable

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

NO_COVERAGE = "no coverage to check; coverage_known says why"


@rule(Stage.IDENTITY, outcomes=("missing", "unresolved"), unknown=("missing", "unresolved"))
def coverage_known(session: CoachingSession, terms: Terms) -> Finding:
    """The claim leads to one Coverage."""
    coverage = session.coverage
    if coverage is None:
        count = len(session.claim.coverages)
        return terms.finding(
            "missing", f"{count} coverages and none to choose" if count else "no coverage", "one coverage"
        )
    if not coverage.resolved:
        return terms.finding(
            "unresolved",
            f"{coverage.written or 'the coverage reference'} leads nowhere",
            "a Coverage that can be read",
            Used("coverage", "unresolved", coverage.origin),
        )
    return terms.met("coverage on file", Used("coverage", coverage.origin.resource, coverage.origin))


@rule(Stage.IDENTITY, outcomes=("other_person", "unknown_person"), unknown=("unknown_person",))
def beneficiary(session: CoachingSession, terms: Terms) -> Finding:
    """The coverage is the patient's own."""
    coverage, patient = session.coverage, session.claim.patient
    if coverage is None or not coverage.resolved:
        return terms.not_applicable(NO_COVERAGE)
    if coverage.beneficiary is None or patient is None:
        return terms.finding("unknown_person", "patient or beneficiary is not named", "both to be named")
    used = (
        Used("patient", patient.value, patient.origin),
        Used("beneficiary", coverage.beneficiary.value, coverage.beneficiary.origin),
    )
    if coverage.beneficiary.value == patient.value:
        return terms.met("the patient is the beneficiary", *used)
    if not (comparable(coverage.beneficiary.value) and comparable(patient.value)):
        lost = [each.origin.path for each in (patient, coverage.beneficiary) if not addressed(each.value)]
        found = "patient and beneficiary are named in ways that cannot be compared"
        found = f"{' and '.join(lost)} leads nowhere" if lost else found
        return terms.finding("unknown_person", found, "one way of naming both", *used)
    return terms.finding("other_person", "the coverage belongs to another person", "the patient's own coverage", *used)


@rule(Stage.IDENTITY, outcomes=("cancelled", "draft", "entered_in_error", "unknown"), unknown=("unknown",))
def coverage_status(session: CoachingSession, terms: Terms) -> Finding:
    """The coverage is active."""
    coverage = session.coverage
    if coverage is None or not coverage.resolved:
        return terms.not_applicable(NO_COVERAGE)
    status = coverage.status
    if status is None:
        return terms.finding("unknown", "the coverage has no status", "status active")
    used = Used("coverage status", status.value, status.origin)
    if status.value == "active":
        return terms.met("the coverage is active", used)
    outcome = status.value.replace("-", "_")
    known = outcome in ("cancelled", "draft", "entered_in_error")
    return terms.finding(outcome if known else "unknown", f"the coverage is {status.value}", "status active", used)


@rule(Stage.IDENTITY, outcomes=("before", "after", "gap", "undated"), unknown=("undated",))
def coverage_active(session: CoachingSession, terms: Terms) -> Finding:
    """The date of service lies in the coverage period, both ends included."""
    coverage, on = session.coverage, session.service_date
    if coverage is None or not coverage.resolved or on is None:
        return terms.not_applicable(NO_COVERAGE if on else "the date of service is unknown")
    if coverage.period is None:
        return terms.finding("undated", "the coverage has no period", "a period that contains the date of service")
    used = (
        Used("coverage period", str(coverage.period.value), coverage.period.origin),
        Used("date of service", str(on), session.service_date_origin),
    )
    if on in coverage.period.value:
        return terms.met(f"covered on {on}", *used)
    needed = "a date of service within the coverage period"
    found = f"{on} lies outside {coverage.period.value}"
    if _between_two(session, coverage):
        return terms.finding("gap", found, needed, *used)
    too_early = coverage.period.value.start is not None and on < coverage.period.value.start
    return terms.finding("before" if too_early else "after", found, needed, *used)


def _between_two(session: CoachingSession, focal: Coverage) -> bool:
    """One coverage of the payer ended before the day and another began after it."""
    on = session.service_date
    payers = {each.value for each in focal.payers}
    same = [
        each.period.value
        for each in session.claim.coverages
        if each.period is not None and payers & {payer.value for payer in each.payers}
    ]
    if on is None or any(on in each for each in same):
        return False
    return any(each.end is not None and each.end < on for each in same) and any(
        each.start is not None and on < each.start for each in same
    )


@rule(Stage.IDENTITY, outcomes=("wrong_payer", "insurer_unknown"), unknown=("insurer_unknown",))
def payer_matches(session: CoachingSession, terms: Terms) -> Finding:
    """The claim is addressed to the company that pays."""
    insurer, paying = session.claim.insurer, terms.rules.payer
    if insurer is None or paying is None:
        return terms.not_applicable("the insurer or the payer is not known")
    addressed_to = terms.rules.payer_titles[insurer.value] if insurer.value else "not recognised"
    used = (
        Used("insurer", addressed_to, insurer.origin),
        Used("payer", terms.rules.payer_title, session.coverage.origin if session.coverage else None),
    )
    if insurer.value is None:
        return terms.finding("insurer_unknown", "the insurer is not recognised", "the payer as insurer", *used)
    if insurer.value == paying:
        return terms.met(f"addressed to {terms.rules.payer_title}", *used)
    found = f"addressed to {addressed_to}, covered by {terms.rules.payer_title}"
    return terms.finding("wrong_payer", found, f"a claim to {terms.rules.payer_title}", *used)


@rule(Stage.IDENTITY, outcomes=("primary_missing",))
def other_coverage(session: CoachingSession, terms: Terms) -> Finding:
    """Where this payer comes second, the first one's result is attached."""
    focal, on = session.coverage, session.service_date
    if focal is None or len(session.claim.coverages) < 2:
        return terms.not_applicable("one coverage only")
    earlier = [each for each in session.claim.coverages if each.sequence < focal.sequence and _may_pay(each, on)]
    missing = [each for each in earlier if each.prior_result is None]
    if not missing:
        return terms.met("no unanswered coverage comes first")
    return terms.finding(
        "primary_missing",
        "another coverage comes first and its result is not attached",
        "the first payer's ClaimResponse",
        Used("first coverage", missing[0].origin.resource, missing[0].origin),
    )


def _may_pay(coverage: Coverage, on: date | None) -> bool:
    """Whether an earlier coverage can be liable at all: not cancelled, not of another time."""
    if coverage.status is not None and coverage.status.value != "active":
        return False
    return coverage.period is None or on is None or on in coverage.period.value
