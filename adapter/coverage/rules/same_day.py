"""What Medicare's National Correct Coding Initiative says about services of one day; on only where a policy says so."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession, PriorService

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

BYPASS = "distinct"
"""Kind of the modifiers that part two services where a pair's indicator allows it."""
ONE = Decimal(1)
"""Units of a line that states none (row 70)."""
BY_DAY = 2
"""Adjudication indicator of a limit for the date of service; any other is for a line by itself."""
NO_EDITS = "no edits are kept for this date of service"


@rule(Stage.SAME_DAY, outcomes=("column_two",))
def same_day_pairs(session: CoachingSession, terms: Terms) -> Finding:
    """The line is not the column two code of a pair with another service of the same day and provider."""
    if not terms.codes.ncci.in_effect(session.service_date):
        return terms.not_applicable(NO_EDITS)
    for other in _same_day(session):
        indicator = terms.codes.ncci.pairs.get((other.code, session.code or ""))
        if indicator is None or (indicator == 1 and _has_bypass(session, terms)):
            continue
        used = Used("other service", f"{other.code} on {other.day}", other.origin)
        found = f"{session.code} on the day of {other.code}, modifier indicator {indicator}"
        return terms.finding("column_two", found, "one of the two services", used)
    return terms.met("no pair with another service of the day")


def _same_day(session: CoachingSession) -> Iterator[PriorService]:
    """Services of the same day by the same provider, on this claim or another, that are billed and may be paid."""
    for other in session.history:
        billed = other.claim is not None and (other.claim, other.line) != (session.key, session.line.sequence)
        payable = other.settlement.processed and not other.denied and not other.tied
        if billed and payable and other.day == session.service_date and _same_provider(other, session):
            yield other


def _same_provider(other: PriorService, session: CoachingSession) -> bool:
    """A claim has one billing provider, named or not."""
    provider = session.claim.provider.value if session.claim.provider else None
    return other.claim == session.key or (provider is not None and other.provider == provider)


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
    """The units of the code stay within its medically unlikely edit: those of the line, with those before it that day.

    The line that goes beyond the limit is denied whole; what came first stands.
    """
    limit, quantity = terms.codes.ncci.unit_limits.get(session.code or ""), session.line.quantity
    if limit is None or not terms.codes.ncci.in_effect(session.service_date):
        return terms.not_applicable("no unit limit for the code" if limit is None else NO_EDITS)
    before = _billed_before(session) if limit.mai == BY_DAY else []
    billed = quantity.value if quantity else ONE
    units = billed + sum(ONE if each.quantity is None else each.quantity for each in before)
    used = (
        Used("quantity", str(billed), quantity.origin if quantity else session.line.origin),
        *(Used("billed before", f"{each.claim} line {each.line}", each.origin) for each in before),
    )
    if units <= limit.units:
        return terms.met(f"{units} of at most {limit.units} a day", *used)
    return terms.finding("exceeded", f"{units} units", f"{limit.units} a day at most", *used)


def _billed_before(session: CoachingSession) -> list[PriorService]:
    """The same code of the same day and provider on earlier lines and claims."""
    return [
        each
        for each in _same_day(session)
        if each.code == session.code and (each.earlier or _on_line_before(each, session))
    ]


def _on_line_before(other: PriorService, session: CoachingSession) -> bool:
    return other.claim == session.key and (other.line or 0) < session.line.sequence
