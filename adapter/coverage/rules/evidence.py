"""Whether a session is on file for the line, took place, and is the one the line bills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession, Sourced

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

NO_VISIT = "no visit on file; evidence_on_file says so"
CALLED_OFF = frozenset({"cancelled", "not-done"})
UNFINISHED = frozenset({"planned", "arrived", "triaged", "in-progress", "onleave", "on-hold", "preparation"})


@rule(Stage.EVIDENCE, outcomes=("nothing", "rivals", "unresolved", "ignored"), unknown=("nothing", "rivals"))
def evidence_on_file(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """One Encounter or Procedure shows the session."""
    visit = session.visit
    for lost in visit.unresolved:
        yield terms.finding(
            "unresolved",
            f"{lost.value} leads nowhere",
            "the resource it names",
            Used("reference", lost.value, lost.origin),
        )
    for origin in visit.ignored:
        yield terms.finding(
            "ignored", f"{origin.resource} was entered in error", "", Used("evidence", "entered in error", origin)
        )
    if visit.rivals:
        names = ", ".join(sorted(each.resource for each in visit.rivals))
        yield terms.finding("rivals", f"{names} all fit the line", "one session for the line")
    elif visit.encounter is None and visit.procedure is None:
        yield terms.finding("nothing", "no Encounter and no Procedure for the line", "the record of the session")
    else:
        used = [
            Used(each.origin.resource, "on file", each.origin) for each in (visit.procedure, visit.encounter) if each
        ]
        yield terms.met("the session is on file", *used)


@rule(Stage.EVIDENCE, outcomes=("other_patient", "unnamed"), unknown=("unnamed",))
def evidence_of_patient(session: CoachingSession, terms: Terms) -> Finding:
    """The session is the patient's own."""
    own = session.claim.patient
    shown = [each for each in (session.visit.encounter, session.visit.procedure) if each is not None]
    if not shown or own is None:
        return terms.not_applicable(NO_VISIT if not shown else "the claim names no patient")
    for each in shown:
        if (
            each.patient is not None
            and each.patient.value != own.value
            and not (each.for_group and each.for_group.value)
        ):
            used = Used("subject", each.patient.value, each.patient.origin)
            return terms.finding(
                "other_patient", f"{each.origin.resource} is of another patient", "the patient's session", used
            )
    if all(each.patient is None for each in shown):
        return terms.finding("unnamed", "the record does not say whose session it is", "the patient as its subject")
    return terms.met("the session is the patient's")


@rule(Stage.EVIDENCE, outcomes=("other_service",))
def evidence_of_service(session: CoachingSession, terms: Terms) -> Finding:
    """What was performed is what the line bills, as far as the record codes it."""
    shown = [each for each in (session.visit.procedure, session.visit.encounter) if each is not None]
    if not shown or terms.codes.services.get(session.code or "") is None:
        return terms.not_applicable(NO_VISIT if not shown else "the line has no readable code")
    coded = ([code for code in each.service_codes if terms.codes.is_ours(code.value.code)] for each in shown)
    ours = next((codes for codes in coded if codes), [])  # the procedure's own code counts, else its visit's
    if ours and all(each.value.code != session.code for each in ours):
        recorded = ", ".join(sorted({each.value.code for each in ours}))
        used = Used("recorded service", recorded, ours[0].origin)
        return terms.finding(
            "other_service", f"{recorded} was recorded, {session.code} is billed", "one and the same service", used
        )
    return terms.met("the record does not code another coaching service")


@rule(Stage.EVIDENCE, outcomes=("unfinished",))
def session_finished(session: CoachingSession, terms: Terms) -> Finding:
    """The service is over: what goes on, or has not begun, cannot be billed yet."""
    known = _statuses(session)
    if not known:
        return terms.not_applicable(NO_VISIT)
    if _called_off(known) or not any(each.value in UNFINISHED for each in known) or _has_end(session):
        return terms.met("nothing says that the session goes on")
    return terms.finding("unfinished", "the session is not finished", "a finished session", *_used(known))


@rule(Stage.EVIDENCE, outcomes=("cancelled", "status_unclear"), unknown=("status_unclear",))
def session_took_place(session: CoachingSession, terms: Terms) -> Finding:
    """The session took place: it was not called off, and its status does not contradict its times."""
    shown = [each for each in (session.visit.encounter, session.visit.procedure) if each is not None]
    known = _statuses(session)
    if not shown:
        return terms.not_applicable(NO_VISIT)
    if _called_off(known):
        return terms.finding(
            "cancelled", "the session was cancelled or not done", "a session that took place", *_used(known)
        )
    if any(each.value in UNFINISHED for each in known):
        if not _has_end(session):
            return terms.not_applicable("the session is not finished; session_finished says so")
        words = "the status says the session goes on, the times that it ended"
        return terms.finding("status_unclear", words, "a finished session", *_used(known))
    if len(known) < len(shown) or not _done(session):
        words = "the status does not say that the session is finished"
        return terms.finding("status_unclear", words, "a finished session", *_used(known))
    return terms.met("the session is finished", *_used(known))


def _statuses(session: CoachingSession) -> list[Sourced[str]]:
    shown = (session.visit.encounter, session.visit.procedure)
    return [each.status for each in shown if each is not None and each.status is not None]


def _done(session: CoachingSession) -> bool:
    """Each in the words of its own resource: an Encounter is finished, a Procedure completed."""
    shown = ((session.visit.encounter, "finished"), (session.visit.procedure, "completed"))
    return all(each.status.value == word for each, word in shown if each is not None and each.status is not None)


def _called_off(known: list[Sourced[str]]) -> bool:
    return any(each.value in CALLED_OFF for each in known)


def _has_end(session: CoachingSession) -> bool:
    return session.time.interval is not None and session.time.interval.value.end is not None


def _used(known: list[Sourced[str]]) -> list[Used]:
    return [Used("status", each.value, each.origin) for each in known]
