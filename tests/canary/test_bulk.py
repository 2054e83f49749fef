"""A bulk export of a marked record: whole resources lie on the disk until they are decided, and nothing is said."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from answers.story_stages import NOW
from canary.markers import BIRTH_DATE, ID, PHI, Json, assert_silent, columns_with, files_with, markers_in
from canary.test_files import RECORD
from canary.test_server import QUOTE, Fault, FaultyServer, refusal, talking
from command_line import Command, command
from receiver.fhir_server import listening
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["command", "talking"]
RECORDS: dict[str, list[Json]] = {}
for _each in RECORD["entry"]:
    RECORDS.setdefault(_each["resource"]["resourceType"], []).append(_each["resource"])
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": f"{PHI}", "diagnostics": QUOTE, "details": {"text": QUOTE}}],
}


def exporting(url: str, files: dict[str, bytes], **more: object) -> Fault:
    """A server that exports these files at once."""

    def answer(request: Request, _body: bytes) -> Response | None:
        path = request.url.path.strip("/")
        if path.endswith("$export"):
            return Response(status_code=202, headers={"Content-Location": f"{url}/poll?name={PHI}"})
        if path == "poll" and request.method == "DELETE":
            return refusal(500)
        if path == "poll":
            listed = [{"type": each, "url": f"{url}/files/{each}?name={PHI}"} for each in files if each in RECORDS]
            content = {"transactionTime": NOW, "request": f"{url}/$export", "requiresAccessToken": False}
            return JSONResponse({**content, "output": listed, "error": [], **more})
        if path.startswith("files/"):
            return Response(files[path.partition("/")[2]], media_type="application/fhir+ndjson")
        return None

    return answer


def ndjson(resources: list[Json]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in resources)


@pytest.fixture
def served() -> Iterator[tuple[FaultyServer, str]]:
    server = FaultyServer()
    with listening(server) as url:
        yield server, url


GOOD = {kind: ndjson(resources) for kind, resources in RECORDS.items()}
FILES: dict[str, dict[str, bytes]] = {
    "good": GOOD,
    "a line that is cut": {**GOOD, "Patient": GOOD["Patient"][:-40]},
    "a line that is a sentence": {**GOOD, "Observation": QUOTE.encode()},
    "errors are told": {**GOOD, "errors": ndjson([OUTCOME])},
}


@pytest.mark.parametrize("name", FILES)
def test_only_what_waits_is_left(talking: Command, served: tuple[FaultyServer, str], name: str) -> None:
    server, url = served
    told = [{"type": "OperationOutcome", "url": f"{url}/files/errors"}] if "errors" in FILES[name] else []
    server.fault = exporting(url, FILES[name], error=told)
    result = talking("sync", url, "--bulk", "--now", NOW)
    assert (result.code in (0, 3, 4), "internal error" in result.stderr) == (True, False)
    if name == "good":
        assert list(server.answers()) == [ID]
    assert_silent(result.stderr)
    assert markers_in(result.stdout) == set()
    waiting = {"bulk"} if result.code == 4 else set()  # what could not be read is left for the next run to go on with
    assert {each.partition("/")[0] for each in files_with(talking.folder)} == waiting
    assert columns_with(talking.folder / "ledger.sqlite", [PHI, BIRTH_DATE]) == set()


def test_a_server_that_gives_up_says_nothing_through_us(talking: Command, served: tuple[FaultyServer, str]) -> None:
    server, url = served
    export = exporting(url, GOOD)
    server.fault = lambda request, body: refusal(500) if request.url.path == "/poll" else export(request, body)
    result = talking("sync", url, "--bulk", "--now", NOW)
    assert result.code == 4
    assert_silent(result.stderr)
    assert files_with(talking.folder) == set()


def test_what_waits_to_be_decided_lies_in_one_folder_for_our_eyes_only(
    talking: Command, served: tuple[FaultyServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends before it decided: the next one goes on with what is there."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("adapter.sync.report.decide", killed)
    monkeypatch.setattr("adapter.sync.work.decide", killed)
    server, url = served
    server.fault = exporting(url, GOOD)
    result = talking("sync", url, "--bulk", "--now", NOW)
    assert result.code == 130
    assert_silent(result.stderr)
    left = {each.partition("/")[0] for each in files_with(talking.folder)}
    assert left == {"bulk"}
    assert [path.stat().st_mode & 0o777 for path in talking.folder.glob("bulk/*")] == [0o700]
