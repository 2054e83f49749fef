"""A day of a file: as YAML reads it, or as text."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator


def _day(written: Any) -> date:
    """A day as YAML reads it, or as text; not a number of seconds, and not a time."""
    try:
        day = date.fromisoformat(written) if isinstance(written, str) else written
    except ValueError:
        day = None
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ValueError("must be a date, written 2024-01-31")
    return day


Day = Annotated[date, BeforeValidator(_day)]
