"""The processes of ``coaching-adapter serve``: started, killed at any instant, and started again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from crash.postgres import Postgres
from dbos import DBOSClient
from hapi_server import die_with_parent, free_port
from typer.testing import CliRunner, Result

from adapter.cli.main import app
from adapter.durable.database import database_url
from adapter.receiver.work.inbox import APPLICATION, QUEUE

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef"
START_SECONDS = 120.0
OPEN = ["ENQUEUED", "DELAYED", "PENDING"]
Json = dict[str, Any]


@dataclass
class Node:
    """One process on a port that stays its own."""

    name: str
    url: str
    environment: dict[str, str]
    folder: Path
    address: str = field(init=False)
    starts: int = 0
    lost: bool = False
    """It died, and nobody starts it again."""
    received: int = 0
    """Notifications that it said it took, as last seen of each of its processes."""
    _process: subprocess.Popen[bytes] | None = None
    _seen: int = 0

    def __post_init__(self) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"

    @property
    def endpoint(self) -> str:
        return f"{self.address}/subscriptions/all"

    def start(self) -> None:
        port = self.address.rpartition(":")[2]
        command = [sys.executable, "-m", "adapter", "serve", self.url, "--port", port]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - one system call, which takes no lock
            )
        self.starts += 1
        self._seen = 0

    def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def lose(self) -> None:
        """``kill -9``, and nobody starts it again."""
        self.lost = True
        self.kill()

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def ended_by_itself(self) -> int | None:
        """The exit code of a process that nobody killed."""
        return None if self._process is None else self._process.poll()

    def is_ready(self, http: httpx.Client) -> bool:
        """Whether it takes notifications; what it counted meanwhile is added up."""
        try:
            answer = http.get(f"{self.address}/health/ready", timeout=5)
        except httpx.TransportError:
            return False
        if answer.status_code == httpx.codes.OK:
            seen = answer.json().get("notifications", {}).get("received", 0)
            self.received += max(0, seen - self._seen)
            self._seen = seen
        return answer.status_code == httpx.codes.OK


@dataclass
class Fleet:
    """Some nodes on one database, and the commands that a person would give beside them."""

    url: str
    folder: Path
    nodes: list[Node]
    environment: dict[str, str]
    database: str
    http: httpx.Client
    postgres: Postgres | None = None

    @property
    def alive(self) -> list[Node]:
        """Those that are not lost; one may be between a kill and its next start."""
        return [node for node in self.nodes if not node.lost]

    def run(self, *arguments: str, **extra: str) -> Result:
        """A command of the adapter, to its end; in this process, for a start of its own takes seconds."""
        settings = {name: value for name, value in self.environment.items() if name.startswith("ADAPTER_")}
        return CliRunner().invoke(app, list(arguments), env=settings | extra)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        for node in self.alive:
            while not node.is_ready(self.http):
                if time.monotonic() > deadline or node.ended_by_itself() is not None:
                    raise RuntimeError(f"{node.name} does not get ready; its log is {node.folder / node.name}.log")
                time.sleep(0.1)

    def waiting(self) -> int:
        """Rows of the inbox that are not worked off: nothing may change any more once there is none."""
        client = DBOSClient(system_database_url=self.database, application_name=APPLICATION, lazy=True)
        try:
            open_rows = client.list_workflows(
                queue_name=QUEUE, status=OPEN, limit=1000, load_input=False, load_output=False
            )
            return len(open_rows)
        finally:
            client.destroy()

    def failures(self) -> list[Json]:
        result = self.run("failures", "list", "--format", "json")
        if result.exit_code != 0:
            raise RuntimeError(f"failures list ended with {result.exit_code}: {result.exception or result.stderr}")
        found: list[Json] = json.loads(result.stdout)
        return found


@contextmanager
def fleet(
    url: str, folder: Path, count: int, postgres: Postgres | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """``count`` nodes for one FHIR server, not started yet; all are ended with the context."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
    environment = {
        **known,
        "PYTHONPATH": str(ROOT),
        "ADAPTER_SUBSCRIPTION_SECRET": SECRET,
        "ADAPTER_LEDGER": str(folder / "ledger.sqlite"),
        **({"ADAPTER_DATABASE_URL": postgres.url} if postgres else {}),
        **(settings or {}),
    }
    nodes = [Node(f"node-{number}", url, {}, folder) for number in range(1, count + 1)]
    for node in nodes:
        node.environment = environment | {"ADAPTER_NODE": node.name}
    with httpx.Client(trust_env=False) as http:
        try:
            database = database_url(postgres.url if postgres else None, folder)
            yield Fleet(url, folder, nodes, environment, database, http, postgres)
        finally:
            for node in nodes:
                node.end()
