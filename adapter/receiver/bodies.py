"""The body of a request, which may be too large, or never end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from adapter.notifications.model import NotUnderstood
from adapter.receiver.door import NotAdmitted

SECONDS_TO_WAIT = 5.0
LONGEST_BODY = 30.0
"""Seconds that a body may take to arrive."""


class Room:
    """Memory for bodies of senders who have yet to prove who they are, all of them together."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes

    @contextmanager
    def for_body(self) -> Iterator[Callable[[int], None]]:
        """Yields what takes some bytes; they are given back at the end.

        Raises:
            NotAdmitted: 503, for others fill it.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._left:
                raise NotAdmitted("too much is under way", "throttled", status=503, retry_after=SECONDS_TO_WAIT)
            self._left -= size
            taken += size

        try:
            yield take
        finally:
            self._left += taken


def _any_amount(_size: int) -> None:
    """Of whoever has proved who it is."""


async def read_body(request: Request, what: str, most_bytes: int, take: Callable[[int], None] = _any_amount) -> bytes:
    """All of a body; ``what`` it is called in messages. ``take`` is told of each piece, and may refuse it.

    Raises:
        NotUnderstood: 413 over ``most_bytes``, 408 when it broke off or took longer than ``LONGEST_BODY``.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(LONGEST_BODY):
            async for piece in request.stream():
                take(len(piece))
                body += piece
                if len(body) > most_bytes:
                    problem = f"{what} is over the limit of {most_bytes} bytes"
                    raise NotUnderstood(problem, "too-long", status=413)
    except (TimeoutError, ClientDisconnect):
        raise NotUnderstood(f"{what} broke off", "incomplete", status=408) from None
    return bytes(body)
