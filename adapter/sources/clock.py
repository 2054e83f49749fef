"""Instants as HTTP writes them, and the clock of a server; https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

from adapter.session.time import instant_in


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


class ServerClock:
    """The clock by which a server stamps what it changes (``meta.lastUpdated``), as near as its answers tell.

    ``Date`` may be a proxy's, which may be fast; were it believed, what is stamped earlier than that would count as
    seen. A page of a search says by the server itself when it was made, so that the clock was at least there; where no
    page says so, the earlier of ``Date`` and our own clock is believed. Too early costs requests, too late claims.
    """

    def __init__(
        self,
        ours: Callable[[], datetime] = lambda: datetime.now(UTC),
        passed: Callable[[], float] = monotonic,
    ) -> None:
        self.date: datetime | None = None
        """``Date`` of the last answer that had one, and how far it is from our own clock."""
        self.apart = timedelta()
        self._ours, self._passed = ours, passed
        self._stamp: tuple[datetime, float] | None = None
        """When the latest page was made, and when by our seconds that was heard."""

    def heard(self, response: httpx.Response) -> None:
        """An answer came."""
        date = server_time(response)
        if date is not None:
            self.date, self.apart = date, abs(date - self._ours())

    def made(self, page: object) -> None:
        """It was this page; its ``meta.lastUpdated`` is when it was put together."""
        meta = page.get("meta") if isinstance(page, dict) and page.get("type") in ("searchset", "history") else None
        made = instant_in(str(meta.get("lastUpdated"))) if isinstance(meta, dict) else None
        if made is not None and (self._stamp is None or made > self._now_by_stamp(*self._stamp)):
            self._stamp = made, self._passed()

    @property
    def is_stamped(self) -> bool:
        """Whether a page said when it was made."""
        return self._stamp is not None

    @property
    def time(self) -> datetime | None:
        """None where no answer had a ``Date``."""
        if self.date is None:
            return None
        return min(self.date, self._ours() if self._stamp is None else self._now_by_stamp(*self._stamp))

    def _now_by_stamp(self, made: datetime, heard: float) -> datetime:
        return made + timedelta(seconds=self._passed() - heard)
