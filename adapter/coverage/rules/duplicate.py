"""The same service on another claim: a duplicate, or the original that this claim replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession, PriorService, Settlement, tied_by_replacement
from adapter.session.time import instant_or_last

if TYPE_CHECKING:
    from adapter.policy.book import Terms


UNDECIDED = (Settlement.OPEN, Settlement.UNKNOWN)


@rule(Stage.DUPLICATE, outcomes=("exact", "original_open", "provider_unknown", "same_claim"))
def duplicate(session: CoachingSession, terms: Terms) -> Finding:
    """No earlier claim bills the same service of the same patient, day and provider."""
    alike = [each for each in session.history if _same_service(each, session) and _is_earlier(each, session)]
    own = session.claim.provider.value if session.claim.provider else None
    same = [each for each in alike if own is not None and each.provider == own]
    unnamed = [each for each in alike if own is None or each.provider is None]
    cases = (
        ("exact", [each for each in same if each.settlement is Settlement.FINAL]),
        ("original_open", [each for each in same if each.settlement in UNDECIDED]),
        ("provider_unknown", [each for each in unnamed if each.settlement in (Settlement.FINAL, *UNDECIDED)]),
    )
    for outcome, found in cases:
        if found:
            used = Used("other claim", f"{found[0].claim} line {found[0].line}", found[0].origin)
            words = f"{session.code} of {found[0].day} is already on {found[0].claim}"
            needed = "a service billed once" if outcome != "provider_unknown" else "the billing provider of both claims"
            return terms.finding(outcome, words, needed, used)
    if repeated := [each for each in session.history if _earlier_line(each, session)]:
        used = Used("earlier line", f"line {repeated[0].line}", repeated[0].origin)
        words = f"line {repeated[0].line} of this claim bills {session.code} of the same day"
        return terms.finding("same_claim", words, "a service billed once", used)
    return terms.met("no other claim bills this service")


def _same_service(other: PriorService, session: CoachingSession) -> bool:
    own = f"Claim/{session.claim.id}"
    return (
        other.claim is not None
        and other.claim != own
        and not tied_by_replacement(session.claim, other)
        and other.code == session.code
        and other.day == session.service_date
        and other.modifiers == tuple(sorted(each.value.code for each in session.line.modifiers))
    )


def _earlier_line(other: PriorService, session: CoachingSession) -> bool:
    """The same service of the same day on an earlier line of the claim: as if the line had a second unit (row 69)."""
    return (
        other.claim == f"Claim/{session.claim.id}"
        and other.line is not None
        and other.line < session.line.sequence
        and other.code == session.code
        and other.day == session.service_date
    )


def _is_earlier(other: PriorService, session: CoachingSession) -> bool:
    """The claim created first is the original; of two created together the one with the lesser id."""
    own = session.claim.created.value if session.claim.created else None
    return (instant_or_last(other.created), str(other.claim)) < (instant_or_last(own), f"Claim/{session.claim.id}")


@rule(Stage.DUPLICATE, outcomes=("unidentified", "original_open", "original_unknown", "replaces"))
def replacement(session: CoachingSession, terms: Terms) -> Finding:
    """A claim that replaces another names it, and comes after its decision."""
    prior = next((each for each in session.claim.related if each.relationship == "prior"), None)
    if prior is None:
        return terms.not_applicable("replaces no other claim")
    used = Used("replaced claim", prior.claim or "by identifier", prior.origin)
    if not prior.identified:
        return terms.finding("unidentified", "the replaced claim is not named", "its reference or identifier", used)
    if prior.settlement is Settlement.OPEN:
        return terms.finding("original_open", f"{prior.claim} is still open", "a decision on the original first", used)
    if prior.settlement is Settlement.FINAL:
        return terms.finding("replaces", f"replaces {prior.claim}", "", used)
    if prior.settlement in (Settlement.REJECTED, Settlement.REFUSED):
        return terms.met("the original was never decided, so this is a new claim", used)
    return terms.finding("original_unknown", "the replaced claim is not on file", "the original's decision", used)
