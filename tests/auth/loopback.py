"""An ASGI application on a free port of this machine, over HTTP or TLS."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


@contextmanager
def serving(app: ASGIApp, *, host: str = "127.0.0.1", **tls: Any) -> Iterator[str]:
    """Serve it; yields the address. ``tls`` as uvicorn takes it."""
    server = uvicorn.Server(uvicorn.Config(app, host, 0, log_level="critical", http="h11", **tls))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


class Stage:
    """One address on which each test puts a server of its own, for starting one takes a while."""

    url: str
    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)
