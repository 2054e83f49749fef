"""Writing to a server: any number of runs ends in one ClaimResponse per claim, with a Provenance for each version."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
import orjson
import pytest
import respx
from dry_run.made import cancelled, outcome, response

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.claim_response import answer_identifier
from adapter.answers.totals import effect
from adapter.errors import SourceError, WriteError
from adapter.sinks.ledger import Ledger
from adapter.sinks.on_server import has_provenance, same_content
from adapter.sinks.server import CONFLICT, ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.wire import Patience

BASE = "http://fhir.test/fhir"
SYSTEM = "urn:coaching-adapter"
NOW, LATER = "2026-03-04T10:00:00Z", "2026-03-05T10:00:00Z"
INSTANT = datetime(2026, 3, 6, 10, tzinfo=UTC)

Json = dict[str, Any]

pytestmark = pytest.mark.respx(assert_all_called=False)


class Server:
    """A FHIR server of ClaimResponses, Provenances and OperationOutcomes; ``refuse`` answers in its place, per type."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.kept: dict[str, Json] = {}
        self.refuse: dict[str, Json] = {}
        self.stores: list[str] = []
        """Interactions offered for OperationOutcome."""
        self.batches: list[list[Json]] = []
        self.searches: list[str] = []
        self.unreadable = ""
        """The claim whose answer makes it refuse a whole batch."""
        self.along: int | None = 1000
        """How many Provenances come along with the answers; None: it refuses to be asked."""
        self.searches_provenances = True
        self.asked_about: list[str] = []
        self.strips_versions = False
        self.searches_outcomes = True
        self.meanwhile: Callable[[], object] = lambda: None
        """What somebody else does between our reading and our writing."""
        router.get(f"{BASE}/metadata").mock(side_effect=self._metadata)
        router.get(url__startswith=f"{BASE}/OperationOutcome/").mock(side_effect=self._read)
        router.get(f"{BASE}/OperationOutcome").mock(side_effect=self._outcomes)
        router.route(url__startswith=f"{BASE}/ClaimResponse").mock(side_effect=self._search)
        router.route(url__startswith=f"{BASE}/Provenance").mock(side_effect=self._about)
        router.post(BASE).mock(side_effect=self._batch)

    def of(self, kind: str) -> list[Json]:
        return [each for key, each in self.kept.items() if key.startswith(f"{kind}/")]

    def put(self, kind: str, id: str, resource: Json) -> Json:
        version = int(self.kept.get(f"{kind}/{id}", {"meta": {"versionId": "0"}})["meta"]["versionId"]) + 1
        if self.strips_versions and kind == "Provenance":
            target = re.sub("/_history/.*", "", resource["target"][0]["reference"])
            resource = resource | {"target": [{"reference": target}]}
        self.kept[f"{kind}/{id}"] = resource | {"id": id, "meta": {"versionId": str(version)}}
        return {"status": "201 Created" if version == 1 else "200 OK", "location": f"{kind}/{id}/_history/{version}"}

    def _metadata(self, request: httpx.Request) -> httpx.Response:
        interaction = [{"code": code} for code in self.stores]
        rest = [{"mode": "server", "resource": [{"type": "OperationOutcome", "interaction": interaction}]}]
        return httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": rest})

    def _read(self, request: httpx.Request) -> httpx.Response:
        found = self.kept.get(request.url.path.removeprefix("/fhir/"))
        return httpx.Response(200, json=found) if found else httpx.Response(404)

    def _outcomes(self, request: httpx.Request) -> httpx.Response:
        if not self.searches_outcomes:
            return httpx.Response(400)
        ids = parse_qs(request.url.query.decode())["_id"][0].split(",")
        entry = [{"resource": each} for each in self.of("OperationOutcome") if each["id"] in ids]
        hint = {"resourceType": "OperationOutcome", "id": "c1", "issue": [{"code": "informational"}]}
        entry.append({"resource": hint, "search": {"mode": "outcome"}})
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _search(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.content.decode() or request.url.query.decode())
        if "_revinclude" in query and self.along is None:
            return httpx.Response(400)
        self.searches.append(query["identifier"][0])
        found = [each for token in query["identifier"][0].split(",") for each in self._identified(token)]
        about = [each for each in self.of("Provenance") if any(_target(each) == response["id"] for response in found)]
        sent = about[: self.along] if query.get("_revinclude") == ["Provenance:target"] else []
        entry = [{"resource": each} for each in found + sent]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _about(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.content.decode() or request.url.query.decode())
        self.asked_about.append(query["target"][0])
        names = query["target"][0].split(",")
        found = [each for each in self.of("Provenance") if f"ClaimResponse/{_target(each)}" in names]
        if not self.searches_provenances:
            return httpx.Response(400)
        entry = [{"resource": each} for each in found]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _identified(self, token: str) -> list[Json]:
        system, _, value = token.partition("|")
        return [each for each in self.of("ClaimResponse") if {"system": system, "value": value} in each["identifier"]]

    def _batch(self, request: httpx.Request) -> httpx.Response:
        self.meanwhile()
        if self.unreadable and f'"value":"{self.unreadable}"'.encode() in request.content:
            return httpx.Response(400)
        entries = orjson.loads(request.content)["entry"]
        self.batches.append(entries)
        answers = [{"response": self._entry(**each)} for each in entries]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "batch-response", "entry": answers})

    def _entry(self, request: Json, resource: Json) -> Json:
        kind = resource["resourceType"]
        if kind in self.refuse:
            return self.refuse[kind]
        if request["method"] == "POST":
            return self._create(request, resource)
        path = request["url"]
        _, _, id = path.partition("/")
        current = self.kept.get(path, {"meta": {"versionId": "0"}})["meta"]["versionId"]
        if request.get("ifMatch", f'W/"{current}"') != f'W/"{current}"':
            return {"status": "412 Precondition Failed"}
        return self.put(kind, id, resource)

    def _create_response(self, condition: str, resource: Json) -> Json:
        assert "id" not in resource
        if found := self._identified(condition.removeprefix("identifier=")):
            return {"status": "200 OK", "location": f"ClaimResponse/{found[0]['id']}"}
        return self.put("ClaimResponse", f"r{len(self.kept)}", resource)

    def _create(self, request: Json, resource: Json) -> Json:
        if resource["resourceType"] == "ClaimResponse":
            return self._create_response(unquote(request["ifNoneExist"]), resource)
        wanted = {name: values[0] for name, values in parse_qs(request.get("ifNoneExist", "")).items()}
        for each in self.of("Provenance"):
            if wanted == {"target": f"ClaimResponse/{_target(each)}", "recorded": each["recorded"]}:
                return {"status": "200 OK"}
        return self.put("Provenance", f"p{len(self.kept)}", resource)


def _target(provenance: Json) -> str:
    return str(provenance["target"][0]["reference"]).split("/")[1]


def answer(claim: str = "c1", disposition: str = "Approved.", instant: str = NOW) -> Answer:
    response = {
        "resourceType": "ClaimResponse",
        "id": f"of-{claim}",
        "identifier": [{"system": SYSTEM, "value": claim}],
        "created": instant,
        "disposition": disposition,
    }
    target = [{"reference": f"ClaimResponse/of-{claim}"}]
    provenance = {"resourceType": "Provenance", "id": f"of-{claim}", "target": target, "recorded": instant}
    return Answer(claim, response=response, provenance=provenance)


def of_claim(disposition: str) -> Answer:
    """An answer to Claim/c1 under the identifier that answers to claims have."""
    plain = answer(disposition=disposition)
    number = [{"system": SYSTEM, "value": answer_identifier("c1")}]
    return Answer("c1", response={**(plain.response or {}), "identifier": number}, provenance=plain.provenance)


def fault(claim: str | None = "c1", code: str = "structure", id: str | None = "c1") -> Answer:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}
    return Answer(claim, outcome=outcome | ({"id": id} if id else {}))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server(respx_mock: respx.MockRouter) -> Server:
    return Server(respx_mock)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as ledger:
        yield ledger


@pytest.fixture
async def sink(anyio_backend: str, server: Server, ledger: Ledger) -> AsyncIterator[ServerSink]:
    async with FhirClient(BASE, patience=Patience(attempts=1)) as client:
        yield ServerSink(client, SYSTEM, ledger, INSTANT)


async def actions(sink: ServerSink, *answers: Answer, dry_run: bool = False) -> list[Action]:
    return [written.action for written in await sink.write(answers, dry_run=dry_run)]


# ClaimResponse and Provenance


@pytest.mark.anyio
async def test_a_new_answer_is_created_by_its_identifier_with_a_provenance_of_its_version(
    sink: ServerSink, server: Server
) -> None:
    assert await sink.write([answer()]) == [Written("c1", Action.CREATED)]
    (responses, provenances) = server.batches
    assert responses[0]["request"] == {
        "method": "POST",
        "url": "ClaimResponse",
        "ifNoneExist": "identifier=urn%3Acoaching-adapter%7Cc1",
    }
    (kept,) = server.of("ClaimResponse")
    assert provenances[0]["resource"]["target"] == [{"reference": f"ClaimResponse/{kept['id']}/_history/1"}]
    assert "id" not in provenances[0]["resource"]


@pytest.mark.anyio
async def test_the_same_answer_again_writes_nothing(sink: ServerSink, server: Server) -> None:
    await sink.write([answer()])
    server.batches.clear()
    assert await actions(sink, answer(instant=LATER)) == [Action.UNCHANGED]
    assert server.batches == []


@pytest.mark.anyio
@pytest.mark.parametrize("instant", [pytest.param(LATER, id="later"), pytest.param(NOW, id="under a fixed clock")])
@pytest.mark.parametrize("strips_versions", [False, True])
async def test_a_changed_answer_updates_in_place_and_has_a_provenance_of_its_own(
    sink: ServerSink, server: Server, instant: str, strips_versions: bool
) -> None:
    server.strips_versions = strips_versions
    await sink.write([answer()])
    assert await actions(sink, answer(disposition="Denied.", instant=instant)) == [Action.UPDATED]
    (kept,) = server.of("ClaimResponse")
    assert (kept["disposition"], kept["meta"]["versionId"]) == ("Denied.", "2")
    assert server.batches[2][0]["request"] == {
        "method": "PUT",
        "url": f"ClaimResponse/{kept['id']}",
        "ifMatch": 'W/"1"',
    }
    assert len(server.of("Provenance")) == 2
    assert await actions(sink, answer(disposition="Denied.", instant=LATER)) == [Action.UNCHANGED]
    assert len(server.of("Provenance")) == 2


@pytest.mark.anyio
async def test_many_answers_go_in_few_requests(sink: ServerSink, server: Server) -> None:
    answers = [answer(f"c{number}") for number in range(120)]
    assert set(await actions(sink, *answers)) == {Action.CREATED}
    assert len(server.searches) == 2
    assert [len(batch) for batch in server.batches] == [100, 100, 20, 20]
    assert len(server.of("ClaimResponse")) == len(server.of("Provenance")) == 120


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["412 Precondition Failed", "409 Conflict"])
async def test_an_answer_changed_meanwhile_is_handed_back(sink: ServerSink, server: Server, status: str) -> None:
    await sink.write([answer()])
    server.refuse["ClaimResponse"] = {"status": status}
    assert await sink.write([answer(disposition="Denied.")]) == [Written("c1", Action.FAILED, CONFLICT)]
    assert len(server.of("Provenance")) == 1


@pytest.mark.anyio
async def test_a_change_between_reading_and_writing_is_noticed(sink: ServerSink, server: Server) -> None:
    await sink.write([answer()])
    (kept,) = server.of("ClaimResponse")
    server.meanwhile = lambda: server.put("ClaimResponse", kept["id"], kept | {"disposition": "Somebody else's."})
    assert await sink.write([answer(disposition="Denied.")]) == [Written("c1", Action.FAILED, CONFLICT)]
    assert [each["disposition"] for each in server.of("ClaimResponse")] == ["Somebody else's."]


@pytest.mark.anyio
async def test_an_answer_created_meanwhile_stays_the_only_one_and_is_decided_again(
    sink: ServerSink, server: Server
) -> None:
    server.meanwhile = lambda: server.of("ClaimResponse") or server.put("ClaimResponse", "r", answer().response or {})
    assert await sink.write([answer()]) == [Written("c1", Action.FAILED, CONFLICT)]
    assert await sink.write([answer()]) == [Written("c1", Action.UNCHANGED)]
    assert len(server.of("ClaimResponse")) == len(server.of("Provenance")) == 1


@pytest.mark.anyio
async def test_an_answer_given_since_the_evidence_was_read_stands(sink: ServerSink, server: Server) -> None:
    await sink.write([of_claim("Pended.")])
    known = await sink.look_up(["c1"])
    await sink.write([of_claim("Approved, for now the note is there.")])
    assert await sink.write([of_claim("Denied.")], known) == [Written("c1", Action.FAILED, CONFLICT)]
    assert await sink.write([of_claim("Pended.")], known) == [Written("c1", Action.UNCHANGED)]
    assert [each["disposition"] for each in server.of("ClaimResponse")] == ["Approved, for now the note is there."]


@pytest.mark.anyio
async def test_one_claim_twice_in_one_go_is_decided_again(sink: ServerSink, server: Server) -> None:
    written = await sink.write([answer(), answer(disposition="Denied.")])
    assert written == [Written("c1", Action.CREATED), Written("c1", Action.FAILED, CONFLICT)]
    assert len(server.of("ClaimResponse")) == 1


REFUSAL = {
    "status": "422 Unprocessable Entity",
    "outcome": {"resourceType": "OperationOutcome", "issue": [{"code": "invalid", "diagnostics": "Jane Doe, M-4711"}]},
}


@pytest.mark.anyio
async def test_a_refused_answer_fails_alone_and_quotes_nothing(sink: ServerSink, server: Server) -> None:
    await sink.write([answer("c1")])
    server.refuse["ClaimResponse"] = REFUSAL
    problem = "the server refused the ClaimResponse: 422 (invalid)"
    assert await sink.write([answer("c2"), answer("c1")]) == [
        Written("c2", Action.FAILED, problem),
        Written("c1", Action.UNCHANGED),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "requests"),
    [
        pytest.param(400, 3, id="whole, then each half"),
        pytest.param(413, 3, id="too large"),
        pytest.param(501, 1, id="no batches at all"),
    ],
)
async def test_a_batch_refused_as_a_whole_fails_each_entry(
    sink: ServerSink, server: Server, respx_mock: respx.MockRouter, status: int, requests: int
) -> None:
    route = respx_mock.post(BASE).mock(return_value=httpx.Response(status))
    problems = [each.problem for each in await sink.write([answer("c1"), answer("c2")])]
    assert problems == [f"the server refused the ClaimResponse: {status}"] * 2
    assert route.call_count == requests


@pytest.mark.anyio
async def test_one_entry_the_server_cannot_read_takes_no_other_with_it(sink: ServerSink, server: Server) -> None:
    server.unreadable = "c3"
    written = await sink.write([answer(f"c{number}") for number in range(6)])
    assert [each.claim for each in written if each.action is Action.FAILED] == ["c3"]
    assert len(server.of("ClaimResponse")) == len(server.of("Provenance")) == 5


@pytest.mark.anyio
async def test_a_server_that_does_not_let_us_write_is_fatal(
    sink: ServerSink, server: Server, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(BASE).mock(return_value=httpx.Response(403))
    with pytest.raises(SourceError, match="refused us"):
        await sink.write([answer()])


@pytest.mark.anyio
@pytest.mark.parametrize("strips_versions", [False, True])
async def test_a_provenance_that_is_missing_is_added(sink: ServerSink, server: Server, strips_versions: bool) -> None:
    server.strips_versions = strips_versions
    server.refuse["Provenance"] = REFUSAL
    (written,) = await sink.write([answer()])
    assert written.action is Action.CREATED
    assert "Provenance is missing" in written.problem
    del server.refuse["Provenance"]
    assert await sink.write([answer(instant=LATER)]) == [Written("c1", Action.UNCHANGED)]
    (kept,) = server.of("ClaimResponse")
    (healed,) = server.of("Provenance")
    assert _target(healed) == kept["id"]
    assert kept["meta"]["versionId"] == "1"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("location", "etag", "target"),
    [
        ("ClaimResponse/r1/_history/7", None, "ClaimResponse/r1/_history/7"),
        (f"{BASE}/ClaimResponse/r1/_history/7", 'W/"7"', "ClaimResponse/r1/_history/7"),
        ("ClaimResponse/r1", 'W/"7"', "ClaimResponse/r1/_history/7"),
        ("ClaimResponse/r1", "7", "ClaimResponse/r1/_history/7"),
        ("ClaimResponse/r1", None, "ClaimResponse/r1"),
        (None, 'W/"7"', None),
    ],
)
async def test_where_a_server_says_it_put_the_answer(
    sink: ServerSink, server: Server, location: str | None, etag: str | None, target: str | None
) -> None:
    server.refuse["ClaimResponse"] = {"status": "201", "location": location, "etag": etag}
    (written,) = await sink.write([answer()])
    assert written.action is Action.CREATED
    assert [each["target"][0]["reference"] for each in server.of("Provenance")] == ([target] if target else [])
    assert bool(written.problem) is (target is None)


@pytest.mark.anyio
async def test_of_several_the_oldest_is_kept_up_to_date(sink: ServerSink, server: Server) -> None:
    for id in ("10", "9", "a"):
        server.put("ClaimResponse", id, answer().response or {})
    (written,) = await sink.write([answer(disposition="Denied.")])
    assert written.action is Action.UPDATED
    assert written.problem.startswith("3 ClaimResponses carry this identifier; ClaimResponse/9 is kept")
    assert [each["id"] for each in server.of("ClaimResponse") if each["disposition"] == "Denied."] == ["9"]


@pytest.mark.anyio
@pytest.mark.parametrize("stores", [pytest.param([], id="ledger"), pytest.param(["update"], id="server")])
async def test_a_dry_run_only_reads(
    sink: ServerSink, server: Server, ledger: Ledger, respx_mock: respx.MockRouter, stores: list[str]
) -> None:
    server.stores = stores
    await sink.write([answer("same"), answer("other")])
    before = len(respx_mock.calls)
    answers = [answer("new"), answer("same"), answer("other", "Denied."), fault("bad", id="bad")]
    expected = [Action.CREATED, Action.UNCHANGED, Action.UPDATED, Action.CREATED]
    assert await actions(sink, *answers, dry_run=True) == expected
    assert {call.request.method for call in list(respx_mock.calls)[before:]} == {"GET"}
    assert ledger.outcomes(BASE) == []


# What a dry run tells


def named(resource: Json, claim: str = "c1") -> Answer:
    """An answer of ours to a claim, under the identifier that this server knows ours by."""
    if resource["resourceType"] == "OperationOutcome":
        return Answer(claim, outcome=resource | {"id": claim})
    identifier = [{"system": SYSTEM, "value": answer_identifier(claim)}]
    target = [{"reference": f"ClaimResponse/{claim}-response"}]
    trail = {"resourceType": "Provenance", "target": target, "recorded": NOW}
    return Answer(claim, response=resource | {"identifier": identifier}, provenance=trail)


@pytest.mark.anyio
@pytest.mark.parametrize("stores", [pytest.param([], id="ledger"), pytest.param(["update"], id="server")])
@pytest.mark.parametrize("searches", [pytest.param(True, id="searches"), pytest.param(False, id="reads only")])
@pytest.mark.parametrize(
    ("before", "new", "becomes", "move"),
    [
        pytest.param([], response("DENY"), "create", ("NO_ANSWER", "DENY"), id="new"),
        pytest.param([], outcome("structure"), "create", ("NO_ANSWER", "OPERATION_OUTCOME"), id="a new outcome"),
        pytest.param([response("DENY")], response("DENY"), "leave", None, id="the same"),
        pytest.param([outcome("structure")], outcome("structure"), "leave", None, id="the same outcome"),
        pytest.param([response("DENY")], response("APPROVE"), "change", ("DENY", "APPROVE"), id="another decision"),
        pytest.param(
            [response("DENY")], outcome("structure"), "change", ("DENY", "OPERATION_OUTCOME"), id="withdrawn by one"
        ),
        pytest.param(
            [outcome("structure"), response("DENY")],
            outcome("structure"),
            "change",
            ("DENY", "OPERATION_OUTCOME"),
            id="withdrawn by one that is there still",
        ),
        pytest.param(
            [outcome("structure")], response("DENY"), "change", ("OPERATION_OUTCOME", "DENY"), id="follows an outcome"
        ),
        pytest.param(
            [response("DENY"), outcome("structure")],
            response("APPROVE"),
            "change",
            ("OPERATION_OUTCOME", "APPROVE"),
            id="follows the outcome that withdrew it",
        ),
        pytest.param(
            [outcome("structure")],
            outcome("required"),
            "change",
            ("OPERATION_OUTCOME", "OPERATION_OUTCOME"),
            id="another fault",
        ),
        pytest.param(
            [cancelled("DENY")], outcome("structure"), "change", ("CANCELLED", "OPERATION_OUTCOME"), id="was cancelled"
        ),
        pytest.param([response("DENY")], cancelled("DENY"), "change", ("DENY", "CANCELLED"), id="cancelled"),
        pytest.param([cancelled("DENY")], response("DENY"), "change", ("CANCELLED", "DENY"), id="stands again"),
    ],
)
async def test_a_dry_run_tells_what_stands_now_and_what_would(
    sink: ServerSink,
    server: Server,
    before: list[Json],
    new: Json,
    becomes: str,
    move: tuple[str, str] | None,
    stores: list[str],
    searches: bool,
) -> None:
    server.stores, server.searches_outcomes = stores, searches
    for each in before:
        await sink.write([named(each)])
    kept = dict(server.kept)
    (written,) = await sink.write([named(new)], await sink.look_up(["c1"]), dry_run=True)
    found = written.difference
    assert effect(written) == becomes
    assert (found and (found.before.standing, found.after.standing)) == move
    assert server.kept == kept
    assert await actions(sink, named(new)) == [written.action]


@pytest.mark.anyio
async def test_many_answers_are_compared_in_few_requests(
    sink: ServerSink, server: Server, respx_mock: respx.MockRouter
) -> None:
    server.stores = ["update"]
    claims = [f"c{number}" for number in range(150)]
    known = await sink.look_up(claims)
    before = len(respx_mock.calls)
    written = await sink.write([named(response("DENY"), each) for each in claims], known, dry_run=True)
    assert {effect(each) for each in written} == {"create"}
    asked = [str(call.request.url).removeprefix(BASE).partition("?")[0] for call in list(respx_mock.calls)[before:]]
    assert sorted(asked) == ["/OperationOutcome"] * 2 + ["/metadata"]


@pytest.mark.anyio
async def test_nothing_to_write_asks_nothing(sink: ServerSink, respx_mock: respx.MockRouter) -> None:
    assert await sink.write([]) == []
    assert len(respx_mock.calls) == 0


@pytest.mark.anyio
async def test_an_answer_that_could_not_be_found_again_is_never_written(sink: ServerSink, server: Server) -> None:
    with pytest.raises(WriteError, match="Claim/c1 has no identifier"):
        await sink.write([Answer("c1", response={"resourceType": "ClaimResponse"})])


# OperationOutcome


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("stores", "id", "on_server"),
    [
        pytest.param(["read", "update"], "c1", True, id="kept by the server"),
        pytest.param(["read", "create"], "c1", False, id="created only, which cannot be repeated"),
        pytest.param([], "c1", False, id="not taken"),
        pytest.param(["update"], None, False, id="no claim to name it by"),
    ],
)
async def test_where_an_outcome_goes(
    sink: ServerSink, server: Server, ledger: Ledger, stores: list[str], id: str | None, on_server: bool
) -> None:
    server.stores = stores
    seen = [await actions(sink, fault(code=code, id=id)) for code in ("structure", "structure", "invalid")]
    assert seen == [[Action.CREATED], [Action.UNCHANGED], [Action.UPDATED]]
    assert [each["issue"][0]["code"] for each in server.of("OperationOutcome")] == (["invalid"] if on_server else [])
    assert len(ledger.outcomes(BASE)) == (0 if on_server else 1)


def earlier(status: str = "active") -> Answer:
    """As the answer to c1 would be named by us."""
    found = answer()
    assert found.response is not None
    response = {**found.response, "identifier": [{"system": SYSTEM, "value": "Claim/c1"}], "status": status}
    return replace(found, response=response)


@pytest.mark.anyio
async def test_an_outcome_takes_the_earlier_answer_back_once(sink: ServerSink, server: Server, ledger: Ledger) -> None:
    await sink.write([earlier()])
    assert await actions(sink, fault(), dry_run=True) == [Action.CREATED]
    assert server.of("ClaimResponse")[0]["status"] == "active"
    assert await actions(sink, fault()) == [Action.CREATED]
    (response,) = server.of("ClaimResponse")
    assert (response["status"], response["meta"]["versionId"]) == ("cancelled", "2")
    assert [each["recorded"] for each in server.of("Provenance")] == [NOW, INSTANT.isoformat(timespec="seconds")]
    assert await actions(sink, fault()) == [Action.UNCHANGED]
    assert server.of("ClaimResponse")[0]["meta"]["versionId"] == "2"


@pytest.mark.anyio
async def test_a_response_that_is_written_takes_the_outcome_back(sink: ServerSink, ledger: Ledger) -> None:
    await sink.write([fault(), fault("c2", id="c2")])
    await actions(sink, answer(), dry_run=True)
    assert len(ledger.outcomes(BASE)) == 2
    await sink.write([answer()])
    assert [each["id"] for each in ledger.outcomes(BASE)] == ["c2"]


@pytest.mark.anyio
async def test_an_earlier_answer_that_changed_meanwhile_is_decided_again(sink: ServerSink, server: Server) -> None:
    await sink.write([earlier()])
    server.refuse["ClaimResponse"] = {"status": "412 Precondition Failed"}
    (written,) = await sink.write([fault()])
    assert written == Written("c1", Action.FAILED, CONFLICT)


@pytest.mark.anyio
async def test_a_refused_outcome_fails(sink: ServerSink, server: Server) -> None:
    server.stores = ["update"]
    server.refuse["OperationOutcome"] = REFUSAL
    (written,) = await sink.write([fault()])
    assert written == Written("c1", Action.FAILED, "the server refused the OperationOutcome: 422 (invalid)")


@pytest.mark.anyio
async def test_results_stand_in_the_order_of_the_answers(sink: ServerSink) -> None:
    written = await sink.write([fault("b", id="b"), answer("a"), Answer("nothing")])
    assert [(each.claim, each.action) for each in written] == [
        ("b", Action.CREATED),
        ("a", Action.CREATED),
        ("nothing", Action.FAILED),
    ]


# What counts as the same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"a": 85}, {"a": 85.0}, True, id="85 and 85.0"),
        pytest.param({"a": 85}, {"a": 85.01}, False, id="a cent more"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="order of members"),
        pytest.param({"a": [1, 2]}, {"a": [2, 1]}, False, id="order of elements"),
        pytest.param({"id": "x", "meta": {}, "text": {}, "created": NOW}, {"created": LATER}, True, id="not content"),
        pytest.param({"note": [{"text": "x"}]}, {"note": [{"text": "y"}]}, False, id="text further down"),
        pytest.param({"a": {"reference": "X/1/_history/2"}}, {"a": {"reference": "X/1"}}, True, id="version dropped"),
        pytest.param({"a": {"reference": f"{BASE}/X/1"}}, {"a": {"reference": "X/1"}}, True, id="made relative"),
        pytest.param({"a": {"reference": "http://o/X/1"}}, {"a": {"reference": "X/1"}}, False, id="another server"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, False, id="an element more"),
    ],
)
def test_same_content(one: Json, other: Json, same: bool) -> None:
    assert same_content(one, other, BASE) is same
    assert same_content(other, one, BASE) is same


RESPONSE = {"id": "r1", "meta": {"versionId": "2"}, "created": "2026-03-04T10:00:00Z"}


@pytest.mark.parametrize(
    ("target", "recorded", "there"),
    [
        pytest.param("ClaimResponse/r1/_history/2", None, True, id="this version"),
        pytest.param(f"{BASE}/ClaimResponse/r1/_history/2", None, True, id="this version, absolute"),
        pytest.param("ClaimResponse/r1/_history/1", LATER, False, id="an earlier version"),
        pytest.param("ClaimResponse/r2/_history/2", LATER, False, id="another response"),
        pytest.param("ClaimResponse/r1", "2026-03-04T11:00:00+01:00", True, id="no version, same instant"),
        pytest.param("ClaimResponse/r1", "2026-03-04T10:59:59+01:00", False, id="no version, a second before"),
        pytest.param("ClaimResponse/r1", None, True, id="no version, no instant to tell by"),
    ],
)
def test_has_provenance(target: str, recorded: str | None, there: bool) -> None:
    assert has_provenance(RESPONSE, [{"target": [{"reference": target}], "recorded": recorded}]) is there
