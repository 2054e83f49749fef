"""A PostgreSQL server of its own, on loopback and in a temporary folder; it ends with what started it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hapi_server import die_with_parent, free_port, tail

DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"
SECONDS = 60.0


class PostgresError(RuntimeError):
    """It could not be started; the message ends with the tail of its log."""


def postgres_missing() -> str | None:
    """What this machine lacks, in one sentence; None when all is there."""
    if _program("initdb") is None or _program("postgres") is None:
        return "PostgreSQL is not installed: apt-get install -y postgresql"
    if os.geteuid() == 0 and not _has_user():
        return f"PostgreSQL does not run as root, and there is no user {USER}: apt-get install -y postgresql"
    return None


class Postgres:
    """A cluster in a folder, on a port that stays its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._log, self._port = folder, folder / "server.log", free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://{USER}@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        options = ["-D", str(self._folder / "data"), "-U", USER, "-E", "UTF8", "--locale=C", "--auth=trust"]
        command = [str(_program("initdb")), *options]
        with self._log.open("ab") as output:
            made = subprocess.run(command, stdout=output, stderr=output, check=False, **self._as_user())
        if made.returncode != 0:
            raise PostgresError(f"initdb failed.\n{tail(self._log)}")

    def start(self) -> None:
        where = ["-D", str(self._folder / "data"), "-p", str(self._port)]
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(_program("postgres")), *where, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - one system call, which takes no lock
                **self._as_user(),
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGKILL):  # the first ends connections and writes all it has
            if self._process is None or self._process.poll() is not None:
                return
            self._process.send_signal(number)
            try:
                self._process.wait(SECONDS / 4)
            except subprocess.TimeoutExpired:
                continue

    def restart(self, seconds: float) -> None:
        self.stop()
        time.sleep(seconds)
        self.start()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        ask = [str(_program("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if subprocess.run(ask, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise PostgresError(f"PostgreSQL did not start within {SECONDS:.0f} s.\n{tail(self._log)}")

    def _as_user(self) -> dict[str, Any]:
        """It refuses to run as root."""
        user = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        return {"cwd": self._folder, **user}


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Make a cluster and start it; stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="crash-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    postgres = Postgres(folder)
    try:
        postgres.make()
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> Path | None:
    """The newest that Debian has; it keeps servers off the PATH."""
    found = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which(name)
    return found[-1] if found else Path(on_path) if on_path else None


def _has_user() -> bool:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return True
