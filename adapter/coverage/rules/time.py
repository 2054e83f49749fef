"""How long the session lasted: from instants, never rounded up, never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import PositiveInt

from adapter.coverage.finding import Finding, Used
from adapter.coverage.minutes import contradicts, length_unclear, rival_lengths, session_minutes
from adapter.coverage.registry import Stage, rule
from adapter.coverage.wording import counted
from adapter.policy.values import ServiceCode
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

NEEDED = "start and stop times of the session"


@rule(
    Stage.DURATION,
    outcomes=("unknown", "contradictory", "outside", "length_ignored", "length_unclear"),
    unknown=("unknown", "contradictory", "length_unclear"),
)
def session_times(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """Start and stop of the session are recorded with a time of day, and agree with each other."""
    visit, interval = session.visit, session.time.interval
    if visit.encounter is None and visit.procedure is None:
        yield terms.not_applicable("no visit on file; evidence_on_file says so")
        return
    used = _used(session)
    if visit.encounter is not None and visit.encounter.length_unit_unknown is not None:
        yield terms.finding("length_ignored", "the stated length has no value in a known unit", "UCUM min, h or s")
    if length_unclear(session):
        yield terms.finding("length_unclear", "a length is stated that is no number of minutes", NEEDED, *used)
    if _outside(session):
        yield terms.finding("outside", "the procedure lies outside its encounter", "a session within its visit", *used)
    if rival_lengths(session):
        yield terms.finding("contradictory", "documents of the session state different lengths", NEEDED, *used)
    elif contradicts(session):
        yield terms.finding("contradictory", "the encounter's length contradicts the times", NEEDED, *used)
    elif interval is None or interval.value.seconds is None:
        yield terms.finding("unknown", "start or stop time is not recorded", NEEDED, *used)
    else:
        yield terms.met(used[0].value, *used)


def _outside(session: CoachingSession) -> bool:
    """The Procedure begins before its Encounter or ends after it (row 20)."""
    procedure, encounter = session.visit.procedure, session.visit.encounter
    if procedure is None or procedure.performed is None or encounter is None or encounter.period is None:
        return False
    return procedure.performed.value.within(encounter.period.value) is False


@rule(
    Stage.DURATION,
    outcomes=("short", "unknown"),
    unknown=("unknown",),
    values={"minimum_minutes": dict[ServiceCode, PositiveInt]},
)
def session_length(session: CoachingSession, terms: Terms) -> Finding:
    """The session lasted at least the minimum that the code names."""
    minimum = terms.value_for_code("minimum_minutes")
    if minimum is None:
        return terms.not_applicable(f"{session.code} names no minimum")
    if session.visit.encounter is None and session.visit.procedure is None:
        return terms.not_applicable("no visit on file; evidence_on_file says so")
    minutes, used = session_minutes(session), _used(session)
    if minutes is None:
        return terms.finding(
            "unknown", "the length of the session is not known", f"at least {counted(minimum, 'minute')}", *used
        )
    if minutes >= minimum:
        return terms.met(counted(minutes, "minute"), *used)
    return terms.finding("short", counted(minutes, "minute"), f"at least {counted(minimum, 'minute')}", *used)


def _used(session: CoachingSession) -> list[Used]:
    used = []
    if session.time.interval is not None:
        interval = session.time.interval
        written = f"{interval.value.start or 'no start'} to {interval.value.end or 'no end'}"
        used.append(Used("session", written, interval.origin))
    encounter = session.visit.encounter
    if encounter is not None and encounter.length is not None:
        stated = counted(int(encounter.length.value), "minute")
        used.append(Used("encounter length", stated, encounter.length.origin))
    return [*used, *_doubtful(session)]


def _doubtful(session: CoachingSession) -> Iterator[Used]:
    """Lengths that decide nothing, and keep others from deciding."""
    encounter = session.visit.encounter
    if encounter is None:
        return
    for each in encounter.other_lengths:
        yield Used("another length", counted(int(each.value), "minute"), each.origin)
    if encounter.length_unclear is not None:
        yield Used("a length", "unclear", encounter.length_unclear.origin)
