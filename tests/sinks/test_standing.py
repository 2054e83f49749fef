"""What a server has of our answers, with their Provenances, whether or not it sends those along."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sinks.answering_server import SYSTEM, Server, answer

from adapter.sinks.server import ServerSink
from adapter.sinks.standing import Standing

pytestmark = pytest.mark.respx(assert_all_called=False)
BOTH = ["ClaimResponse/r0,ClaimResponse/r1"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("along", "searches", "asked", "found"),
    [
        pytest.param(1000, True, [], (1, 1), id="all come along"),
        pytest.param(1, True, ["ClaimResponse/r1"], (1, 1), id="some are cut off"),
        pytest.param(0, True, BOTH, (1, 1), id="it ignores that it is to send them"),
        pytest.param(None, True, BOTH, (1, 1), id="it refuses"),
        pytest.param(0, False, BOTH, (0, 0), id="nor can they be searched for"),
    ],
)
async def test_provenances_that_do_not_come_along_are_asked_for(
    sink: ServerSink, server: Server, along: int | None, searches: bool, asked: Sequence[str], found: Sequence[int]
) -> None:
    await sink.write([answer("c1"), answer("c2")])
    server.along, server.searches_provenances = along, searches
    server.asked_about.clear()
    standing = Standing(sink.client, SYSTEM)
    for _ in range(2):
        known = await standing.look_up(["c1", "c2"])
        assert [len(each.responses) for each in known.values()] == [1, 1]
        assert [len(each.provenances) for each in known.values()] == list(found)
    assert server.asked_about == [*asked, *(asked if searches else [])]


@pytest.mark.anyio
@pytest.mark.parametrize("along", [0, None])
async def test_an_unchanged_answer_gets_no_second_provenance(
    sink: ServerSink, server: Server, along: int | None
) -> None:
    await sink.write([answer()])
    server.along = along
    await sink.write([answer()])
    assert len(server.of("Provenance")) == 1
