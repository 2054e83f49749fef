"""Writing to a server: any number of runs ends in one ClaimResponse per claim, with a Provenance for each version."""

from __future__ import annotations

import httpx
import pytest
import respx
from sinks.answering_server import BASE, LATER, NOW, REFUSAL, Server, actions, answer, fault, of_claim, target_of

from adapter.answers.answer import Action, Written
from adapter.errors import SourceError
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sinks.step import CONFLICT

pytestmark = pytest.mark.respx(assert_all_called=False)


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
@pytest.mark.parametrize("status", [400, 413, 500])
async def test_a_batch_refused_for_what_is_in_it_fails_each_entry(
    sink: ServerSink, server: Server, respx_mock: respx.MockRouter, status: int
) -> None:
    route = respx_mock.post(BASE).mock(return_value=httpx.Response(status))
    problems = [each.problem for each in await sink.write([answer("c1"), answer("c2")])]
    assert problems == [f"the server refused the ClaimResponse: {status}"] * 2
    assert route.call_count == 3, "whole, then each half"
    assert server.singles == []


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
@pytest.mark.parametrize("status", [409, 412, 500])
async def test_why_a_provenance_is_missing_is_said_in_words(sink: ServerSink, server: Server, status: int) -> None:
    server.refuse["Provenance"] = {"status": str(status)}
    (written,) = await sink.write([answer()])
    reason = f"the server refused the Provenance: {status}"
    assert written.problem == f"its Provenance is missing ({reason}); the next run tries again"


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
    assert target_of(healed) == kept["id"]
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
