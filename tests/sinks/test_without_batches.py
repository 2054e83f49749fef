"""A server that takes no batches is written to request by request, and everything else stays as it is."""

from __future__ import annotations

import httpx
import orjson
import pytest
import respx
from sinks.answering_server import (
    BASE,
    INSTANT,
    LATER,
    REFUSAL,
    SYSTEM,
    Server,
    actions,
    answer,
    fault,
    of_claim,
    target_of,
    to,
)

from adapter.answers.answer import Action, Written
from adapter.sinks.entries import AT_ONCE
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sinks.step import CONFLICT
from adapter.sources.fhir_client import FhirClient

pytestmark = [pytest.mark.anyio, pytest.mark.respx(assert_all_called=False)]


def requests_of(server: Server) -> list[tuple[str, str]]:
    return [(each.method, each.url.path.removeprefix("/fhir/")) for each in server.singles]


# --- which way


@pytest.mark.parametrize(
    ("declared", "status", "batches", "singles"),
    [
        pytest.param(["batch"], 200, 2, 0, id="takes batches"),
        pytest.param(["transaction"], 200, 2, 0, id="as HAPI declares it"),
        pytest.param([], 200, 2, 0, id="says nothing, and takes them"),
        pytest.param(["history-system"], 200, 0, 4, id="declares other things, and no batches"),
        pytest.param(["batch"], 404, 1, 4, id="declares them, and has no such address"),
        pytest.param(["batch"], 405, 1, 4, id="declares them, and allows none"),
        pytest.param(["transaction"], 501, 1, 4, id="declares transactions, and knows no batches"),
        pytest.param([], 405, 1, 4, id="says nothing, and allows none"),
        pytest.param([], 400, 1, 4, id="says nothing, and cannot make anything of one"),
        pytest.param(["batch"], 400, 3, 0, id="declares them: 400 is about what is in it"),
        pytest.param([], 422, 3, 0, id="says nothing: 422 is about what is in it"),
    ],
)
async def test_by_what_is_declared_and_how_the_first_batch_is_answered(
    sink: ServerSink, server: Server, declared: list[str], status: int, batches: int, singles: int
) -> None:
    server.as_a_whole, server.to_batches = declared, status
    written = await sink.write([answer("c1"), answer("c2")])
    asked = (server.asked_by_batch, len(server.singles))
    assert asked == (batches, singles)
    done = Action.CREATED if singles or status == 200 else Action.FAILED
    assert [each.action for each in written] == [done] * 2
    assert len(server.of("ClaimResponse")) == len(server.of("Provenance")) == (2 if done is Action.CREATED else 0)


@pytest.mark.parametrize(
    ("status", "goes_alone"),
    [(400, False), (404, False), (405, True), (501, True)],
)
async def test_who_took_a_batch_before_speaks_of_what_is_in_this_one(
    sink: ServerSink, server: Server, status: int, goes_alone: bool
) -> None:
    server.as_a_whole = []
    await sink.write([answer("c1")])
    server.unreadable, server.to_unreadable = "c3", status
    written = await sink.write([answer("c2"), answer("c3"), answer("c4")])
    second = Action.CREATED if goes_alone else Action.FAILED
    assert [each.action for each in written] == [Action.CREATED, second, Action.CREATED]
    assert bool(server.singles) is goes_alone


# --- what is asked, and what is made of the answer


async def test_a_request_says_what_the_entry_of_a_batch_does(sink: ServerSink, alone: Server) -> None:
    await sink.write([answer()])
    await sink.write([answer(disposition="Denied.", instant=LATER)])
    assert requests_of(alone) == [
        ("POST", "ClaimResponse"),
        ("POST", "Provenance"),
        ("PUT", "ClaimResponse/r0"),
        ("POST", "Provenance"),
    ]
    created, trail, updated, _ = alone.singles
    assert created.headers["If-None-Exist"] == "identifier=urn%3Acoaching-adapter%7Cc1"
    assert created.headers["Content-Type"] == "application/fhir+json"
    assert "id" not in orjson.loads(created.content)
    assert trail.headers["If-None-Exist"].startswith("target=ClaimResponse%2Fr0&recorded=")
    assert orjson.loads(trail.content)["target"] == [{"reference": "ClaimResponse/r0/_history/1"}]
    assert (updated.headers["If-Match"], "If-None-Exist" in updated.headers) == ('W/"1"', False)
    assert [each["disposition"] for each in alone.of("ClaimResponse")] == ["Denied."]
    assert len(alone.of("Provenance")) == 2


async def test_the_same_answer_again_writes_nothing(sink: ServerSink, alone: Server) -> None:
    await sink.write([answer()])
    before = len(alone.singles)
    assert await actions(sink, answer(instant=LATER)) == [Action.UNCHANGED]
    assert len(alone.singles) == before


async def test_many_answers_keep_their_order(sink: ServerSink, alone: Server) -> None:
    names = [f"c{number}" for number in range(2 * AT_ONCE + 1)]
    assert await sink.write([answer(each) for each in names]) == [Written(each, Action.CREATED) for each in names]
    assert len(alone.of("ClaimResponse")) == len(alone.of("Provenance")) == len(names)


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        pytest.param(
            httpx.Response(422, json=REFUSAL["outcome"]),
            "the server refused the ClaimResponse: 422 (invalid)",
            id="422",
        ),
        pytest.param(httpx.Response(400), "the server refused the ClaimResponse: 400", id="400"),
        pytest.param(httpx.Response(403), "the server refused the ClaimResponse: 403", id="403"),
        pytest.param(httpx.Response(404), "the server refused the ClaimResponse: 404", id="404"),
        pytest.param(httpx.Response(500), "the server refused the ClaimResponse: 500", id="500"),
        pytest.param(httpx.Response(412), CONFLICT, id="412"),
        pytest.param(httpx.Response(409), CONFLICT, id="409"),
        pytest.param(
            httpx.Response(503), f"{BASE} answered 503 to a new ClaimResponse, also when asked again", id="busy"
        ),
        pytest.param(httpx.ReadTimeout(""), f"{BASE} did not answer a new ClaimResponse within 60 s", id="too slow"),
        pytest.param(
            httpx.Response(201, content=b'{"resourceType":'),
            f"{BASE} answered a new ClaimResponse with damaged or truncated JSON",
            id="damaged",
        ),
    ],
)
async def test_one_that_is_refused_beside_others_fails_alone(
    sink: ServerSink, alone: Server, response: httpx.Response | Exception, problem: str
) -> None:
    alone.fault = to("ClaimResponse", response, "c2")
    first, second, third = await sink.write([answer("c1"), answer("c2"), answer("c3")])
    assert (first, third) == (Written("c1", Action.CREATED), Written("c3", Action.CREATED))
    assert (second.action, second.problem.startswith(problem)) == (Action.FAILED, True), second.problem
    assert "Jane" not in second.problem
    assert len(alone.of("ClaimResponse")) == len(alone.of("Provenance")) == 2


@pytest.mark.parametrize(
    ("location", "etag", "target"),
    [
        (f"{BASE}/ClaimResponse/r1/_history/7", 'W/"7"', "ClaimResponse/r1/_history/7"),
        (f"{BASE}/ClaimResponse/r1/_history/7", None, "ClaimResponse/r1/_history/7"),
        ("ClaimResponse/r1", 'W/"7"', "ClaimResponse/r1/_history/7"),
        ("ClaimResponse/r1", None, "ClaimResponse/r1"),
        (None, 'W/"7"', None),
        (None, None, None),
    ],
)
async def test_where_a_server_says_it_put_a_new_answer(
    sink: ServerSink, alone: Server, location: str | None, etag: str | None, target: str | None
) -> None:
    alone.refuse["ClaimResponse"] = {"status": "201", "location": location, "etag": etag}
    (written,) = await sink.write([answer()])
    assert written.action is Action.CREATED
    assert [each["target"][0]["reference"] for each in alone.of("Provenance")] == ([target] if target else [])
    assert bool(written.problem) is (target is None)


@pytest.mark.parametrize(
    ("etag", "target"), [('W/"2"', "ClaimResponse/r0/_history/2"), (None, "ClaimResponse/r0")], ids=["ETag", "none"]
)
async def test_an_update_may_leave_out_where_it_is(
    sink: ServerSink, alone: Server, etag: str | None, target: str
) -> None:
    await sink.write([answer()])
    alone.refuse["ClaimResponse"] = {"status": "200", "etag": etag}
    assert await actions(sink, answer(disposition="Denied.", instant=LATER)) == [Action.UPDATED]
    assert alone.of("Provenance")[1]["target"] == [{"reference": target}]


# --- exactly once


async def test_a_create_that_lost_the_race_is_decided_again(sink: ServerSink, alone: Server) -> None:
    alone.meanwhile = lambda: alone.of("ClaimResponse") or alone.put("ClaimResponse", "r", answer().response or {})
    assert await sink.write([answer()]) == [Written("c1", Action.FAILED, CONFLICT)]
    assert await sink.write([answer()]) == [Written("c1", Action.UNCHANGED)]
    assert len(alone.of("ClaimResponse")) == len(alone.of("Provenance")) == 1


async def test_a_change_between_reading_and_writing_is_noticed(sink: ServerSink, alone: Server) -> None:
    await sink.write([answer()])
    (kept,) = alone.of("ClaimResponse")
    alone.meanwhile = lambda: alone.put("ClaimResponse", kept["id"], kept | {"disposition": "Somebody else's."})
    assert await sink.write([answer(disposition="Denied.")]) == [Written("c1", Action.FAILED, CONFLICT)]
    assert [each["disposition"] for each in alone.of("ClaimResponse")] == ["Somebody else's."]


async def test_a_version_that_no_header_can_hold_is_a_conflict(sink: ServerSink, alone: Server) -> None:
    await sink.write([answer()])
    (kept,) = alone.of("ClaimResponse")
    kept["meta"]["versionId"] = "é\r\nX-More: 1"
    assert await sink.write([answer(disposition="Denied.")]) == [Written("c1", Action.FAILED, CONFLICT)]
    assert "X-More" not in alone.singles[-1].headers


class Killed(BaseException):
    """The process ends at once."""


async def test_killed_between_the_answer_and_its_provenance_the_next_run_adds_it(
    sink: ServerSink, alone: Server, ledger: Ledger
) -> None:
    def dies(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/Provenance"):
            raise Killed
        return None

    alone.fault = dies
    with pytest.raises(Killed):
        await sink.write([answer("c1"), answer("c2")])
    assert (len(alone.of("ClaimResponse")), alone.of("Provenance")) == (2, [])
    alone.fault = lambda _request: None
    async with FhirClient(BASE) as client:
        following = ServerSink(client, SYSTEM, ledger, INSTANT)
        assert await actions(following, answer("c1"), answer("c2")) == [Action.UNCHANGED] * 2
    responses = alone.of("ClaimResponse")
    assert {each["id"] for each in responses} == {target_of(each) for each in alone.of("Provenance")}
    assert {each["meta"]["versionId"] for each in responses} == {"1"}


async def test_a_provenance_that_is_refused_is_added_by_the_next_run(sink: ServerSink, alone: Server) -> None:
    alone.fault = to("Provenance", httpx.Response(500))
    (written,) = await sink.write([answer()])
    assert (written.action, "Provenance is missing" in written.problem) == (Action.CREATED, True)
    alone.fault = lambda _request: None
    assert await sink.write([answer(instant=LATER)]) == [Written("c1", Action.UNCHANGED)]
    assert len(alone.of("Provenance")) == 1


# --- what stands beside ClaimResponses


async def test_outcomes_and_withdrawals_go_alone_too(sink: ServerSink, alone: Server, ledger: Ledger) -> None:
    alone.stores = ["update"]
    await sink.write([of_claim("Approved.")])
    assert await actions(sink, fault("c1")) == [Action.CREATED]
    assert requests_of(alone)[2:] == [
        ("PUT", "ClaimResponse/r0"),
        ("POST", "Provenance"),
        ("PUT", "OperationOutcome/c1"),
    ]
    assert alone.of("ClaimResponse")[0]["status"] == "cancelled"
    assert ledger.outcomes(BASE) == []


async def test_a_dry_run_only_reads(sink: ServerSink, alone: Server, respx_mock: respx.MockRouter) -> None:
    assert await actions(sink, answer(), dry_run=True) == [Action.CREATED]
    assert {call.request.method for call in respx_mock.calls} == {"GET"}
