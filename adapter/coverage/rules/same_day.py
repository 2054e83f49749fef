"""What Medicare's National Correct Coding Initiative says about services of one day; on only where a policy says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession, PriorService, Settlement

if TYPE_CHECKING:
    from adapter.policy.book import Terms

BYPASS = "distinct"
"""Kind of the modifiers that part two services where a pair's indicator allows it."""


@rule(Stage.SAME_DAY, outcomes=("column_two",))
def same_day_pairs(session: CoachingSession, terms: Terms) -> Finding:
    """The line is not the column two code of a pair with another service of the same day and provider."""
    for other in _same_day(session):
        indicator = terms.codes.ncci.pairs.get((other.code, session.code or ""))
        if indicator is None or (indicator == 1 and _has_bypass(session, terms)):
            continue
        used = Used("other service", f"{other.code} on {other.day}", other.origin)
        found = f"{session.code} on the day of {other.code}, modifier indicator {indicator}"
        return terms.finding("column_two", found, "one of the two services", used)
    return terms.met("no pair with another service of the day")


def _same_day(session: CoachingSession) -> Iterator[PriorService]:
    """Billed services of the same day by the same provider, on this claim or another."""
    own = (f"Claim/{session.claim.id}", session.line.sequence)
    provider = session.claim.provider.value if session.claim.provider else None
    for other in session.history:
        billed = other.claim is not None and (other.claim, other.line) != own
        undecided = other.settlement in (Settlement.REJECTED, Settlement.REFUSED)
        same = provider is not None and other.provider == provider and other.day == session.service_date
        if billed and same and not undecided:
            yield other


def _has_bypass(session: CoachingSession, terms: Terms) -> bool:
    listed = (terms.codes.modifiers.get(each.value.code) for each in session.line.modifiers)
    return any(each is not None and each.kind == BYPASS for each in listed)


@rule(
    Stage.SAME_DAY,
    outcomes=("review", "warn"),
    values={"overlapping_sessions": Literal["review", "warn", "off"]},
)
def one_at_a_time(session: CoachingSession, terms: Terms) -> Finding:
    """The coach was not with another patient at the same time."""
    entry = terms.codes.services.get(session.code or "")
    stance = terms.value("overlapping_sessions")
    if entry is None or entry.individual is False or stance == "off":
        return terms.not_applicable("the code is not for one individual, or the check is switched off")
    if not session.elsewhere:
        return terms.met("no session of the coach with another patient at the same time")
    other, interval = session.elsewhere[0], session.time.interval
    used = (Used("session", f"{interval.value.start} to {interval.value.end}", interval.origin),) if interval else ()
    found = f"the coach was with another patient from {other.start} to {other.end}"
    return terms.finding(stance, found, "one patient at a time", *used)


@rule(Stage.SAME_DAY, outcomes=("exceeded",))
def unit_limit(session: CoachingSession, terms: Terms) -> Finding:
    """The units of the line stay within the medically unlikely edit of its code."""
    limit, billed = terms.codes.ncci.unit_limits.get(session.code or ""), session.line.quantity
    if limit is None or billed is None:
        return terms.not_applicable("no unit limit for the code, or no quantity")
    used = Used("quantity", str(billed.value), billed.origin)
    if billed.value <= limit:
        return terms.met(f"{billed.value} of at most {limit} a day", used)
    return terms.finding("exceeded", f"{billed.value} units", f"{limit} a day at most", used)
