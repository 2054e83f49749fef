"""An export from its kick-off to its files, with every fault that a server can have on the way."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import respx
from bulk.export_server import BASE, FILES, STATUS, ExportServer, Pieces, claim, manifest, ndjson, outcome, streamed
from pydantic import SecretStr

from adapter.auth.header import HomeAuth, StaticAuth, bearer
from adapter.auth.secret_files import Given
from adapter.errors import SourceError, UsageError
from adapter.limits import Limits
from adapter.sources.bulk.export import Export, deleted, output_files, problems
from adapter.sources.bulk.folder import Folder, opened
from adapter.sources.bulk.kickoff import Wanted
from adapter.sources.bulk.pace import Pace
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience

WANTED = Wanted(("Claim", "Patient", "Practitioner"))
GROUP = Wanted(WANTED.types, group="g1", since="2026-01-01T00:00:00Z")


@pytest.fixture
def server(respx_mock: respx.MockRouter) -> ExportServer:
    return ExportServer(respx_mock)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with opened(tmp_path / "bulk", BASE) as folder:
        yield folder


def told_nobody(_what: str, _count: int, _total: int | None) -> None: ...


@pytest.fixture
async def export(anyio_backend: str, folder: Folder) -> AsyncIterator[Export]:
    async def at_once(_seconds: float) -> None: ...

    patience = Patience(attempts=3, first_wait=0)
    async with FhirClient(BASE, auth=StaticAuth(BASE, Given(SecretStr("s3cret")), bearer), patience=patience) as client:
        yield Export(client, folder, Pace(1.0, sleep=at_once), Limits(), told_nobody)


def ids(folder: Folder) -> list[str]:
    return [json.loads(line)["id"] for path in output_files(folder) for line in path.read_text().splitlines()]


def kickoffs(server: ExportServer) -> list[httpx.Request]:
    return [each for each in server.asked if each.url.path.endswith("/$export")]


# The way it goes


@pytest.mark.anyio
async def test_an_export_is_asked_for_awaited_and_fetched(server: ExportServer, export: Export, folder: Folder) -> None:
    job = await export.fetch(WANTED)
    (kickoff,) = kickoffs(server)
    assert kickoff.url.path == "/fhir/$export"
    assert dict(kickoff.url.params) == {
        "_outputFormat": "application/fhir+ndjson",
        "_type": "Claim,Patient,Practitioner",
    }
    assert kickoff.headers["Prefer"] == "respond-async"
    assert kickoff.headers["Cache-Control"] == "no-cache"
    assert kickoff.headers["Accept"] == "application/fhir+json"
    looks = [each for each in server.asked if str(each.url).startswith(STATUS)]
    assert {each.headers["Accept"] for each in looks} == {"application/json"}
    fetched = [each for each in server.asked if str(each.url) in FILES]
    assert {each.headers["Accept"] for each in fetched} == {"application/fhir+ndjson"}
    assert {each.headers["Accept-Encoding"] for each in fetched} == {"gzip"}
    assert {each.headers["Authorization"] for each in server.asked} == {"Bearer s3cret"}
    assert ids(folder) == ["a", "b", "p"]
    assert str(job.transaction_time) == "2026-03-01 12:00:00.250000+00:00"


@pytest.mark.anyio
async def test_a_group_and_an_instant_are_asked_for(server: ExportServer, export: Export) -> None:
    await export.fetch(GROUP)
    (kickoff,) = kickoffs(server)
    assert kickoff.url.path == "/fhir/Group/g1/$export"
    assert kickoff.url.params["_since"] == "2026-01-01T00:00:00Z"


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 422])
async def test_a_group_without_the_types_it_refuses(server: ExportServer, export: Export, status: int) -> None:
    server.kickoffs.insert(0, outcome("processing", status))
    job = await export.fetch(GROUP)
    assert [each.url.params["_type"] for each in kickoffs(server)] == ["Claim,Patient,Practitioner", "Claim,Patient"]
    assert job.types == ("Claim", "Patient")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "answers", "said"),
    [
        pytest.param(WANTED, [outcome("processing", 400)], "answered 400 (processing) to the request", id="400"),
        pytest.param(WANTED, [httpx.Response(404)], "leave out --bulk", id="no export"),
        pytest.param(GROUP, [httpx.Response(404)], "is the Group there", id="no such Group"),
        pytest.param(WANTED, [httpx.Response(403)], "refused us", id="403"),
        pytest.param(WANTED, [httpx.Response(200, json={})], "where 202 was due", id="answered at once"),
        pytest.param(WANTED, [httpx.Response(202)], "without an address", id="no status URL"),
        pytest.param(
            WANTED,
            [httpx.Response(202, headers={"Content-Location": "https://evil.test/status"})],
            "on another server, https://evil.test",
            id="a status elsewhere",
        ),
        pytest.param(WANTED, [httpx.ConnectError("no")], "cannot connect", id="nobody there"),
    ],
)
async def test_a_refused_export_is_one_line(
    server: ExportServer, export: Export, wanted: Wanted, answers: list[httpx.Response | Exception], said: str
) -> None:
    server.kickoffs[:] = answers
    with pytest.raises(SourceError) as caught:
        await export.fetch(wanted)
    assert said in str(caught.value)
    assert "Jane" not in str(caught.value)
    assert server.counts["kickoff"] == 1


@pytest.mark.anyio
async def test_a_busy_server_is_asked_for_an_export_again(server: ExportServer, export: Export) -> None:
    server.kickoffs[:0] = [httpx.Response(429), outcome("transient", 500), httpx.Response(503)]
    await export.fetch(WANTED)
    assert server.counts["kickoff"] == 4


# While it runs


@pytest.mark.anyio
async def test_passing_faults_of_the_status_are_waited_out(server: ExportServer, export: Export) -> None:
    server.statuses[:0] = [httpx.Response(429), outcome("transient"), httpx.Response(504), httpx.ConnectError("no")]
    await export.fetch(WANTED)
    assert server.counts["kickoff"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        pytest.param(outcome("exception", 500), False, id="the export failed"),
        pytest.param(httpx.Response(401), True, id="our token did"),
        pytest.param(httpx.Response(200, content=b"<html>"), True, id="no manifest"),
    ],
)
async def test_an_export_that_failed_is_not_asked_about_again(
    server: ExportServer, export: Export, folder: Folder, answer: httpx.Response, *, kept: bool
) -> None:
    server.statuses[:] = [answer]
    with pytest.raises(SourceError) as caught:
        await export.fetch(WANTED)
    assert "Jane" not in str(caught.value)
    assert (folder.load() is not None) is kept


@pytest.mark.anyio
@pytest.mark.parametrize("status", [404, 410])
async def test_an_export_the_server_forgot_is_asked_for_anew(
    server: ExportServer, export: Export, folder: Folder, status: int
) -> None:
    server.statuses.insert(1, httpx.Response(status))
    await export.fetch(WANTED)
    assert server.counts["kickoff"] == 2
    assert ids(folder) == ["a", "b", "p"]


@pytest.mark.anyio
async def test_a_server_that_forgets_every_export_is_left_alone(server: ExportServer, export: Export) -> None:
    server.statuses[:] = [httpx.Response(404)]
    with pytest.raises(SourceError, match="expire before they are fetched"):
        await export.fetch(WANTED)
    assert server.counts["kickoff"] == 3


# Pages of the manifest


@pytest.mark.anyio
async def test_every_page_of_the_manifest_is_read(server: ExportServer, export: Export, folder: Folder) -> None:
    following = [{"relation": "next", "url": f"{STATUS}?page=2"}]
    server.statuses[:] = [
        manifest({"type": "Claim", "url": FILES[0]}, link=following),
        httpx.Response(202),
        manifest({"type": "Patient", "url": FILES[1]}, transactionTime="2026-03-01T13:00:00Z"),
    ]
    job = await export.fetch(WANTED)
    assert ids(folder) == ["a", "b", "p"]
    assert str(job.transaction_time) == "2026-03-01 12:00:00.250000+00:00"  # the earlier one leaves nothing out


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param(f"{STATUS}?_jobId=1", "back to an earlier one", id="a circle"),
        pytest.param("http://evil.test/2", "on another server, http://evil.test", id="elsewhere"),
    ],
)
async def test_a_next_page_that_leads_astray_is_refused(
    server: ExportServer, export: Export, url: str, said: str
) -> None:
    server.statuses[:] = [manifest(link=[{"relation": "next", "url": url}])]
    with pytest.raises(SourceError, match=said):
        await export.fetch(WANTED)


# Files


@pytest.mark.anyio
@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda: streamed(ndjson([claim("a"), claim("b")])[:-5]), id="the last line is cut"),
        pytest.param(lambda: streamed(ndjson([claim("a")]), breaks=True), id="the connection breaks"),
        pytest.param(lambda: httpx.Response(503, headers={"Retry-After": "0"}), id="busy"),
        pytest.param(lambda: httpx.ReadTimeout("slow"), id="nothing comes"),
    ],
)
async def test_a_file_that_does_not_come_whole_is_fetched_again(
    server: ExportServer, export: Export, folder: Folder, bad: object
) -> None:
    def spoilt() -> httpx.Response:
        found = bad()  # type: ignore[operator] # a list of parameters cannot say that it is callable
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, httpx.Response)
        return found

    server.files[FILES[0]].insert(0, spoilt)
    await export.fetch(WANTED)
    assert ids(folder) == ["a", "b", "p"]
    assert server.counts[FILES[0]] == 2


@pytest.mark.anyio
async def test_fewer_lines_than_the_manifest_tells_of_are_never_taken_for_all(
    server: ExportServer, export: Export, folder: Folder
) -> None:
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0], "count": 3})]
    with pytest.raises(SourceError, match="broke off the file of Claim"):
        await export.fetch(WANTED)
    assert server.counts[FILES[0]] == 3
    assert ids(folder) == [] or output_files(folder)[0].parent.name != "00000-Claim"


@pytest.mark.anyio
@pytest.mark.parametrize("status", [404, 410])
async def test_a_file_the_server_forgot_begins_the_export_anew(
    server: ExportServer, export: Export, folder: Folder, status: int
) -> None:
    server.files[FILES[1]].insert(0, lambda: httpx.Response(status))
    await export.fetch(WANTED)
    assert server.counts["kickoff"] == 2
    assert ids(folder) == ["a", "b", "p"]


@pytest.mark.anyio
async def test_a_file_on_another_server_is_refused_by_name_and_never_asked_for(
    server: ExportServer, export: Export
) -> None:
    server.statuses[:] = [manifest({"type": "Claim", "url": "https://bucket.test/Jane?token=x"})]
    with pytest.raises(SourceError) as caught:
        await export.fetch(WANTED)
    said = "http://fhir.test/fhir keeps the file of Claim in the export on another server, https://bucket.test"
    assert str(caught.value).startswith(said)
    assert "Jane" not in str(caught.value)
    assert [each for each in server.asked if each.url.host != "fhir.test"] == []


@pytest.mark.anyio
@pytest.mark.parametrize(("required", "sent"), [(True, "Bearer s3cret"), (False, None)])
async def test_the_token_goes_where_it_is_required_only(
    server: ExportServer, export: Export, *, required: bool, sent: str | None
) -> None:
    server.statuses[:] = [manifest({"type": "Claim", "url": FILES[0]}, requiresAccessToken=required)]
    await export.fetch(WANTED)
    assert server.asked[-1].headers.get("Authorization") == sent


class Renewed(HomeAuth):
    """A token that is old, and a new one when it is refused."""

    async def header(self, refused: str | None = None) -> str:
        return "Bearer new" if refused else "Bearer old"


@pytest.mark.anyio
@pytest.mark.parametrize("step", ["kickoffs", "statuses", "files", "removals"])
async def test_a_token_that_ended_meanwhile_is_renewed_at_every_step(
    server: ExportServer, folder: Folder, step: str
) -> None:
    if step == "files":
        server.files[FILES[0]].insert(0, lambda: httpx.Response(401, stream=Pieces(b"no")))
    else:
        getattr(server, step).insert(0, httpx.Response(401))
    async with FhirClient(BASE, auth=Renewed(BASE), patience=Patience(attempts=1)) as client:
        export = Export(client, folder, Pace(0.01), Limits(), told_nobody)
        await export.release(await export.fetch(WANTED))
    assert ids(folder) == ["a", "b", "p"]
    assert export.warnings == []
    assert [each.headers["Authorization"] for each in server.asked].count("Bearer new") == 1


@pytest.mark.anyio
async def test_gzip_is_unpacked_on_its_way(server: ExportServer, export: Export, folder: Folder) -> None:
    server.files[FILES[0]] = [lambda: streamed(ndjson([claim("a"), claim("b")]), packed=True)]
    await export.fetch(WANTED)
    assert ids(folder) == ["a", "b", "p"]


@pytest.mark.anyio
async def test_a_redirect_of_a_file_is_not_followed(server: ExportServer, export: Export) -> None:
    server.files[FILES[0]] = [lambda: httpx.Response(302, headers={"Location": "https://bucket.test/1"})]
    with pytest.raises(SourceError, match=r"a redirect to another server, https://bucket\.test, to the file of Claim"):
        await export.fetch(WANTED)


# Killed and taken up


@pytest.mark.anyio
async def test_a_killed_run_goes_on_with_its_export(server: ExportServer, export: Export, folder: Folder) -> None:
    server.files[FILES[1]].insert(0, lambda: httpx.Response(403))
    with pytest.raises(SourceError):
        await export.fetch(WANTED)
    await export.fetch(WANTED)
    assert server.counts == {"kickoff": 1, "status": 2, FILES[0]: 1, FILES[1]: 2}
    assert ids(folder) == ["a", "b", "p"]


@pytest.mark.anyio
async def test_a_run_killed_while_it_waited_asks_for_the_same_export(server: ExportServer, export: Export) -> None:
    server.statuses.insert(0, httpx.Response(403))
    with pytest.raises(SourceError):
        await export.fetch(WANTED)
    await export.fetch(WANTED)
    assert server.counts["kickoff"] == 1


@pytest.mark.anyio
async def test_an_export_without_a_type_that_is_needed_now_is_asked_for_anew(
    server: ExportServer, export: Export
) -> None:
    await export.fetch(Wanted(("Claim", "Patient")))
    await export.fetch(WANTED)
    assert server.counts["kickoff"] == 1  # Practitioner is no part of a Group's export
    await export.fetch(Wanted(("Claim", "Goal", "Patient")))
    assert server.counts["kickoff"] == 2


def test_nobody_else_may_look_into_the_folder(folder: Folder) -> None:
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_nor_into_the_one_around_it_that_we_made(tmp_path: Path) -> None:
    with opened(tmp_path / "state" / "bulk", BASE):
        assert stat.S_IMODE((tmp_path / "state" / "bulk").stat().st_mode) == 0o700


def test_a_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    with opened(tmp_path, BASE) as folder:
        folder.path.chmod(0o755)
    with opened(tmp_path, BASE) as folder:
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_one_run_at_a_time_works_on_an_export(tmp_path: Path) -> None:
    with (
        opened(tmp_path, BASE, None),
        pytest.raises(UsageError, match="another run is at work"),
        opened(tmp_path, BASE, None),
    ):
        pass


def test_other_arguments_are_another_export(tmp_path: Path) -> None:
    with opened(tmp_path, BASE, None) as one, opened(tmp_path, BASE, "g1") as other:
        assert one.path != other.path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="ADAPTER_BULK_FOLDER"), opened(tmp_path / "x", BASE):
        pass


# What the manifest tells beside


@pytest.mark.anyio
async def test_error_files_are_always_read_and_told_without_their_words(
    server: ExportServer, export: Export, folder: Folder
) -> None:
    issues = [
        {"severity": "error", "code": "exception", "diagnostics": "Jane Doe"},
        {"severity": "warning", "code": "not-found"},
        {"severity": "fatal", "code": "exception"},
        {"severity": "information"},
    ]
    server.files["http://fhir.test/errors"] = [
        lambda: streamed(ndjson([{"resourceType": "OperationOutcome", "issue": issues}]))
    ]
    server.statuses[:] = [manifest(error=[{"type": "OperationOutcome", "url": "http://fhir.test/errors"}])]
    told, failed = problems(folder, await export.fetch(WANTED))
    assert told == [
        "the export reports error (exception), 2 times",
        "the export reports information (no code), 1 times",
        "the export reports warning (not-found), 1 times",
    ]
    assert failed


@pytest.mark.anyio
async def test_deletions_are_read(server: ExportServer, export: Export, folder: Folder) -> None:
    entries = [
        {"request": {"method": "DELETE", "url": "Claim/gone"}},
        {"request": {"method": "DELETE", "url": f"{BASE}/Encounter/gone"}},
        {"request": {"method": "PUT", "url": "Claim/there"}},
    ]
    server.files["http://fhir.test/gone"] = [
        lambda: streamed(ndjson([{"resourceType": "Bundle", "type": "transaction", "entry": entries}]))
    ]
    server.statuses[:] = [manifest(deleted=[{"type": "Bundle", "url": "http://fhir.test/gone"}])]
    job = await export.fetch(WANTED)
    assert deleted(folder, job) == {"Claim/gone", "Encounter/gone"}
    assert job.tells_deletions


# The end


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "warned"),
    [
        pytest.param(httpx.Response(202), False, id="removed"),
        pytest.param(httpx.Response(404), False, id="gone by itself, as HAPI has it"),
        pytest.param(httpx.Response(405), False, id="no such thing"),
        pytest.param(httpx.Response(500), True, id="a fault"),
        pytest.param(httpx.Response(403), True, id="not allowed"),
    ],
)
async def test_the_export_is_removed_on_the_server(
    server: ExportServer, export: Export, answer: httpx.Response, *, warned: bool
) -> None:
    server.removals[:] = [answer]
    await export.release(await export.fetch(WANTED))
    assert (server.asked[-1].method, str(server.asked[-1].url)) == ("DELETE", f"{STATUS}?_jobId=1")
    assert bool(export.warnings) is warned


def test_a_process_that_outlives_a_killed_run_does_not_keep_its_folder(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    begun, over = fork.Event(), fork.Event()

    def live() -> None:
        begun.set()
        over.wait()

    with opened(tmp_path, BASE):
        lives = fork.Process(target=live)
        lives.start()
        begun.wait()
    try:
        with opened(tmp_path, BASE) as folder:
            assert folder.path.is_dir()
    finally:
        over.set()
        lives.join()
