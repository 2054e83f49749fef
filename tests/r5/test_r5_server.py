"""A server says which version it speaks; that is how all of it is read, and answered, or it is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from answers.story_stages import NOW, bundle_of, story
from r5.alike import said
from r5.convert import to_r5

from adapter.cli import main

Json = dict[str, Any]
BASE = "http://fhir.test/fhir"
STORY = "0592t-approved"
pytestmark = pytest.mark.respx(assert_all_called=False)


class Server:
    """A FHIR server that answers every search with all it has of the type, and keeps what it is sent."""

    def __init__(self, router: respx.MockRouter, release: str | None, bundle: Json) -> None:
        self.resources: list[Json] = [each["resource"] for each in bundle["entry"]]
        self.searched: set[str] = set()
        self.sent: list[Json] = []
        statement = {"resourceType": "CapabilityStatement", **({"fhirVersion": release} if release else {})}
        router.get(f"{BASE}/metadata").mock(return_value=httpx.Response(200, json=statement))
        router.post(BASE).mock(side_effect=self._batch)
        router.get(url__regex=rf"{BASE}/[A-Za-z]+\?").mock(side_effect=self._search)

    def _search(self, request: httpx.Request) -> httpx.Response:
        kind = request.url.path.rpartition("/")[2]
        self.searched.add(kind)
        entry = [{"resource": each} for each in self.resources if each["resourceType"] == kind]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _batch(self, request: httpx.Request) -> httpx.Response:
        self.sent += [each["resource"] for each in json.loads(request.content)["entry"]]
        entry = [{"response": {"status": "201", "location": "ClaimResponse/1/_history/1"}} for _ in self.sent]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "batch-response", "entry": entry[-1:]})


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path / "ledger.sqlite"))

    def run(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["coaching-adapter", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.run()
        printed = capsys.readouterr()
        return ended.value.code, printed.out + printed.err

    return run


def test_a_server_of_r5_is_read_and_answered_in_r5(
    command: Callable[..., tuple[object, str]], respx_mock: respx.MockRouter
) -> None:
    server = Server(respx_mock, "5.0.0", to_r5(bundle_of(STORY)))
    code, printed = command("sync", BASE, "--now", NOW)
    assert code == 0, printed
    response, trail = server.sent
    assert response["decision"]["coding"][0]["code"] == "approved"
    assert "extension" not in response
    assert trail["resourceType"] == "Provenance"


def test_the_evidence_is_found_by_the_references_of_r5(
    command: Callable[..., tuple[object, str]], respx_mock: respx.MockRouter, tmp_path: Path
) -> None:
    Server(respx_mock, "5.0.0", to_r5(bundle_of(STORY)))
    assert command("sync", BASE, "--out", "out", "--now", NOW)[0] == 0
    (line,) = map(json.loads, (tmp_path / "out" / "decisions.ndjson").read_text(encoding="utf-8").splitlines())
    (expected,) = said(story(STORY).answers)[STORY]["lines"]
    assert {name: line[name] for name in ("decision", "carc", "rarc")} == {
        name: expected[name] for name in ("decision", "carc", "rarc")
    }


def test_a_claim_of_it_is_explained(command: Callable[..., tuple[object, str]], respx_mock: respx.MockRouter) -> None:
    Server(respx_mock, "5.0.0", to_r5(bundle_of(STORY)))
    code, printed = command("explain", BASE, STORY, "--now", NOW, "--format", "json")
    assert code == 0, printed
    assert "Procedure.occurrence" in printed


@pytest.mark.parametrize(
    ("release", "asked"),
    [
        pytest.param("4.0.1", "auto", id="R4"),
        pytest.param("4.3.0", "auto", id="R4B"),
        pytest.param("4.3.0", "R4", id="R4B read as R4"),
        pytest.param("4.0.1", "R4B", id="R4 read as R4B"),
    ],
)
def test_a_server_of_r4_is_answered_in_r4(
    command: Callable[..., tuple[object, str]], respx_mock: respx.MockRouter, release: str, asked: str
) -> None:
    server = Server(respx_mock, release, bundle_of(STORY))
    assert command("sync", BASE, "--now", NOW, "--fhir-version", asked)[0] == 0
    assert "decision" not in server.sent[0]
    assert "extension" in server.sent[0]


def test_what_it_says_counts_more_than_what_its_resources_look_like(
    command: Callable[..., tuple[object, str]], respx_mock: respx.MockRouter, tmp_path: Path
) -> None:
    Server(respx_mock, "5.0.0", bundle_of(STORY))
    assert command("sync", BASE, "--out", "out", "--now", NOW)[0] == 0
    (outcome,) = map(json.loads, (tmp_path / "out" / "OperationOutcome.ndjson").read_text().splitlines())
    assert "is written in FHIR R4 and was to be read as R5" in outcome["issue"][0]["details"]["text"]


@pytest.mark.parametrize(
    ("release", "asked", "says"),
    [
        pytest.param("3.0.2", "auto", "the server speaks FHIR 3.0.2, the mappings R4, R4B, R5", id="STU3"),
        pytest.param("6.0.0", "auto", "the server speaks FHIR 6.0.0", id="a later release"),
        pytest.param(None, "auto", "the server speaks FHIR of an unknown version", id="it does not say"),
        pytest.param("3.0.2", "R4", "the server speaks FHIR 3.0.2, the mappings R4, R4B", id="STU3, asked for R4"),
        pytest.param("5.0.0", "R4", "the server speaks FHIR 5.0.0, the mappings R4, R4B", id="R5, asked for R4"),
        pytest.param("4.0.1", "R5", "the server speaks FHIR 4.0.1, the mappings R5", id="R4, asked for R5"),
    ],
)
def test_another_version_is_refused_before_a_claim_is_read(
    command: Callable[..., tuple[object, str]],
    respx_mock: respx.MockRouter,
    release: str | None,
    asked: str,
    says: str,
) -> None:
    server = Server(respx_mock, release, bundle_of(STORY))
    code, printed = command("sync", BASE, "--now", NOW, "--fhir-version", asked)
    assert code == 4
    assert says in " ".join(printed.split())
    assert server.searched == set()
