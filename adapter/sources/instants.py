"""When resources were last changed, as servers write it; https://hl7.org/fhir/R4/search.html#lastUpdated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapter.evidence.references import Json

RESOLUTION = timedelta(milliseconds=1)
"""What servers keep of an instant."""


def last_updated(resource: Json) -> str | None:
    """``meta.lastUpdated``, where it is an instant."""
    meta = resource.get("meta")
    written = meta.get("lastUpdated") if isinstance(meta, dict) else None
    try:
        return written if isinstance(written, str) and moment(written) else None
    except ValueError:
        return None


def moment(instant: str) -> datetime:
    """An instant; where it says no offset it is in UTC."""
    found = datetime.fromisoformat(instant)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def just_after(instant: str) -> str | None:
    """The next instant that a server can tell from this one; None at the end of the calendar."""
    try:
        return (moment(instant) + RESOLUTION).isoformat(timespec="microseconds")
    except OverflowError:
        return None
