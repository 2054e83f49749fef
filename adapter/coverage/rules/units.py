"""How many units a line bills, and how many the session supports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adapter.coverage.finding import Finding, Used
from adapter.coverage.minutes import session_seconds
from adapter.coverage.registry import Stage, rule
from adapter.coverage.wording import counted
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


@rule(Stage.FORM, outcomes=("absent", "impossible"))
def quantity(session: CoachingSession, terms: Terms) -> Finding:
    """The line bills a whole number of units, at least one."""
    billed = session.line.quantity
    if billed is None:
        return terms.finding("absent", "no quantity, read as 1", "the number of units")
    used = Used("quantity", str(billed.value), billed.origin)
    if billed.value < 1 or billed.value != int(billed.value):
        return terms.finding("impossible", f"quantity {billed.value}", "a whole number, at least 1", used)
    return terms.met(counted(billed.value, "unit"), used)


@rule(Stage.DURATION, outcomes=("several",))
def session_units(session: CoachingSession, terms: Terms) -> Finding:
    """A code for a session is billed once a session, however long it was."""
    billed = session.line.quantity
    if billed is None or billed.value <= 1:
        return terms.met("one unit")
    used = Used("quantity", str(billed.value), billed.origin)
    return terms.finding("several", f"{billed.value} units of {session.code}", "one unit a session", used)


def supported_units(seconds: int, unit_minutes: int) -> dict[str, int]:
    """Units that each rounding convention grants (mappings/policies/common/basis.md, Units counted in time).

    ``full``: only whole units; ``midpoint``: a unit once more than half of it has passed; ``ceiling``: any part.
    """
    unit = unit_minutes * 60
    return {"full": seconds // unit, "midpoint": (seconds + unit // 2 - 1) // unit, "ceiling": -(-seconds // unit)}


@rule(
    Stage.DURATION,
    outcomes=("excess", "undecided"),
    unknown=("undecided",),
    values={"h0038_rounding": Literal["undecided", "full", "midpoint", "ceiling"]},
)
def timed_units(session: CoachingSession, terms: Terms) -> Finding:
    """The units of a code billed by time fit the minutes of the session."""
    entry, seconds = terms.codes.services.get(session.code or ""), session_seconds(session)
    if entry is None or entry.unit_minutes is None or seconds is None:
        return terms.not_applicable("not billed by time, or the length is not known")
    billed = int(session.line.quantity.value) if session.line.quantity else 1
    supported, rounding = supported_units(seconds, entry.unit_minutes), terms.value("h0038_rounding")
    candidates = list(supported.values()) if rounding == "undecided" else [supported[rounding]]
    line, interval = session.line, session.time.interval
    used = (
        Used("length of the session", _written(seconds), interval.origin if interval else None),
        Used("units billed", str(billed), line.quantity.origin if line.quantity else line.origin),
        Used("rounding", rounding),
    )
    found = f"{counted(billed, 'unit')} in {_written(seconds)}"
    if billed <= min(candidates):
        return terms.met(found, *used)
    least, most = min(candidates), max(candidates)
    needed = f"{f'{least} to ' if least < most else ''}{counted(most, 'unit')} by convention"
    return terms.finding("excess" if billed > most else "undecided", found, needed, *used)


def _written(seconds: int) -> str:
    """``15 minutes``, or ``15:30 minutes`` where seconds are left over."""
    return f"{seconds // 60}:{seconds % 60:02} minutes" if seconds % 60 else counted(seconds // 60, "minute")
