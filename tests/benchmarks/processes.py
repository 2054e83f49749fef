"""The processes that a benchmark measures or needs, each on a free loopback port, all ended with their context."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from adapter.receiver.inbox import QUEUE
from adapter.settings import Settings

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef"
NAME = "claims"
START_SECONDS = 60.0
_UNLIMITED = {"max_requests_per_second": "1000000", "max_request_burst": "1000000"}
"""The pace of the door, which is not what is measured."""
_OPEN = "SELECT count(*) FROM workflow_status WHERE queue_name = ? AND status IN ('ENQUEUED', 'DELAYED', 'PENDING')"


@contextmanager
def serving(url: str, state: Path) -> Iterator[int]:
    """``coaching-adapter serve`` for the server at ``url``; yields its port."""
    paced = {f"ADAPTER_{name.upper()}": value for name, value in _UNLIMITED.items() if name in Settings.model_fields}
    settings = {
        "ADAPTER_SUBSCRIPTION_SECRETS": f'{{"{NAME}": "{SECRET}"}}',
        "ADAPTER_LEDGER": str(state / "ledger.sqlite"),
        **paced,
    }
    port = free_port()
    with process(["adapter", "serve", url, "--port", str(port)], port, "/health/ready", settings):
        yield port


@contextmanager
def process(arguments: list[str], port: int, path: str, settings: Mapping[str, str]) -> Iterator[None]:
    """``python -m``, from when it answers 200 at ``path``."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
    environment = {**known, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **settings}
    started = subprocess.Popen([sys.executable, "-m", *arguments], env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(port, path):
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"`python -m {' '.join(arguments)}` did not start")
            time.sleep(0.05)
        yield
    finally:
        started.kill()
        started.wait()


def answers(port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def open_rows(state: Path) -> int:
    """What the worker of ``serving`` has not worked off yet."""
    with closing(sqlite3.connect(state / "notifications.sqlite")) as database:
        (count,) = database.execute(_OPEN, (QUEUE,)).fetchone()
        return int(count)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
