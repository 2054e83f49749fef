"""How long a session lasted, from all the evidence says about it."""

from __future__ import annotations

from adapter.session.model import CoachingSession


def session_minutes(session: CoachingSession) -> int | None:
    """Whole minutes of the session, never rounded up; None when unknown or contradictory."""
    seconds = session_seconds(session)
    return None if seconds is None else seconds // 60


def session_seconds(session: CoachingSession) -> int | None:
    """Whole seconds of the session; None when unknown or contradictory.

    The Procedure's period is the session. Without one it is the Encounter's, less the absence that ``Encounter.length``
    leaves out, so the smaller of the two (rows 16 and 19 of tests/table).
    """
    interval, length = session.time.interval, stated_seconds(session)
    seconds = None if interval is None else interval.value.seconds
    if seconds is None or contradicts(session) or rival_lengths(session) or length_unclear(session):
        return None
    return seconds if length is None else min(seconds, length)


def stated_seconds(session: CoachingSession) -> int | None:
    """``Encounter.length`` in whole seconds, when it is about the session itself."""
    encounter, procedure = session.visit.encounter, session.visit.procedure
    if encounter is None or encounter.length is None:
        return None
    if procedure is not None and procedure.performed is not None:
        return None
    return round(encounter.length.value * 60)


def contradicts(session: CoachingSession) -> bool:
    """The Encounter's length exceeds its own period, or falls short of the Procedure inside it, by whole minutes."""
    encounter, procedure = session.visit.encounter, session.visit.procedure
    if encounter is None or encounter.length is None:
        return False
    around = encounter.period.value.minutes if encounter.period else None
    inside = procedure.performed.value.minutes if procedure and procedure.performed else None
    length = int(encounter.length.value)
    return (around is not None and length > around) or (inside is not None and length < inside)


def rival_lengths(session: CoachingSession) -> bool:
    """Documents of the session state different lengths, and nothing chooses between them."""
    encounter = session.visit.encounter
    return encounter is not None and bool(encounter.other_lengths)


def length_unclear(session: CoachingSession) -> bool:
    """A length is stated that nobody can read as so many minutes."""
    encounter = session.visit.encounter
    return encounter is not None and encounter.length_unclear is not None
