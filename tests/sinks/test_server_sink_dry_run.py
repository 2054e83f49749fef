"""What a dry run over a server tells: what stands now and what would; and what is never written."""

from __future__ import annotations

import pytest
import respx
from dry_run.made import cancelled, outcome, response
from sinks.answering_server import BASE, NOW, SYSTEM, Json, Server, actions

from adapter.answers.answer import Answer
from adapter.answers.claim_response import answer_identifier
from adapter.answers.totals import effect
from adapter.errors import WriteError
from adapter.sinks.server import ServerSink

pytestmark = pytest.mark.respx(assert_all_called=False)


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
