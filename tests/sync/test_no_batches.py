"""``sync`` to a server that takes no batches: the same answers, each once, with a Provenance for each version."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import pytest
from audit.test_trail import synced as audited
from receiver.fhir_server import FhirServer
from sync.test_spoilt import ALL, APPROVED, MODIFIER, SHORT, Fault, nothing_is_wrong, story, synced

from adapter.errors import SourceError

pytestmark = pytest.mark.anyio
WAYS = [
    pytest.param((["history-system"], 200), id="declares none"),
    pytest.param((["batch"], 405), id="declares them, and allows none"),
    pytest.param(([], 501), id="says nothing, and knows none"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=WAYS)
def server(request: pytest.FixtureRequest) -> FhirServer:
    return refusing(*request.param)


def refusing(declared: list[str], status: int) -> FhirServer:
    server = FhirServer()
    server.as_a_whole, server.to_batches = declared, status
    server.put(*story(APPROVED), *story(SHORT), *story(MODIFIER))
    return server


def single(kind: str, status: int, claim: str = SHORT) -> Fault:
    """A single write of a type, for a claim, is answered so; of 0 the server is gone."""

    def fault(request: httpx.Request, said: str) -> httpx.Response | None:
        if not (request.url.path == f"/{kind}" and request.method == "POST" and f"Claim/{claim}" in said):
            return None
        if not status:
            raise httpx.ConnectError("gone", request=request)
        return httpx.Response(status)

    return fault


def assert_each_once(server: FhirServer) -> None:
    assert {claim: len(found) for claim, found in server.answers().items()} == dict.fromkeys(ALL, 1)
    responses = [each for (each,) in server.answers().values()]
    assert {each["meta"]["versionId"] for each in responses} == {"1"}
    targets = [each["target"][0]["reference"] for each in server.of("Provenance")]
    assert sorted(targets) == sorted(f"ClaimResponse/{each['id']}/_history/1" for each in responses)


async def test_each_claim_gets_its_answer_and_a_second_run_writes_nothing(server: FhirServer, tmp_path: Path) -> None:
    assert (await synced(server, nothing_is_wrong, tmp_path)).complete
    assert_each_once(server)
    before = Counter(server.writes)
    assert (await synced(server, nothing_is_wrong, tmp_path)).complete
    assert server.writes == before


@pytest.mark.parametrize(
    ("status", "why"),
    [
        pytest.param(422, "the server refused the ClaimResponse: 422", id="refused"),
        pytest.param(503, "answered 503 to a new ClaimResponse", id="busy"),
        pytest.param(412, "somebody else changed it each time", id="a conflict each time"),
    ],
)
async def test_a_single_answer_that_is_not_written_is_named_and_the_others_are(
    server: FhirServer, tmp_path: Path, status: int, why: str
) -> None:
    report = await synced(server, single("ClaimResponse", status), tmp_path)
    assert [(each.claim, why in each.problem) for each in report.unanswered] == [(SHORT, True)]
    assert set(server.answers()) == ALL - {SHORT}
    assert (await synced(server, nothing_is_wrong, tmp_path)).complete
    assert_each_once(server)


async def test_broken_off_between_an_answer_and_its_provenance_it_is_gone_on_with(
    server: FhirServer, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="cannot connect"):
        await synced(server, single("Provenance", 0), tmp_path)
    assert (set(server.answers()), len(server.of("Provenance"))) == (ALL, 2)
    assert (await synced(server, nothing_is_wrong, tmp_path)).complete
    assert_each_once(server)


async def test_the_audit_goes_to_such_a_server_too(tmp_path: Path) -> None:
    server = refusing(["batch"], 405)
    report = await audited(server, tmp_path / "ledger.sqlite", audit="server")
    assert (report.complete, report.unanswered) == (True, [])
    kinds = Counter(each["subtype"][0]["code"] for each in server.of("AuditEvent") if "subtype" in each)
    assert kinds["create"] == len(server.of("ClaimResponse")) + len(server.of("Provenance")) == 2 * len(ALL)
