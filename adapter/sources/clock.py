"""Instants as HTTP writes them; https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


def server_time(response: httpx.Response) -> datetime | None:
    """The server's clock when it answered, where it tells."""
    return http_date(response.headers.get("Date", ""))


def http_date(written: str) -> datetime | None:
    """The instant of a date as HTTP writes it; None for none."""
    try:
        found = parsedate_to_datetime(written)
        # -0000 is UTC from nowhere in particular
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # a zone or a second of twenty digits, an offset beyond the calendar
        return None
