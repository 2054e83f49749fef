"""When the service was, and whether the claim's dates can be true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING

from pydantic import NonNegativeInt

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession
from adapter.session.time import Moment, begins, day_after

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


@rule(Stage.FORM, outcomes=("missing", "partial", "inherited", "from_visit"))
def service_date(session: CoachingSession, terms: Terms) -> Finding:
    """The line says when the service was."""
    serviced = session.line.serviced
    if serviced is not None:
        used = Used("date of service", str(serviced.value), serviced.origin)
        if serviced.value.partial:
            return terms.finding("partial", f"{serviced.value}, not a day", "the day of the service", used)
        if session.line.serviced_inherited:
            return terms.finding("inherited", f"{serviced.value} taken from the claim", "a date on the line", used)
        return terms.met(str(serviced.value), used)
    if session.service_date is not None:
        found = f"{session.service_date} taken from the visit"
        return terms.finding("from_visit", found, "a date on the line")
    return terms.finding("missing", "no date of service", "the line's serviced date")


@rule(Stage.FORM, outcomes=("billed_before", "in_future"))
def billed_after_service(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """The service lies before the claim and before today; its day is that of the visit's own offset."""
    last = _last_day(session)
    if last is None:
        yield terms.not_applicable("the date of service is unknown")
        return
    served = Used("date of service", str(last), session.service_date_origin)
    created, began = session.claim.created, _begins(last, session)
    early = created is not None and _made_before(created.value, last, began)
    if created is not None and early:
        billed = Used("claim created", str(created.value), created.origin)
        found = f"billed on {created.value.last_day} for {last}"
        yield terms.finding("billed_before", found, "a service before its bill", billed, served)
    if began > terms.now:
        found = f"date of service {last} lies ahead"
        yield terms.finding("in_future", found, "a service that has taken place", served)
    if not early and began <= terms.now:
        yield terms.met(f"service of {last} billed afterwards", served)


def _begins(day: date, session: CoachingSession) -> datetime:
    """When a day of service began: in the offset of the visit, else of the claim, else where days begin first."""
    interval, created = session.time.interval, session.claim.created
    return begins(day, interval.value.start if interval else None, created.value if created else None)


def _made_before(created: Moment, day: date, began: datetime) -> bool:
    """Whether the claim was made before the day began; by the calendar where it has no time."""
    return created.last_day < day if created.instant is None else created.instant < began


def _last_day(session: CoachingSession) -> date | None:
    """The last day of the service; of a month or a year the first, for no more is known."""
    serviced = session.line.serviced
    if serviced is None or serviced.value.partial:
        return session.service_date
    return serviced.value.end or session.service_date


@rule(Stage.EVIDENCE, outcomes=("other_day", "tolerated"))
def service_date_matches(session: CoachingSession, terms: Terms) -> Finding:
    """The evidence is of the date of service, in the visit's own offset."""
    serviced, interval = session.line.serviced, session.time.interval
    if serviced is None or interval is None or not session.time.days:
        return terms.not_applicable("no date of service or no dated evidence to compare")
    used = (
        Used("date of service", str(serviced.value), serviced.origin),
        Used("session began", str(interval.value.start), interval.origin),
    )
    for day, caveat in session.time.days:
        if day in serviced.value:
            if caveat:
                return terms.finding(
                    "tolerated", f"{serviced.value} accepted: {caveat}", "the visit's local date", *used
                )
            return terms.met(f"the session began on {day}", *used)
    first = session.time.days[0][0]
    return terms.finding(
        "other_day", f"the evidence is of {first}, the line of {serviced.value}", "evidence of the day", *used
    )


@rule(Stage.DURATION, outcomes=("several_days",))
def single_day(session: CoachingSession, terms: Terms) -> Finding:
    """A line bills the session of one day; a session past midnight may name both."""
    serviced = session.line.serviced
    if serviced is None or serviced.value.single is not None or serviced.value.partial:
        return terms.met("no more than one day of service")
    if _past_midnight(session) == (serviced.value.start, serviced.value.end):
        return terms.met(f"{serviced.value}: one session past midnight")
    used = Used("days of service", str(serviced.value), serviced.origin)
    return terms.finding("several_days", f"one line for {serviced.value}", "a line for each day", used)


def _past_midnight(session: CoachingSession) -> tuple[date, date] | None:
    """The days a session began and ended on, in its own offsets, where one midnight lies between them."""
    interval = session.time.interval
    if interval is None or interval.value.start is None or interval.value.end is None:
        return None
    began, ended = interval.value.start.day, interval.value.end.day
    if began is None or ended is None or ended != day_after(began, 1):
        return None
    return began, ended


@rule(Stage.IDENTITY, outcomes=("too_late",), values={"filing_limit_days": NonNegativeInt | None})
def timely_filing(session: CoachingSession, terms: Terms) -> Finding:
    """The claim was filed within the payer's limit, where the policy switches one on."""
    limit, created, on = terms.value("filing_limit_days"), session.claim.created, session.service_date
    if limit is None or created is None or on is None:
        return terms.not_applicable("no filing limit is switched on")
    days = (created.value.first_day - on).days
    used = (Used("days from service to claim", str(days), created.origin),)
    if days <= limit:
        return terms.met(f"filed after {days} days", *used)
    return terms.finding("too_late", f"filed after {days} days", f"{limit} days at most", *used)
