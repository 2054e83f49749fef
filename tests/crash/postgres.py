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


@contextmanager
def running_postgres() -> Iterator[str]:
    """Make a cluster, start it on a free port, stop it at the end; yields the URL of a database."""
    folder = Path(tempfile.mkdtemp(prefix="crash-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    log, port = folder / "server.log", free_port()
    try:
        with log.open("wb") as output:
            data = str(folder / "data")
            initdb = [str(_program("initdb")), "-D", data, "-U", USER, "-E", "UTF8", "--locale=C", "--auth=trust"]
            if subprocess.run(initdb, stdout=output, stderr=output, check=False, **_as_user(folder)).returncode:
                raise PostgresError(f"initdb failed.\n{tail(log)}")
            server = [str(_program("postgres")), "-D", data, "-p", str(port)]
            options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
            process = subprocess.Popen(
                [*server, *options],
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - one system call, which takes no lock
                **_as_user(folder),
            )
        try:
            _wait_until_ready(process, port, log)
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ask = [str(_program("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if subprocess.run(ask, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise PostgresError(f"PostgreSQL did not start within {SECONDS:.0f} s.\n{tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):  # the first ends connections and writes all it has
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(SECONDS / 4)
        except subprocess.TimeoutExpired:
            continue


def _program(name: str) -> Path | None:
    """The newest that Debian has; it keeps servers off the PATH."""
    found = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which(name)
    return found[-1] if found else Path(on_path) if on_path else None


def _as_user(folder: Path) -> dict[str, Any]:
    return {"cwd": folder, **({"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {})}


def _has_user() -> bool:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return True
