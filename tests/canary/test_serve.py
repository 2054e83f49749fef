"""``serve`` is notified with payloads, asked with whole records, and lied to; then every place is searched."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from canary.markers import BIRTH_DATE, ID, PHI, Json, assert_silent, columns_with, files_with, log_lines, markers_in
from canary.serving import CRASHES
from canary.test_server import QUOTE, FaultyServer, refusal
from hapi_server import die_with_parent
from receiver.fhir_server import listening
from receiver.test_serve_process import until
from starlette.requests import Request
from starlette.responses import Response

from adapter.logs.digest import Digests

ROOT = Path(__file__).parents[2]
KEY, SECRET, SUBMIT = "0123456789abcdef-canary", "0123456789abcdef", "submit-0123456789"
CRASHING = f"{ID}-{CRASHES}"
DIGESTS = Digests(KEY.encode())


@dataclass
class Session:
    """What a service said and left, after all that was done to it."""

    stderr: str
    stdout: str
    state: Path
    temporary: Path
    refusals: dict[str, httpx.Response]
    answered: httpx.Response
    failures: subprocess.CompletedProcess[str]


def _record(server: FaultyServer) -> Json:
    known = [each for each in server.resources.values() if each["resourceType"] != "Subscription"]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in known]}


def _notification(claim: Json) -> Json:
    """A backport notification with the whole claim in it."""
    status = {
        "resourceType": "Parameters",
        "id": f"{ID}-status",
        "parameter": [
            {"name": "subscription", "valueReference": {"reference": "Subscription/s1"}},
            {"name": "type", "valueCode": "event-notification"},
            {
                "name": "notification-event",
                "part": [
                    {"name": "event-number", "valueString": "1"},
                    {"name": "focus", "valueReference": {"reference": f"Claim/{claim['id']}"}},
                ],
            },
        ],
    }
    entries = [{"resource": status}, {"resource": claim}]
    return {"resourceType": "Bundle", "type": "history", "entry": entries}


class Service:
    def __init__(self, url: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.folder, self.temporary = folder / "state", folder / "tmp"
        self.temporary.mkdir()
        known = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
        self.environment = {
            **known,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "servers")]),
            "TMPDIR": str(self.temporary),
            "ADAPTER_LOG_LEVEL": "DEBUG",
            "ADAPTER_DIGEST_KEY": KEY,
            "ADAPTER_SUBSCRIPTION_SECRETS": f'{{"claims": "{SECRET}"}}',
            "ADAPTER_SUBMIT_SECRET": SUBMIT,
            "ADAPTER_LEDGER": str(self.folder / "ledger.sqlite"),
        }
        self.out, self.err = folder / "stdout", folder / "stderr"
        command = [sys.executable, "-m", "canary.serving", QUOTE, "serve", url, "--port", port]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                env=self.environment,
                stdout=out,
                stderr=err,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - one system call, which takes no lock
            )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)

    def ready(self) -> bool:
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def send(self, path: str, body: Json | bytes, secret: str = SECRET) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/fhir+json"}
        return self.http.post(path, content=content, headers=headers)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "adapter", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    server = FaultyServer()
    server.put({**server.resources[f"Claim/{ID}"], "id": CRASHING})
    server.put({**server.resources[f"Claim/{ID}"], "id": f"{ID}-misshapen", f"{PHI}Name": BIRTH_DATE})
    channel = {"type": "rest-hook", "endpoint": "http://127.0.0.1/subscriptions/claims"}
    server.put({"resourceType": "Subscription", "id": "s1", "status": "active", "channel": channel})
    with listening(server) as url:
        service = Service(url, tmp_path_factory.mktemp("serve"))
        try:
            yield _done_to(service, server)
        finally:
            service.process.kill()
            service.process.wait()
            service.http.close()


def _done_to(service: Service, server: FaultyServer) -> Session:
    until(service.ready, 120)
    for name in (ID, CRASHING, f"{ID}-misshapen"):
        claim = server.resources[f"Claim/{name}"]
        assert service.send("/subscriptions/claims", _notification(claim)).status_code == 204
    refusals = _refused(service, server)
    answered = service.send("/Claim/$submit", _record(server), SUBMIT)
    until(lambda: ID in server.answers() and "change.given_up" in service.err.read_text(), 120)
    until(lambda: columns_with(service.folder / "ledger.sqlite", [ID]) != set(), 120)
    server.fault = _quoting
    service.send("/subscriptions/claims", _notification({"resourceType": "Claim", "id": f"{ID}-away"}))
    until(lambda: "waiting.for" in service.err.read_text(), 120)
    failures = service.cli("failures", "find", CRASHING, "--format", "json")
    service.process.terminate()
    service.process.wait(60)
    stderr, stdout = service.err.read_text(), service.out.read_text()
    return Session(stderr, stdout, service.folder, service.temporary, refusals, answered, failures)


def _quoting(_request: Request, _body: bytes) -> Response:
    return refusal(500, "exception")


def _refused(service: Service, server: FaultyServer) -> dict[str, httpx.Response]:
    claim = server.resources[f"Claim/{ID}"]
    whole = json.dumps(_record(server)).encode()
    return {
        "a wrong secret": service.send("/subscriptions/claims", claim, f"{PHI}-{SECRET}"),
        "a name nobody knows": service.send(f"/subscriptions/{PHI}", claim),
        "a path nobody knows": service.http.get(f"/{PHI}/{BIRTH_DATE}?name={PHI}"),
        "a method nobody knows": service.http.patch("/subscriptions/claims", content=whole),
        "a broken notification": service.send("/subscriptions/claims", whole[:-30]),
        "no notification": service.send("/subscriptions/claims", {"resourceType": PHI, "type": PHI}),
        "a broken submission": service.send("/Claim/$submit", whole[:-30], SUBMIT),
        "a misshapen submission": service.send("/Claim/$submit", {**claim, "patient": PHI, "status": [PHI]}, SUBMIT),
        "a claim whose status is a name": service.send("/Claim/$submit", {**claim, "status": f"{PHI}-x"}, SUBMIT),
        "a claim on which a rule crashes": service.send("/Claim/$submit", {**claim, "id": CRASHING}, SUBMIT),
        "a submission with the secret of another": service.send("/Claim/$submit", claim),
    }


def test_nothing_is_said(session: Session) -> None:
    assert_silent(session.stderr)
    assert markers_in(session.stdout, [PHI, BIRTH_DATE, ID]) == set()
    assert log_lines(session.stderr) == session.stderr.splitlines(), "all that serve says goes through the filter"


def test_what_happened_is_said_all_the_same(session: Session) -> None:
    lines = session.stderr
    for said in (
        f"claim.decided claim={DIGESTS.of_claim(ID)} decision=APPROVE patient={DIGESTS.of_patient(f'{ID}-member')}",
        f"claim.undecided claim={DIGESTS.of_claim(CRASHING)}",
        f"claim.refused claim={DIGESTS.of_claim(f'{ID}-misshapen')}",
        f"change.given_up attempt=1 changed=Claim/{DIGESTS.of_claim(CRASHING)}",
        "KeyError at serving.py:",
        "waiting.for attempt=1",
        "answered 500 (exception) to",
    ):
        assert said in lines, said


def test_no_refusal_repeats_what_was_sent(session: Session) -> None:
    assert {name: answer.status_code for name, answer in session.refusals.items() if answer.status_code < 400} == {}
    told = {
        name for name, answer in session.refusals.items() if markers_in(answer.content + str(answer.headers).encode())
    }
    assert told == set()


def test_a_submission_is_answered_with_ids_and_no_more(session: Session) -> None:
    assert session.answered.status_code == 200
    assert markers_in(session.answered.content, [ID, PHI, BIRTH_DATE]) <= {ID, PHI}


NOTIFICATIONS_WITH_IDS = {"workflow_input.inputs", "workflow_status.deduplication_id"}
"""Hints are ``Type/id``; rows go when they are worked off, and what keeps two of one kind apart goes before."""


def test_of_the_databases_only_what_is_meant_to_holds_anything(session: Session) -> None:
    ledger, notifications = session.state / "ledger.sqlite", session.state / "notifications.sqlite"
    assert columns_with(ledger) == {"outcome.outcome"}
    assert columns_with(ledger, [ID]) == {"outcome.claim", "outcome.outcome"}
    assert columns_with(notifications) == set()
    assert {"workflow_input.inputs"} <= columns_with(notifications, [ID]) <= NOTIFICATIONS_WITH_IDS
    assert {each.partition("-")[0].partition(".")[0] for each in files_with(session.state)} <= {"ledger"}


def test_no_temporary_file_is_left(session: Session) -> None:
    assert list(session.temporary.iterdir()) == []


def test_the_operator_finds_the_claim_of_a_log_line(session: Session) -> None:
    found = json.loads(session.failures.stdout)
    assert found["digest"] == DIGESTS.of_claim(CRASHING)
    assert [each["changed"] for each in found["failures"]] == [f"Claim/{CRASHING}"]
    assert f"Claim/{found['digest']}" in session.stderr
