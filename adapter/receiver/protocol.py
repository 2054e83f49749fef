"""HTTP/1.1 as uvicorn reads it, but for requests that stop being HTTP half-way, and for heads that never end.

uvicorn answers the former by 400 although an answer may be under way or due, trips over that, and logs a traceback for
each: anybody could fill the log. Here the connection is dropped, and the application hears that its sender is gone. And
it waits for the rest of a head without end: anybody could hold all the connections there are.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

LONGEST_HEAD = 30.0
"""Seconds in which a request's line and headers must have come, from the connection or its first byte on."""


class DroppingProtocol(H11Protocol):
    """One connection."""

    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # an answer is under way, or to HEAD, which gets no body
            self.transport.close()

    def _watch(self) -> None:
        """While a head is due, its time runs; it does not begin anew with each byte."""
        if self.conn.their_state is not h11.IDLE:
            self._unwatch()
        elif self._overdue is None:
            self._overdue = self.loop.call_later(LONGEST_HEAD, self._give_up)

    def _unwatch(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _give_up(self) -> None:
        self._overdue = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()
