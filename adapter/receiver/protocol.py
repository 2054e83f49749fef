"""HTTP/1.1 as uvicorn reads it, but for requests that stop being HTTP half-way.

uvicorn answers such a request by 400 although an answer may be under way or due, trips over that, and logs a traceback
for each: anybody could fill the log. Here the connection is dropped, and the application hears that its sender is gone.
"""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class DroppingProtocol(H11Protocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # an answer is under way, or to HEAD, which gets no body
            self.transport.close()
