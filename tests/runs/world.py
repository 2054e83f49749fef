"""A small FHIR server that takes its time, a PostgreSQL database, and workers as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from answers.story_stages import FIXTURES, NOW
from hapi_server import die_with_parent
from receiver.fhir_server import FhirServer, listening
from starlette.requests import Request
from starlette.responses import Response
from typer.testing import CliRunner

from adapter.cli.main import app
from adapter.errors import AdapterError

ROOT = Path(__file__).parents[2]
CLINIC = FIXTURES / "clinic"
Json = dict[str, Any]
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


class SlowServer(FhirServer):
    """It takes a while for each answer, so that a run can be looked at, and broken, in the middle."""

    seconds = 0.0

    async def _answer(self, request: Request) -> Response:
        await asyncio.sleep(self.seconds)
        return await super()._answer(request)

    def load_clinic(self, *claims: Json) -> None:
        """The clinic, one change a day from long ago on, and further claims after it."""
        self.load(CLINIC)
        self.put(*claims)
        self.writes.clear()
        self.repeated.clear()
        for day, resource in enumerate(self.resources.values()):
            resource["meta"]["lastUpdated"] = (LONG_AGO + timedelta(days=day)).isoformat()


@dataclass
class Workplace:
    """What the processes of a test share."""

    server: SlowServer
    url: str
    folder: Path
    settings: Mapping[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """A command of the adapter, in a process of its own."""
        number = len(self.started)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
        own = {"ADAPTER_LEDGER": str(self.folder / f"ledger-{number}.sqlite"), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-m", "adapter", *arguments],
            env={**environment, **own, **self.settings, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - one system call, which takes no lock
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """A command to its end, in this process, for a start of its own takes seconds: exit code, stdout, stderr."""
        own = {"ADAPTER_LEDGER": str(self.folder / "ledger-here.sqlite")}
        result = CliRunner().invoke(app, list(arguments), env={**own, **self.settings, **settings})
        if isinstance(result.exception, AdapterError):
            return result.exception.exit_code, result.stdout, f"{result.stderr}coaching-adapter: {result.exception}"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def sync(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return self.start("sync", self.url, "--workers", "--now", NOW, *arguments, **settings)

    def synced(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """As ``sync`` to its end, in this process."""
        return self.run("sync", self.url, "--workers", "--now", NOW, *arguments, **settings)

    def runs(self) -> list[Json]:
        """``runs --format json``; nothing before there are tables."""
        code, stdout, _ = self.run("runs", "--format", "json")
        found: list[Json] = json.loads(stdout) if code == 0 else []
        return found

    def show(self, run: str) -> Json:
        code, stdout, stderr = self.run("runs", "show", run, "--format", "json")
        assert code == 0, stderr
        found: Json = json.loads(stdout)
        return found

    def answered(self) -> dict[str, Json]:
        """The one answer to each claim, and the outcomes, as far as they do not differ from start to start."""
        found = {}
        for claim, several in self.server.answers().items():
            assert len(several) == 1, f"{claim} has {len(several)} answers"
            found[claim] = {name: each for name, each in several[0].items() if name not in ("id", "meta")}
        return found


def ended(process: subprocess.Popen[str], seconds: float = 300) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=seconds)
    return process.returncode, stdout, stderr


def until(true: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.1)


@contextmanager
def workplace(database: str, folder: Path, claims: Sequence[Json] = ()) -> Iterator[Workplace]:
    server = SlowServer()
    server.load_clinic(*claims)
    settings = {"ADAPTER_DATABASE_URL": database, "ADAPTER_CHUNK_SIZE": "20", "ADAPTER_PAGE_SIZE": "50"}
    with listening(server) as url:
        place = Workplace(server, url, folder, settings)
        try:
            yield place
        finally:
            for process in place.started:
                if process.poll() is None:
                    process.kill()
                with suppress(ValueError):  # its pipes are read to the end
                    process.communicate()
