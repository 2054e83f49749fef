"""OperationOutcomes on a server: where they go, and what they take back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from sinks.answering_server import BASE, INSTANT, NOW, REFUSAL, SYSTEM, Server, actions, answer, fault

from adapter.answers.answer import Action, Answer, Written
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sinks.step import CONFLICT

pytestmark = pytest.mark.respx(assert_all_called=False)


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


class Killed(BaseException):
    """The process ends at once."""


def refuses_provenances(server: Server) -> None:
    server.refuse["Provenance"] = {"status": "500"}


def dies_before_provenances(server: Server) -> None:
    def dies() -> None:
        if server.of("ClaimResponse")[0]["status"] == "cancelled":
            raise Killed

    server.meanwhile = dies


@pytest.mark.anyio
@pytest.mark.parametrize("strips_versions", [False, True])
@pytest.mark.parametrize("goes_wrong", [refuses_provenances, dies_before_provenances])
async def test_the_provenance_of_what_was_taken_back_is_added(
    sink: ServerSink, server: Server, goes_wrong: Callable[[Server], None], strips_versions: bool
) -> None:
    server.strips_versions = strips_versions
    await sink.write([earlier()])
    goes_wrong(server)
    with suppress(Killed):
        (written,) = await sink.write([fault()])
        assert written.unfinished
        assert written.problem.startswith("its Provenance is missing (the server refused the Provenance: 500)")
    assert len(server.of("Provenance")) == 1
    server.refuse, server.meanwhile = {}, lambda: None
    for _ in range(2):
        (written,) = await sink.write([fault()])
        assert (written.problem, written.unfinished) == ("", False)
        assert len(server.of("Provenance")) == 2
    (response,) = server.of("ClaimResponse")
    assert (response["status"], response["meta"]["versionId"]) == ("cancelled", "2")


@pytest.mark.anyio
async def test_what_was_cancelled_otherwise_has_the_provenance_of_that(sink: ServerSink, server: Server) -> None:
    await sink.write([earlier("cancelled")])
    server.kept = {name: each for name, each in server.kept.items() if each["resourceType"] == "ClaimResponse"}
    await sink.write([fault()])
    assert server.of("Provenance") == []


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
