"""``/metrics`` among the addresses of ``serve``."""

from __future__ import annotations

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapter.metrics.page import PATH, Page

AT_ONCE = 2
"""Callers that may wait for the database; notifications are stored by other threads."""


def metrics_route(page: Page) -> Route:
    """Answers GET, and HEAD."""
    limiter = CapacityLimiter(AT_ONCE)

    async def told(request: Request) -> Response:
        headers = request.headers
        reply = await run_sync(page.reply, headers.get("authorization"), headers.get("accept"), limiter=limiter)
        asks = {"WWW-Authenticate": "Bearer"} if reply.status == 401 else {}
        return Response(reply.body, reply.status, headers={"Content-Type": reply.media_type, **asks})

    return Route(PATH, told, methods=["GET"])
