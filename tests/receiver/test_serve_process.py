"""``coaching-adapter serve`` as a process: killed in the middle of a burst and started again, it loses nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from answers.story_stages import CLINIC
from receiver.fhir_server import FhirServer, listening

from adapter.sinks.ledger import Ledger
from adapter.sinks.on_server import same_content

EXPECTED = json.loads((CLINIC.parent / "clinic-expected.json").read_text())
ANSWERED = {claim for claim, each in EXPECTED.items() if each["outcome"] in ("complete", "partial", "error")}
OUTCOMES = sum(1 for each in EXPECTED.values() if each["outcome"] == "operation-outcome")
SECRET = "0123456789abcdef"
SUBMIT_SECRET = "submit-0123456789"
ROOT = Path(__file__).parents[2]


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


class Service:
    """The command, started any number of times on the same port and the same state."""

    def __init__(self, url: str, state: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self.url = url
        known = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
        self.environment = {
            **known,
            "PYTHONPATH": str(ROOT),
            "ADAPTER_SUBSCRIPTION_SECRETS": f'{{"claims": "{SECRET}"}}',
            "ADAPTER_SUBMIT_SECRET": SUBMIT_SECRET,
            "ADAPTER_LEDGER": str(state / "ledger.sqlite"),
        }
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", trust_env=False)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "adapter", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "adapter", "serve", self.url, "--port", self._port]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)
        try:
            until(self._is_ready)
            yield process
        finally:
            process.kill()
            process.wait()

    def notify(self, *claims: str) -> None:
        for claim in claims:
            path = f"/subscriptions/claims/Claim/{claim}"
            self.http.put(path, headers={"Authorization": f"Bearer {SECRET}"}).raise_for_status()

    def submit(self, claim: dict[str, object], secret: str) -> httpx.Response:
        return self.http.post("/Claim/$submit", headers={"Authorization": f"Bearer {secret}"}, json=claim)

    def outcomes(self) -> list[dict[str, object]]:
        """What the server would not keep."""
        with Ledger(Path(self.environment["ADAPTER_LEDGER"])) as ledger:
            return ledger.outcomes(self.url)

    def _is_ready(self) -> bool:
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def server() -> FhirServer:
    server = FhirServer()
    server.load(CLINIC)
    return server


@pytest.fixture
def service(server: FhirServer, tmp_path: Path) -> Iterator[Service]:
    with listening(server) as url:
        service = Service(url, tmp_path)
        yield service
        service.http.close()


def test_killed_at_any_instant_it_loses_nothing_and_answers_nothing_twice(server: FhirServer, service: Service) -> None:
    claims = [each["id"] for each in server.of("Claim")]
    half = len(claims) // 2
    for part in (claims[:half], claims[half:]):
        with service.running() as process:
            service.notify(*part)
            process.send_signal(signal.SIGKILL)  # what was accepted is on the disk, and little of it is worked off
    with service.running():
        until(lambda: set(server.answers()) == ANSWERED and len(service.outcomes()) == OUTCOMES)
    report = service.run("sync", service.url, "--dry-run", "--format", "json")
    assert report.returncode == 0, report.stderr
    assert '"action": "created"' not in report.stdout
    assert '"action": "updated"' not in report.stdout
    assert {len(each) for each in server.answers().values()} == {1}
    assert server.repeated == []
    trails = Counter(each["target"][0]["reference"] for each in server.of("Provenance"))
    assert set(trails.values()) == {1}


def test_what_is_submitted_is_answered_as_it_is_stored_later_and_not_stored_itself(
    server: FhirServer, service: Service
) -> None:
    claim = server.resources["Claim/a04-30-minutes"]
    before = dict(server.writes)
    with service.running():
        submitted, refused = (service.submit(claim, secret) for secret in (SUBMIT_SECRET, SECRET))
        assert (submitted.status_code, refused.status_code) == (200, 403)
        assert dict(server.writes) == before
        service.notify("a04-30-minutes")
        until(lambda: "a04-30-minutes" in server.answers())
    (stored,) = server.answers()["a04-30-minutes"]
    assert same_content(submitted.json(), stored)


def test_while_the_server_is_away_notifications_are_taken_and_worked_off_later(
    server: FhirServer, service: Service
) -> None:
    server.away = True
    with service.running() as process:
        service.notify("a04-30-minutes")
        server.away = False
        until(lambda: "a04-30-minutes" in server.answers())
        process.terminate()
        assert process.wait(30) == 0


def test_what_changed_while_it_was_down_is_found_at_its_start(server: FhirServer, service: Service) -> None:
    """Nobody notifies at all."""
    claim = server.resources.pop("Claim/a04-30-minutes")
    with service.running():
        until(lambda: bool(server.answers()))
    assert "a04-30-minutes" not in server.answers()
    server.put(claim)
    with service.running():
        until(lambda: "a04-30-minutes" in server.answers())
        told = service.http.get("/health/ready").json()
    assert told["notifications"] == {}
    assert server.repeated == []


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        pytest.param(None, "says who may notify us", id="none"),
        pytest.param("{}", "says who may notify us", id="none in it"),
        pytest.param("hush", "ADAPTER_SUBSCRIPTION_SECRETS is no JSON object", id="no JSON"),
        pytest.param('{"claims": "short-one"}', "at least 16", id="short"),
        pytest.param('{"a/b": "0123456789abcdef"}', "ADAPTER_SUBSCRIPTION_SECRETS", id="a name that is no address"),
    ],
)
def test_without_a_good_secret_it_does_not_start(tmp_path: Path, secrets: str | None, said: str) -> None:
    service = Service("http://fhir.test", tmp_path)
    service.http.close()
    service.environment.pop("ADAPTER_SUBSCRIPTION_SECRETS")
    if secrets is not None:
        service.environment["ADAPTER_SUBSCRIPTION_SECRETS"] = secrets
    result = service.run("serve", "http://fhir.test")
    assert result.returncode == 2
    assert said in result.stderr
    assert not any(each in result.stderr for each in ("hush", "short-one", "0123456789abcdef"))


def test_a_database_of_another_server_is_left_alone(service: Service) -> None:
    with service.running():
        pass
    result = service.run("serve", "http://other.test/fhir")
    assert (result.returncode, "name one for each by ADAPTER_DATABASE_URL" in result.stderr) == (2, True)


def test_an_address_that_another_has_is_told_before_any_work_begins(tmp_path: Path) -> None:
    service = Service("http://fhir.test", tmp_path)
    service.http.close()
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = service.run("serve", service.url, "--port", str(other.getsockname()[1]))
    assert (result.returncode, "Choose another by --host and --port" in result.stderr) == (2, True)
    assert result.stdout == ""


def test_files_notify_nobody(tmp_path: Path) -> None:
    service = Service("", tmp_path)
    service.http.close()
    result = service.run("serve", str(CLINIC))
    assert (result.returncode, "name its base URL" in result.stderr) == (2, True)
