"""Options of ``sync --bulk`` that do not go together are refused before anything is asked."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from answers.story_stages import FIXTURES
from bulk.export_server import BASE, FILES, ExportServer, claim, manifest, ndjson, streamed
from command_line import Command, command

from adapter.cli import bulk_syncing
from adapter.errors import SourceError

__all__ = ["command"]
SITE = FIXTURES / "site" / "mappings"
URL = "http://127.0.0.1:9/fhir"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("in", "--bulk"), "--bulk asks a server", id="files"),
        pytest.param((URL, "--group", "g1"), "add --bulk", id="a Group without an export"),
        pytest.param((URL, "--bulk", "--claim", "a"), "leave out --bulk", id="single claims"),
        pytest.param((URL, "--bulk", "--watch", "5"), "it goes with none of", id="again and again"),
        pytest.param((URL, "--bulk", "--group", "../Patient"), "is no id", id="a Group that is a path"),
        pytest.param((URL, "--bulk", "--since", "2026-01-01"), "is neither auto nor an instant", id="a mere date"),
        pytest.param((URL, "--bulk", "--since", "yesterday"), "is neither auto nor an instant", id="a word"),
    ],
)
def test_misuse_is_one_line(command: Command, arguments: tuple[str, ...], said: str) -> None:
    result = command("sync", *arguments)
    assert result.code == 2
    assert said in result.stderr


def test_a_server_that_is_not_there_ends_with_four(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_LEDGER", str(command.folder / "state" / "ledger.sqlite"))
    result = command("sync", URL, "--bulk")
    assert result.code == 4
    assert "cannot connect" in result.stderr


def a_server(router: respx.MockRouter) -> ExportServer:
    """One with an export; its searches find nothing, and it notes that they were made."""
    found = {"resourceType": "Bundle", "type": "searchset"}
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
    router.get(f"{BASE}/metadata").mock(return_value=httpx.Response(200, json=statement))
    router.get(url__regex=rf"{BASE}/Claim\b", name="claims").mock(return_value=httpx.Response(200, json=found))
    router.route(url__regex=rf"{BASE}/(?!Group)[A-Z]").mock(return_value=httpx.Response(200, json=found))
    return ExportServer(router)


def in_scope(id: str, **more: Any) -> dict[str, Any]:
    return claim(id) | {"item": [{"productOrService": {"coding": [{"code": "0591T"}]}}]} | more


@pytest.fixture
def ledger(command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = command.folder / "state" / "ledger.sqlite"
    monkeypatch.setenv("ADAPTER_LEDGER", str(path))
    monkeypatch.setenv("ADAPTER_BULK_WAIT", "0.01")
    return path


def checkpoints(ledger: Path) -> dict[str, str]:
    with sqlite3.connect(ledger) as db:
        return dict(db.execute("SELECT query, instant FROM checkpoint").fetchall())


def test_errors_of_the_export_leave_the_decision_to_the_server_and_end_with_three(
    command: Command, ledger: Path, respx_mock: respx.MockRouter
) -> None:
    server = a_server(respx_mock)
    errors = [{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}]
    server.files["http://fhir.test/errors"] = [lambda: streamed(ndjson(errors))]
    server.files[FILES[0]] = [lambda: streamed(ndjson([in_scope("a")]))]
    error = [{"type": "OperationOutcome", "url": "http://fhir.test/errors"}]
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0]}, error=error)]
    result = command("sync", BASE, "--bulk")
    assert result.code == 3
    assert "no answer for some claims: claims may be missing: the export reports error (exception), 1" in result.stderr
    assert "each claim was decided from reads of the server" in result.stderr
    assert "_id=a" in str(respx_mock["claims"].calls.last.request.url)
    assert checkpoints(ledger) == {}
    assert list((ledger.parent / "bulk").iterdir()) == []


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param(
            ndjson([in_scope("a")]) + b"{broken\n" + ndjson([claim("b")]), "1 places cannot be read", id="a line"
        ),
        pytest.param(
            ndjson([in_scope("a", provider={"reference": "https://elsewhere.test/Practitioner/1"})]),
            "references in the export lead to other servers",
            id="a reference",
        ),
    ],
)
def test_what_the_files_do_not_tell_is_read_from_the_server(
    command: Command, ledger: Path, respx_mock: respx.MockRouter, files: bytes, why: str
) -> None:
    server = a_server(respx_mock)
    server.files[FILES[0]] = [lambda: streamed(files)]
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0]})]
    result = command("sync", BASE, "--bulk", "--out", "out")
    assert result.code == 0
    assert why in result.stderr
    assert "_id=a" in str(respx_mock["claims"].calls.last.request.url)
    assert checkpoints(ledger) == {}


def test_a_whole_run_moves_the_checkpoint_to_the_instant_of_the_server(
    command: Command, ledger: Path, respx_mock: respx.MockRouter
) -> None:
    server = a_server(respx_mock)
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0]})]
    assert command("sync", BASE, "--bulk", "--since", "auto").code == 0
    assert (
        next(instant for query, instant in checkpoints(ledger).items() if query.endswith(" bulk"))
        == "2026-03-01T12:00:00.250+00:00"
    )
    assert command("sync", BASE, "--bulk", "--since", "auto").code == 0
    since = [each.url.params.get("_since") for each in server.asked if each.url.path.endswith("/$export")]
    assert since == [None, "2026-03-01T11:59:30.250+00:00"]
    assert command("sync", BASE, "--bulk", "--group", "g1", "--since", "auto").code == 0
    (query,) = {" ".join(each.split(" ")[:2]) for each in checkpoints(ledger)}
    assert set(checkpoints(ledger)) == {query, f"{query} bulk", f"{query} bulk Group/g1"}
    assert server.asked[-1].method == "DELETE"


def test_an_export_of_nothing_is_a_run_of_nothing(command: Command, ledger: Path, respx_mock: respx.MockRouter) -> None:
    a_server(respx_mock).statuses[:] = [manifest()]
    assert command("sync", BASE, "--bulk").code == 0
    assert {" ".join(each.split(" ")[2:]) for each in checkpoints(ledger)} == {"", "bulk"}


@pytest.mark.parametrize(
    ("others", "since"),
    [
        pytest.param(("--lenient",), None, id="a setting that decides"),
        pytest.param(("--trust-structure",), None, id="what is validated"),
        pytest.param(("--fhir-version", "r4"), None, id="the version"),
        pytest.param(("--mappings", str(SITE)), None, id="mappings"),
        pytest.param(("--concurrency", "2"), "2026-03-01T11:59:30.250+00:00", id="only how it is asked"),
        pytest.param(("--dry-run", "--lenient"), "2026-03-01T11:59:30.250+00:00", id="a dry run writes nothing"),
    ],
)
def test_other_rules_mean_a_whole_export_and_void_what_was_before(
    command: Command, ledger: Path, respx_mock: respx.MockRouter, others: tuple[str, ...], since: str | None
) -> None:
    server = a_server(respx_mock)
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0]})]

    def exported(*arguments: str) -> str | None:
        assert command("sync", BASE, "--bulk", "--since", "auto", *arguments).code == 0
        kicked_off = [each for each in server.asked if each.url.path.endswith("/$export")]
        since: str | None = kicked_off[-1].url.params.get("_since")
        return since

    assert exported() is None
    before = checkpoints(ledger)
    by_others = exported(*others)
    assert by_others == (None if "--dry-run" in others else since)
    assert (set(checkpoints(ledger)) == set(before)) is (since is not None)
    assert exported() == since, "and back"


def test_a_run_that_goes_on_with_the_changes_of_other_rules_moves_nothing(
    command: Command, ledger: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object) -> None:
        raise SourceError("the run ends here")

    server = a_server(respx_mock)
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0]})]
    assert command("sync", BASE, "--bulk", "--since", "auto").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(bulk_syncing, "reconcile_changes", killed)
        assert command("sync", BASE, "--bulk", "--since", "auto").code == 4
    assert command("sync", BASE, "--bulk", "--since", "auto", "--lenient").code == 0
    assert checkpoints(ledger) == {}
