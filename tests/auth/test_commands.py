"""The commands on a server that lets in only whom it knows: they do their work, or say which step failed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import CLINIC
from auth.clients import NEVER_SAID, KeyFile
from auth.loopback import Stage
from auth.token_server import CLIENT, TokenServer
from command_line import Command, Result
from receiver.fhir_server import FhirServer
from receiver.test_serve_process import ROOT, Service, until
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Json = dict[str, Any]
APPROVED = "a04-30-minutes"
READS, ANSWERS = "system/*.read", "system/*.read system/ClaimResponse.write system/Provenance.write"


class Clinic(FhirServer):
    """Has the claims of the clinic; may refuse to write a type, entry by entry, as HAPI does."""

    def __init__(self) -> None:
        super().__init__()
        self.load(CLINIC)
        self.barred: set[str] = set()

    def _entry(self, entry: Json) -> Json:
        if entry["resource"]["resourceType"] in self.barred:
            return {"response": {"status": "403 Forbidden"}}
        return super()._entry(entry)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture
def server(key: KeyFile, clinic: Clinic) -> TokenServer:
    return TokenServer(key.jwks, clinic.app())


@pytest.fixture
def url(server: TokenServer, stage: Stage) -> str:
    """The FHIR server of these tests has its base at the root."""
    stage.app = server
    return stage.url


@pytest.fixture
def registered(command: Command, key: KeyFile, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line with the settings of a registered client."""
    monkeypatch.setenv("ADAPTER_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ADAPTER_PRIVATE_KEY_FILE", str(key.path))
    monkeypatch.setenv("ADAPTER_LEDGER", str(command.folder / "ledger.sqlite"))
    return command


def test_sync_writes_the_answers_and_asks_for_what_that_takes(
    registered: Command, url: str, server: TokenServer, clinic: Clinic
) -> None:
    tried = registered("sync", url, "--dry-run")
    assert (tried.code, server.forms[-1]["scope"], clinic.answers()) == (0, READS, {})
    saved = registered("sync", url, "--out", "answers")
    assert (saved.code, server.forms[-1]["scope"], clinic.answers()) == (0, READS, {})
    done = registered("sync", url)
    assert (done.code, server.forms[-1]["scope"]) == (0, ANSWERS)
    assert len(clinic.answers()) > 50
    assert (server.refusals, server.unauthorized, len(server.forms)) == ([], 0, 3)
    assert not [each for each in NEVER_SAID if each in f"{done.stdout}{done.stderr}"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("explain", "URL", APPROVED), id="explain"),
        pytest.param(("map", "URL", "--resource", f"Claim/{APPROVED}"), id="map"),
        pytest.param(("subscribe", "URL", "list"), id="subscribe"),
    ],
)
def test_every_command_shows_the_token(
    registered: Command, url: str, server: TokenServer, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADAPTER_PUBLIC_URL", "http://127.0.0.1:8700/subscriptions/all")
    ran = registered(*(url if each == "URL" else each for each in arguments))
    assert ran.code == 0, ran.stderr
    assert (server.unauthorized, len(server.forms)) == (0, 1)


def test_tokens_that_end_early_end_nothing_else(
    registered: Command, url: str, server: TokenServer, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADAPTER_CONCURRENCY", "1")  # so that nobody uses up what another has just renewed
    server.uses = 3
    assert registered("sync", url).code == 0
    assert len(clinic.answers()) > 50
    assert (server.refusals, len(server.forms) > 2) == ([], True)
    assert clinic.repeated == []


def only_reads(request: Request) -> bool:
    return request.method == "GET" or request.url.path.endswith("_search")


def _not_found(server: TokenServer, _clinic: Clinic) -> None:
    server.discovery_instead = [Response(status_code=404)]


def _unregistered(server: TokenServer, _clinic: Clinic) -> None:
    server.keys.clear()


def _another_client(server: TokenServer, _clinic: Clinic) -> None:
    server.client = "somebody-else"


def _unknown_scope(server: TokenServer, _clinic: Clinic) -> None:
    server.registered = {"system/*.read"}


def _less_granted(server: TokenServer, _clinic: Clinic) -> None:
    server.granted = lambda _asked: "system/*.read system/ClaimResponse.write"


def _no_token_is_good(server: TokenServer, _clinic: Clinic) -> None:
    server.uses = 0
    server.valid = type("Never", (list,), {"__contains__": lambda *_: False})()


def _nothing_to_read(server: TokenServer, _clinic: Clinic) -> None:
    server.may = lambda request: request.url.path == "/metadata"


def _no_patients(server: TokenServer, _clinic: Clinic) -> None:
    server.may = lambda request: not request.url.path.startswith("/Patient")


def _nothing_to_write(server: TokenServer, _clinic: Clinic) -> None:
    server.may = only_reads


def _no_responses(_server: TokenServer, clinic: Clinic) -> None:
    clinic.barred = {"ClaimResponse"}


def _no_provenances(_server: TokenServer, clinic: Clinic) -> None:
    clinic.barred = {"Provenance"}


@pytest.mark.parametrize(
    ("spoil", "step", "said"),
    [
        (_not_found, "discovery", "answered 404 to the request for its SMART configuration"),
        (_unregistered, "token", "(invalid_client) to the request for a token. are ADAPTER_CLIENT_ID and the public"),
        (_another_client, "token", "(invalid_client) to the request for a token"),
        (_unknown_scope, "scope", "(invalid_scope) to the request for a token. have these scopes registered"),
        (_less_granted, "scope", "lacks system/Provenance.write. have these scopes registered"),
        (_no_token_is_good, "read", "answered 401 (invalid_token) to the request for its CapabilityStatement"),
        (_nothing_to_read, "read", "answered 403 to a search of Claim. check the token's scopes"),
        (_no_patients, "read", "answered 403 to a search of Patient. check the token's scopes"),
        (_nothing_to_write, "write", "answered 403 to a batch. check the token's scopes"),
        (_no_responses, "write", "refused every ClaimResponse of a batch: it answered 403"),
        (_no_provenances, "write", "refused every Provenance of a batch: it answered 403"),
    ],
)
def test_the_step_that_failed_is_told_in_one_line_with_exit_code_4(
    registered: Command,
    url: str,
    server: TokenServer,
    clinic: Clinic,
    spoil: Callable[[TokenServer, Clinic], None],
    step: str,
    said: str,
) -> None:
    spoil(server, clinic)
    _told(registered("sync", url), step, said)


def _told(ran: Result, step: str, said: str) -> None:
    (line,) = [each for each in ran.stderr.splitlines() if each.startswith("coaching-adapter: ")]
    assert ran.code == 4
    assert line.startswith(f"coaching-adapter: access failed at the step {step}: ")
    assert said in line
    assert not [each for each in NEVER_SAID if each in f"{ran.stdout}{ran.stderr}"]


def test_a_token_in_a_file(command: Command, url: str, server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (command.folder / "token").write_text("s3cret\n")
    monkeypatch.setenv("ADAPTER_TOKEN_FILE", "token")
    _told(command("sync", url, "--dry-run"), "read", "answered 401 (invalid_token)")
    server.valid.append("s3cret")
    assert command("sync", url, "--dry-run").code == 0


def test_without_a_credential_nothing_is_sent(command: Command, url: str, server: TokenServer) -> None:
    _told(command("sync", url, "--dry-run"), "read", "answered 401 (invalid_token)")
    assert server.paths == ["/metadata"]


@pytest.mark.parametrize(
    "arguments", [("check",), ("sync", "https://fhir.test"), ("subscribe", "https://fhir.test", "list")]
)
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CLIENT_ID": "us", "PRIVATE_KEY_FILE": "none"}, "the file of ADAPTER_PRIVATE_KEY_FILE cannot be read"),
        ({"TOKEN_FILE": "none"}, "the file of ADAPTER_TOKEN_FILE cannot be read"),
        ({"CA_BUNDLE": "none"}, "the file of ADAPTER_CA_BUNDLE cannot be read"),
        ({"TOKEN": "s3cret", "CLIENT_ID": "us"}, "ADAPTER_TOKEN and ADAPTER_CLIENT_ID are different ways"),
        ({"TOKEN": ""}, "the token is empty"),
        ({"TOKEN": "s3cret\n"}, "characters that no HTTP header can carry"),
    ],
)
def test_bad_settings_stop_the_start(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setenv("ADAPTER_PUBLIC_URL", "http://127.0.0.1:8700/subscriptions/all")
    for name, value in environment.items():
        monkeypatch.setenv(f"ADAPTER_{name}", value)
    ran = command(*arguments)
    assert (ran.code, said in ran.stderr, "s3cret" in ran.stderr) == (2, True, False)


def a_service(url: str, folder: Path, **settings: str) -> Service:
    service = Service(url, folder)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    service.environment |= settings | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return service


def test_serve_renews_its_token_for_as_long_as_it_runs(
    url: str, server: TokenServer, clinic: Clinic, key: KeyFile, tmp_path: Path
) -> None:
    server.uses = 5
    known = {"ADAPTER_CLIENT_ID": CLIENT, "ADAPTER_PRIVATE_KEY_FILE": str(key.path)}
    service = a_service(url, tmp_path, **known, ADAPTER_CONCURRENCY="1")
    with closing(service.http), service.running() as process:
        service.notify(APPROVED)
        until(lambda: APPROVED in clinic.answers())
        before = len(server.forms)
        server.instead = [JSONResponse({"error": "invalid_client"}, 401)]  # one renewal fails; the next does not
        server.revoke()
        service.notify("a03-29-minutes")
        # The first sweep may have answered it already; even so it is looked at again, which takes a token.
        until(lambda: len(server.forms) >= before + 2 and "a03-29-minutes" in clinic.answers())
        process.terminate()
        assert process.wait(30) == 0
    assert server.refusals == []


def test_serve_with_a_bad_setting_does_not_start(tmp_path: Path) -> None:
    service = a_service("https://fhir.test", tmp_path, ADAPTER_TOKEN_FILE=str(tmp_path / "none"))
    service.http.close()
    ran = service.run("serve", service.url)
    assert (ran.returncode, "the file of ADAPTER_TOKEN_FILE cannot be read" in ran.stderr) == (2, True)


def test_a_single_answer_that_may_not_be_written_is_the_matter_of_its_claim(
    registered: Command, url: str, clinic: Clinic
) -> None:
    """Once something of its type was written, we have the rights."""
    refused: list[str] = []

    def entry(given: Json) -> Json:
        resource = given["resource"]
        if resource["resourceType"] == "ClaimResponse" and resource["request"]["reference"] == f"Claim/{APPROVED}":
            refused.append(APPROVED)
            return {"response": {"status": "403"}}
        return Clinic._entry(clinic, given)

    clinic._entry = entry  # type: ignore[assignment, method-assign] # one odd claim
    ran = registered("sync", url)
    assert (ran.code, refused) == (3, [APPROVED])
    assert len(clinic.answers()) > 50
