"""A marked record on a server that quotes it in every answer; nothing of it is said, whatever goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answers.story_stages import NOW, shipped
from canary.markers import BIRTH_DATE, ID, PHI, Json, assert_silent, columns_with, files_with, log_lines, markers_in
from canary.test_files import RECORD
from command_line import Command, command
from receiver.fhir_server import FhirServer, listening
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from adapter.sources.patience import Patience

__all__ = ["command"]
QUOTE = f"no match for {PHI}-Family, born {BIRTH_DATE}"
Fault = Callable[[Request, bytes], Response | None]


class FaultyServer(FhirServer):
    """It holds the record, and answers as a test wants it to."""

    def __init__(self) -> None:
        super().__init__()
        self.put(*(each["resource"] for each in RECORD["entry"]))
        self.fault: Fault = lambda _request, _body: None

    async def _answer(self, request: Request) -> Response:
        found = self.fault(request, await request.body())
        return found if found is not None else await super()._answer(request)


def refusal(status: int, code: str = "processing") -> Response:
    issue = {"severity": "error", "code": code, "diagnostics": QUOTE, "details": {"text": QUOTE}}
    return JSONResponse({"resourceType": "OperationOutcome", "issue": [issue]}, status, {"X-Why": QUOTE})


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FaultyServer, str]]:
    server = FaultyServer()
    with listening(server) as url:
        yield server, url


@pytest.fixture
def server(served: tuple[FaultyServer, str]) -> Iterator[FaultyServer]:
    server, _ = served
    before = dict(server.resources)
    yield server
    server.resources, server.fault = before, lambda _request, _body: None


@pytest.fixture
def talking(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("ADAPTER_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("ADAPTER_LEDGER", str(command.folder / "ledger.sqlite"))
    monkeypatch.setattr("adapter.cli.commands.build", lambda *_, **__: shipped())
    monkeypatch.setattr("adapter.sources.fhir_client.Patience", lambda: Patience(2, 0.01, 0.01))
    return command


def of_kind(*kinds: str) -> Callable[[Request], bool]:
    return lambda request: any(each in request.url.path.split("/") for each in kinds)


def on(answer: Callable[[], Response], asked: Callable[[Request], bool]) -> Fault:
    return lambda request, _body: answer() if asked(request) else None


def writes_fail(status: str) -> Fault:
    """Each entry of a batch of writes is refused."""

    def fault(request: Request, body: bytes) -> Response | None:
        entries = json.loads(body)["entry"] if request.method == "POST" and request.url.path == "/" else []
        if not any("resource" in each for each in entries):
            return None
        issue = {"severity": "error", "code": "invalid", "diagnostics": QUOTE}
        outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
        replies = [{"response": {"status": status, "outcome": outcome, "location": QUOTE}} for _ in entries]
        return JSONResponse({"resourceType": "Bundle", "type": "batch-response", "entry": replies})

    return fault


def paging_to(url: str) -> Fault:
    page = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": url}]}
    return on(lambda: JSONResponse(page), of_kind("Claim"))


ANYTHING: Callable[[Request], bool] = lambda _request: True  # noqa: E731 - a name for a default
EVIDENCE = of_kind("Encounter", "Patient", "Coverage")
HTML = f"<html><body><h1>Error</h1>{QUOTE}</body></html>"
FAULTS: dict[str, tuple[Fault, set[int]]] = {
    "401": (on(lambda: refusal(401, "login"), ANYTHING), {4}),
    "403 of a search": (on(lambda: refusal(403, "forbidden"), of_kind("Claim")), {4}),
    "404 of the base": (on(lambda: refusal(404, "not-found"), ANYTHING), {4}),
    "a code that is a name": (on(lambda: refusal(400, f"{PHI}-family"), of_kind("Claim")), {4}),
    "500 of the evidence": (on(lambda: refusal(500, "exception"), EVIDENCE), {3, 4}),
    "500 of everything, in HTML": (on(lambda: HTMLResponse(HTML, 500), ANYTHING), {4}),
    "503, in HTML": (on(lambda: HTMLResponse(HTML, 503), EVIDENCE), {3, 4}),
    "200, in HTML": (on(lambda: HTMLResponse(HTML), of_kind("Claim")), {4}),
    "a media type that is a name": (on(lambda: Response(QUOTE, media_type=f"text/{PHI}"), of_kind("Claim")), {4}),
    "a release that is a name": (
        on(lambda: JSONResponse({"resourceType": "CapabilityStatement", "fhirVersion": PHI}), of_kind("metadata")),
        {4},
    ),
    "a redirect": (
        on(lambda: RedirectResponse(f"/elsewhere?name={PHI}&birthdate={BIRTH_DATE}"), of_kind("Claim")),
        {4},
    ),
    "a page elsewhere": (paging_to(f"http://elsewhere.example.org/{PHI}?name={PHI}"), {3}),
    "a page that is no address": (paging_to(f"http://[{PHI}"), {3}),
    "damaged JSON": (on(lambda: Response(f'{{"name": "{PHI}', media_type="application/json"), of_kind("Claim")), {4}),
    "another resource": (on(lambda: JSONResponse({"resourceType": "Patient", "name": PHI}), of_kind("Claim")), {4}),
    "a type that is a name": (on(lambda: JSONResponse({"resourceType": f"{PHI}"}), of_kind("Claim")), {4}),
    "a write that is refused": (writes_fail(f"422 {PHI}"), {3}),
    "a write that meets another": (writes_fail("412 Precondition Failed"), {3}),
    "a status that is a sentence": (writes_fail(QUOTE), {3}),
}


def test_a_good_record_is_answered_and_libraries_speak_without_their_queries(
    talking: Command, served: tuple[FaultyServer, str], server: FaultyServer
) -> None:
    result = talking("sync", served[1], "--now", NOW)
    assert (result.code, list(server.answers())) == (0, [ID])
    assert_silent(result.stderr)
    assert markers_in(result.stdout) == set()
    spoke = {word for line in log_lines(result.stderr) for word in line.split() if word.startswith("logger=")}
    assert {"logger=httpx", "logger=httpcore.http11"} <= spoke
    answers = json.dumps([server.of("ClaimResponse"), server.of("Provenance")])
    assert markers_in(answers) == set()


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_of_a_server_is_repeated(
    talking: Command, served: tuple[FaultyServer, str], server: FaultyServer, name: str
) -> None:
    server.fault, codes = FAULTS[name]
    result = talking("sync", served[1], "--claim", ID, "--now", NOW)
    assert result.code in codes
    assert_silent(result.stderr)
    assert markers_in(result.stdout) == set()
    assert files_with(talking.folder) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("sync", "URL", "--dry-run"), id="dry run"),
        pytest.param(("sync", "URL", "--out", "out"), id="to files"),
        pytest.param(("explain", "URL", ID), id="explain"),
        pytest.param(("map", "in", "--resource", f"Patient/{ID}-nobody"), id="a resource that is not there"),
    ],
)
def test_other_commands(
    talking: Command, served: tuple[FaultyServer, str], server: FaultyServer, arguments: tuple[str, ...]
) -> None:
    (talking.folder / "in").mkdir()
    result = talking(*(served[1] if each == "URL" else each for each in arguments))
    assert result.code in (0, 2)
    told = result.stderr.replace(f"Patient/{ID}-nobody", "")  # what the operator asked for
    assert_silent(told)
    if arguments[0] != "explain":
        assert markers_in(result.stdout) == set()
    assert files_with(talking.folder) == set()


OUTCOMES_HOLD = {"outcome.outcome"}
"""The only column of the ledger that may repeat a record; ids are in two."""
WITH_IDS = {"outcome.claim", "outcome.outcome"}


def test_of_the_ledger_only_what_is_meant_to_names_a_claim(
    talking: Command, served: tuple[FaultyServer, str], server: FaultyServer
) -> None:
    """A claim that cannot be processed, on a server that stores no OperationOutcome."""
    claim: Json = {**server.resources[f"Claim/{ID}"], "birthDate": BIRTH_DATE, f"{PHI}Name": "an element of no FHIR"}
    server.put(claim)
    result = talking("sync", served[1], "--now", NOW)
    assert (result.code, server.answers()) == (0, {})
    ledger = talking.folder / "ledger.sqlite"
    assert columns_with(ledger) == OUTCOMES_HOLD
    assert columns_with(ledger, [ID]) == WITH_IDS
    assert {Path(each).suffix for each in files_with(talking.folder)} <= {".sqlite"}
    assert [line for line in log_lines(result.stderr) if markers_in(line, [PHI, BIRTH_DATE, ID])] == []
