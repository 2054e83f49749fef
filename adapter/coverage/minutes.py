"""How long a session lasted, from all the evidence says about it."""

from __future__ import annotations

from adapter.session.model import CoachingSession


def session_minutes(session: CoachingSession) -> int | None:
    """Whole minutes of the session; None when unknown or contradictory.

    The Procedure's period is the session. Without one it is the Encounter's, less the absence that ``Encounter.length``
    leaves out, so the smaller of the two (rows 16 and 19 of tests/table).
    """
    interval, length = session.time.interval, stated_length(session)
    minutes = None if interval is None else interval.value.minutes
    if minutes is None or contradicts(session):
        return None
    return minutes if length is None else min(minutes, length)


def stated_length(session: CoachingSession) -> int | None:
    """``Encounter.length`` in whole minutes, when it is about the session itself."""
    encounter, procedure = session.visit.encounter, session.visit.procedure
    if encounter is None or encounter.length is None:
        return None
    if procedure is not None and procedure.performed is not None:
        return None
    return int(encounter.length.value)


def contradicts(session: CoachingSession) -> bool:
    """The Encounter's length exceeds its own period, or falls short of the Procedure inside it."""
    encounter, procedure = session.visit.encounter, session.visit.procedure
    if encounter is None or encounter.length is None:
        return False
    around = encounter.period.value.minutes if encounter.period else None
    inside = procedure.performed.value.minutes if procedure and procedure.performed else None
    length = encounter.length.value
    return (around is not None and length > around) or (inside is not None and length < inside)
