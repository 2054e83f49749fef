"""The body of a request, which may be too large, or never end."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from adapter.notifications.model import NotUnderstood

LONGEST_BODY = 30.0
"""Seconds that a body may take to arrive."""


async def read_body(request: Request, what: str, most_bytes: int) -> bytes:
    """All of a body; ``what`` it is called in messages.

    Raises:
        NotUnderstood: 413 over ``most_bytes``, 408 when it broke off or took longer than ``LONGEST_BODY``.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(LONGEST_BODY):
            async for piece in request.stream():
                body += piece
                if len(body) > most_bytes:
                    problem = f"{what} is over the limit of {most_bytes} bytes"
                    raise NotUnderstood(problem, "too-long", status=413)
    except (TimeoutError, ClientDisconnect):
        raise NotUnderstood(f"{what} broke off", "incomplete", status=408) from None
    return bytes(body)
