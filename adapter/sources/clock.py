"""Instants as HTTP writes them; https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

LONGEST_RETRY_AFTER = 120.0
"""Seconds that a server may have us wait; who asks for more is asked again after this, a few times, and then left."""


def server_time(response: httpx.Response) -> datetime | None:
    """The server's clock when it answered, where it tells."""
    return http_date(response.headers.get("Date", ""))


def http_date(written: str) -> datetime | None:
    """The instant of a date as HTTP writes it; None for none."""
    try:
        found = parsedate_to_datetime(written)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # -0000 is UTC from nowhere in particular


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a server asks us to wait, within reason; a date there is read by its own clock.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    written = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", written):
        return min(float(written), LONGEST_RETRY_AFTER)
    then, now = http_date(written), server_time(response) or datetime.now(UTC)
    return None if then is None else min(max((then - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)
