"""A server that promises no conditional create: what may have been written is looked for before it is sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from sinks.answering_server import BASE, INSTANT, LATER, SYSTEM, Server, answer, target_of, to

from adapter.answers.answer import Action, Written
from adapter.errors import SourceError
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sinks.step import CONFLICT
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience

pytestmark = [pytest.mark.anyio, pytest.mark.respx(assert_all_called=False)]
KINDS = ("ClaimResponse", "Provenance")
CLAIMS = ("c1", "c2", "c3")


@pytest.fixture
async def sink(anyio_backend: str, server: Server, ledger: Ledger) -> AsyncIterator[ServerSink]:
    patience = Patience(attempts=3, first_wait=0.001, longest_wait=0.001)
    async with FhirClient(BASE, patience=patience) as client:
        yield ServerSink(client, SYSTEM, ledger, INSTANT)


@pytest.fixture(params=["batches", "single requests"])
def heedless(request: pytest.FixtureRequest, server: Server) -> Server:
    """The server, which declares no conditional create, and passes over the condition."""
    server.creates_once = []
    if request.param == "single requests":
        server.as_a_whole, server.to_batches = ["history-system"], 501
    return server


def assert_each_once(server: Server, *claims: str) -> None:
    responses = server.of("ClaimResponse")
    assert [each["identifier"][0]["value"] for each in responses] == list(claims)
    assert [target_of(each) for each in server.of("Provenance")] == [each["id"] for each in responses]


@pytest.mark.parametrize("lost", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_carried_out_counts_as_written(sink: ServerSink, heedless: Server, kind: str, lost: int) -> None:
    heedless.loses[kind] = lost
    written = await sink.write([answer(each) for each in CLAIMS])
    assert written == [Written(each, Action.CREATED) for each in CLAIMS]
    assert [len(each.targets) for each in written] == [2] * len(CLAIMS), "the answer and its Provenance"
    assert_each_once(heedless, *CLAIMS)
    assert await sink.write([answer(each, instant=LATER) for each in CLAIMS]) == [
        Written(each, Action.UNCHANGED) for each in CLAIMS
    ]


async def test_what_was_not_carried_out_is_sent_again(sink: ServerSink, heedless: Server) -> None:
    replies = iter([httpx.ReadError(""), None])

    def breaks_off_first() -> None:
        if (error := next(replies, None)) is not None:
            raise error

    heedless.meanwhile = breaks_off_first
    assert await sink.write([answer()]) == [Written("c1", Action.CREATED)]
    assert_each_once(heedless, "c1")


async def test_an_update_beside_it_is_sent_again_and_tells_by_its_version(sink: ServerSink, heedless: Server) -> None:
    await sink.write([answer("c1")])
    heedless.loses["ClaimResponse"] = 2
    changed = answer("c1", "Denied.", LATER)
    first, second = await sink.write([changed, answer("c2")])
    assert (first, second) == (Written("c1", Action.FAILED, CONFLICT), Written("c2", Action.CREATED))
    assert await sink.write([changed]) == [Written("c1", Action.UNCHANGED)]
    assert len(heedless.of("ClaimResponse")) == 2
    assert len(heedless.of("Provenance")) == 3


async def test_what_somebody_else_wrote_is_decided_again(sink: ServerSink, heedless: Server) -> None:
    def breaks_off_after_another() -> None:
        if not heedless.of("ClaimResponse"):
            heedless.put("ClaimResponse", "r", answer(disposition="Somebody else's.").response or {})
            raise httpx.ReadError("")

    heedless.meanwhile = breaks_off_after_another
    assert await sink.write([answer()]) == [Written("c1", Action.FAILED, CONFLICT)]
    assert len(heedless.of("ClaimResponse")) == 1


async def test_a_batch_that_fails_as_a_whole_may_be_carried_out_in_part(sink: ServerSink, server: Server) -> None:
    server.creates_once, server.unreadable, server.to_unreadable = [], "c3", 500
    with pytest.raises(SourceError, match="answered 500 to a batch"):  # whoever reconciles looks up, and goes by halves
        await sink.write([answer(each) for each in CLAIMS])
    assert (server.asked_by_batch, server.of("ClaimResponse")) == (3, [])


async def test_what_is_refused_is_not_looked_for(sink: ServerSink, heedless: Server) -> None:
    heedless.refuse["ClaimResponse"] = {"status": "422 Unprocessable Entity"}
    (written,) = await sink.write([answer()])
    assert written.problem == "the server refused the ClaimResponse: 422"
    assert heedless.searches == [f"{SYSTEM}|c1"], "before it is written, and not again"


@pytest.mark.parametrize("declared", [KINDS, ()], ids=["heeds conditions", "does not"])
async def test_without_a_fault_nothing_more_is_asked(
    sink: ServerSink, server: Server, declared: tuple[str, ...]
) -> None:
    server.creates_once = list(declared)
    await sink.write([answer()])
    assert (len(server.searches), server.asked_by_batch, server.singles) == (1, 2, [])


async def test_who_declares_it_is_asked_again_at_once(sink: ServerSink, server: Server) -> None:
    server.loses["ClaimResponse"] = 1
    assert await sink.write([answer()]) == [Written("c1", Action.FAILED, CONFLICT)]  # found by its condition
    assert (len(server.searches), len(server.of("ClaimResponse"))) == (1, 1)


async def test_a_single_one_that_is_never_served_fails_alone(sink: ServerSink, alone: Server) -> None:
    alone.creates_once, alone.fault = [], to("ClaimResponse", httpx.Response(503), "c2")
    written = await sink.write([answer(each) for each in CLAIMS])
    assert [each.action for each in written] == [Action.CREATED, Action.FAILED, Action.CREATED]
    assert_each_once(alone, "c1", "c3")
