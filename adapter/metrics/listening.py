"""``/metrics`` at an address of its own, for processes that otherwise listen to nobody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from adapter.errors import UsageError
from adapter.metrics.page import PATH, Page

SECONDS_TO_ASK = 10.0
"""What a caller has to send its request, and to take the answer."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    page: Page

    def server_bind(self) -> None:
        """Without asking a name server who we are, as the default does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, _request: object, _address: object) -> None:
        """A caller that hangs up is no matter of ours; the default prints a traceback."""


class _SixServer(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SECONDS_TO_ASK

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(404)
            return
        reply = self.server.page.reply(self.headers.get("Authorization"), self.headers.get("Accept"))
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(reply.body)

    def version_string(self) -> str:
        """No word on what we are made of."""
        return "coaching-adapter"

    def log_message(self, *_arguments: object) -> None:
        """Nobody needs to read that the metrics were read."""


@contextmanager
def listening(page: Page, host: str, port: int) -> Iterator[int]:
    """Answer on another thread for as long as the context lasts; yields the port.

    Raises:
        UsageError: the address is somebody else's, or there is none such.
    """
    kind = _SixServer if ":" in host else _Server
    try:
        server = kind((host, port), _Handler)
    except OSError as error:
        problem = f"cannot listen on {host}:{port} for metrics: {error.strerror}"
        raise UsageError(f"{problem}. Choose another by ADAPTER_METRICS_HOST and ADAPTER_METRICS_PORT.") from error
    server.page = page
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
