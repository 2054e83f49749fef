"""An ASGI application on a free port of this machine, over HTTP or TLS."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def serving(app: Any, *, host: str = "127.0.0.1", **tls: Any) -> Iterator[str]:
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


WANTS_CERTIFICATE = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
