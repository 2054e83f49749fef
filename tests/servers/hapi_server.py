"""Build, start and stop the HAPI FHIR server of `hapi/`. No pytest here: conftest.py decides when to skip.

The server holds its data in memory, so ending it needs no care: what matters is that none is left behind, whether the
tests end well, are interrupted, or are killed.
"""

import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

PROJECT = Path(__file__).parent / "hapi"
TARGET = PROJECT / "target"
JAR = TARGET / "hapi-test-server.jar"
STAMP = TARGET / "built-from.sha256"

BUILD_SECONDS = 900.0  # the first build downloads some 300 MB
START_SECONDS = 180.0
STOP_SECONDS = 8.0

# One compiler tier and one collector thread: a server that lives for minutes starts sooner with less memory.
JVM_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class HapiError(RuntimeError):
    """The server could not be built or did not start; the message ends with the tail of the log."""


@dataclass(frozen=True, slots=True)
class HapiServer:
    """A server that answered. `url` is the FHIR base, without a slash at the end."""

    url: str
    pid: int
    log: Path


@contextmanager
def running_hapi(*options: str) -> Iterator[HapiServer]:
    """Build if need be, start on a free loopback port, stop at the end.

    `options` are Spring Boot arguments, such as `--testserver.default-page-size=5`.
    """
    build_if_stale()
    folder = Path(tempfile.mkdtemp(prefix="hapi-test-server-"))
    port = free_port()
    url = f"http://127.0.0.1:{port}/fhir"
    process = start(folder, f"--server.port={port}", *options)
    try:
        wait_until_ready(process, url, folder / "server.log")
    except BaseException:
        stop(process)
        raise  # and keep the folder: the message says that the log lies there
    try:
        yield HapiServer(url, process.pid, folder / "server.log")
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def java_missing() -> str | None:
    """What this machine lacks for the server, in one sentence; None when all is there."""
    java = shutil.which("java")
    if java is None:
        return "The HAPI test server needs Java 17 or newer, and there is no java on the PATH."
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < 17:
        first_line = said.strip().partition("\n")[0]
        return f"The HAPI test server needs Java 17 or newer, and java -version says: {first_line}"
    if shutil.which("mvn") is None and not is_current():
        return "The HAPI test server needs Maven to be built, and there is no mvn on the PATH."
    return None


def build_if_stale() -> None:
    """Run Maven when the jar is missing or was built from other sources."""
    with (PROJECT / "pom.xml").open("rb") as pom:
        fcntl.flock(pom, fcntl.LOCK_EX)  # a test run beside this one waits here, and then finds the jar
        if not is_current():
            build()


def is_current() -> bool:
    # Contents, not times: a checkout gives every file a new time, and a cached target/ keeps its old ones.
    return JAR.exists() and STAMP.exists() and STAMP.read_text() == sources_digest()


def sources_digest() -> str:
    digest = hashlib.sha256()
    sources = sorted(path for path in (PROJECT / "src").rglob("*") if path.is_file())
    for path in [PROJECT / "pom.xml", *sources]:
        digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def build() -> None:
    TARGET.mkdir(exist_ok=True)
    log = TARGET / "maven.log"
    command = ["mvn", "-q", "-B", "package"]
    with log.open("wb") as output:
        maven = spawn(command, PROJECT, output)
        try:
            code = maven.wait(BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            raise HapiError(f"Maven took more than {BUILD_SECONDS:.0f} s.\n{tail(log)}") from None
        finally:
            stop(maven)
    if code != 0:
        raise HapiError(f"`{' '.join(command)}` in {PROJECT} ended with {code}.\n{tail(log)}")
    STAMP.write_text(sources_digest())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    # Tomcat's own scratch folders go there too, so that a killed server leaves nothing elsewhere.
    command = ["java", *JVM_OPTIONS, f"-Djava.io.tmpdir={folder}", "-jar", str(JAR), *arguments]
    with (folder / "server.log").open("wb") as output:
        return spawn(command, folder, output)


def spawn(command: list[str], folder: Path, output: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # its own process group: Ctrl-C reaches the tests, and they end it
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - one system call, which takes no lock of another thread
    )


def die_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn`: the kernel kills the child when the tests are killed and no `finally` runs (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: the child may only make the call
    parent = os.getpid()
    set_parent_death_signal = 1

    def in_child() -> None:
        prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between, and no signal will come
            os._exit(1)

    return in_child


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=10) as http:  # loopback: never through a proxy
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise HapiError(f"The HAPI server ended with {process.returncode} before it answered.\n{tail(log)}")
            try:
                if http.get(f"{url}/metadata").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.25)
    raise HapiError(f"The HAPI server did not answer within {START_SECONDS:.0f} s.\n{tail(log)}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started; harmless when it has ended already."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def tail(log: Path, lines: int = 40) -> str:
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"The last lines of {log}:", *last])


if __name__ == "__main__":  # for the README: a server to try things on
    build_if_stale()
    serving = start(Path(tempfile.mkdtemp(prefix="hapi-test-server-")), f"--server.port={sys.argv[1]}")
    print(f"http://127.0.0.1:{sys.argv[1]}/fhir in half a minute; Ctrl-C ends it", flush=True)
    try:
        sys.exit(serving.wait())
    finally:
        stop(serving)
