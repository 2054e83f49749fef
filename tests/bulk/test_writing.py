"""Which answers of an export are written, and which claims are read and decided anew in their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from bulk.export_server import BASE
from bulk.test_judging import response, trail, written

from adapter.answers.answer import Action, Answer, Written
from adapter.reconcile.reconciliation import Unanswered
from adapter.sinks.on_server import OnServer
from adapter.sinks.server import ServerSink
from adapter.sinks.step import CONFLICT
from adapter.sources.dependents import NoTimes
from adapter.sources.refusals import Unserved
from adapter.sync.bulk import writing
from adapter.sync.bulk.changes import never
from adapter.sync.bulk.writing import WriteBack
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Report, Tally
from adapter.sync.witness import NOBODY

Json = dict[str, Any]
EXPORTED = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, OVERLAPPING, AFTER = (f"2026-03-01T{clock}Z" for clock in ("11:59:29.999", "11:59:30", "12:00:01"))


class Sink:
    """A server with some answers on it; what is written is refused for the claims named."""

    client = SimpleNamespace(base=BASE)

    def __init__(self, known: dict[str, Json], refused: dict[str, str]) -> None:
        self.known, self.refused = known, refused
        self.written: list[str | None] = []

    async def look_up(self, claims: Iterable[str]) -> dict[str, OnServer]:
        return {f"Claim/{id}": OnServer([self.known[id]] if id in self.known else []) for id in claims}

    async def write(self, answers: Sequence[Answer], known: Mapping[str, OnServer], *, dry_run: bool) -> list[Written]:
        assert set(known) >= {f"Claim/{each.claim}" for each in answers}
        assert not dry_run
        self.written += [each.claim for each in answers]
        problems = [self.refused.get(str(each.claim), "") for each in answers]
        return [
            Written(each.claim, Action.FAILED if problem else Action.CREATED, problem)
            for each, problem in zip(answers, problems, strict=True)
        ]


class Changed:
    """What a server tells of its changes; stands in for ``Dependents``."""

    moved: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    times = True

    def __init__(self, _source: object) -> None: ...

    def matters(self, _name: str) -> bool:
        return True

    async def changed_since(self, since: str) -> list[Json]:
        assert since == "2026-03-01T11:59:30+00:00"
        if not self.times:
            raise NoTimes("no")
        return []

    async def deleted_since(self, _since: str) -> list[str]:
        return list(self.gone)

    async def claims_of(self, _changed: object, _gone: object) -> list[Any]:
        return [SimpleNamespace(id=id) for id in self.moved]


class World:
    """One run over claims a and b, of which a test says what happened meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: Path) -> None:
        self.monkeypatch, self.answers = monkeypatch, answers
        self.report = Report(tally=Tally(claims=2, responses=Counter(complete=2)))
        self.anew: list[str] = []
        self.chunk = 1
        self.make: type[Sink] | None = None
        self.client: Any = None
        """The server, where it is to be asked whether it is there."""

    async def run(
        self,
        known: dict[str, Json] | None = None,
        refused: dict[str, str] | None = None,
        stop: Callable[[], bool] = never,
        **changed: Any,
    ) -> Sink:
        async def noted(_reconciler: object, ids: Sequence[str], *_: object) -> None:
            self.anew += ids

        self.monkeypatch.setattr(writing, "Dependents", type("Told", (Changed,), changed))
        self.monkeypatch.setattr(writing, "reconcile_ids", noted)
        sink = (self.make or Sink)(known or {}, refused or {})
        source = SimpleNamespace(chunk_size=self.chunk, client=self.client)
        reconciler = cast(Reconciler, SimpleNamespace(source=source, dry_run=False, witness=NOBODY))
        back = WriteBack(
            reconciler, cast(ServerSink, sink), EXPORTED, self.report, lambda _what, _count, _total=None: None
        )
        back.stop = stop
        await back.write(self.answers)
        return sink


class Broken(Sink):
    """Fails, however often, at whatever holds claim b: at looking up what there is, or at writing."""

    at = "write"

    def _break(self, at: str, claims: Iterable[str | None]) -> None:
        if self.at == at and "b" in set(claims):
            raise Unserved("it answered 504 to a batch")

    async def look_up(self, claims: Iterable[str]) -> dict[str, OnServer]:
        named = list(claims)
        self._break("look_up", named)
        return await super().look_up(named)

    async def write(self, answers: Sequence[Answer], known: Mapping[str, OnServer], *, dry_run: bool) -> list[Written]:
        self._break("write", [each.claim for each in answers])
        return await super().write(answers, known, dry_run=dry_run)


class There:
    """A server that serves the least there is to ask, or nothing."""

    def __init__(self, there: bool = True) -> None:
        self.there = there

    async def search(self, _kind: str, _query: Mapping[str, str]) -> AsyncIterator[list[Json]]:
        if not self.there:
            raise Unserved("gone")
        yield []


@pytest.mark.anyio
@pytest.mark.parametrize("at", ["look_up", "write"])
@pytest.mark.parametrize("chunk", [1, 2])
async def test_a_batch_that_always_fails_costs_its_own_claim_and_no_other(world: World, at: str, chunk: int) -> None:
    world.client, world.chunk = There(), chunk
    world.make = type("BrokenAt", (Broken,), {"at": at})
    sink = await world.run()
    assert (sink.written, world.anew) == (["a"], [])
    assert world.report.unanswered == [Unanswered("b", "it answered 504 to a batch")]
    assert world.report.summary()["claims"] == {"in_scope": 2, "out_of_scope": 0, "unanswered": 1}
    assert not world.report.complete, "the checkpoint stays, so that it is due again the next time"


@pytest.mark.anyio
async def test_a_server_that_is_gone_ends_the_write_back(world: World) -> None:
    world.client, world.make = There(there=False), Broken
    with pytest.raises(Unserved, match="gone"):
        await world.run()


@pytest.mark.anyio
async def test_whoever_asks_it_to_end_has_the_batch_in_hand_written_and_no_more(world: World) -> None:
    sink = await world.run(stop=iter([False, True, True]).__next__)
    assert sink.written == ["a"]
    assert (world.report.ended_early, world.report.complete) == (True, False)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    written(tmp_path, [response("a"), response("b")], [trail("a"), trail("b")], [])
    return World(monkeypatch, tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("happened", "wrote", "anew"),
    [
        pytest.param({}, ["a", "b"], [], id="nothing"),
        pytest.param({"moved": ("a", "z")}, ["b"], ["a"], id="a claim moved"),
        pytest.param({"gone": ("Claim/a",)}, ["b"], ["a"], id="a claim was deleted"),
        pytest.param({"gone": ("Encounter/a",)}, ["a", "b"], [], id="something else was deleted"),
        pytest.param({"times": False}, [], ["a", "b"], id="the server cannot tell"),
    ],
)
async def test_what_moved_since_the_export_is_decided_anew(
    world: World, happened: dict[str, Any], wrote: list[str], anew: list[str]
) -> None:
    sink = await world.run(**happened)
    assert (sink.written, world.anew) == (wrote, anew)
    counted = world.report.tally
    assert (counted.claims, counted.responses["complete"]) == (len(wrote), len(wrote))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("updated", "says", "kept"),
    [
        pytest.param(BEFORE, "another thing", False, id="an older answer is updated"),
        pytest.param(OVERLAPPING, "another thing", True, id="one as the export began stands"),
        pytest.param(AFTER, "another thing", True, id="a newer one stands"),
        pytest.param(None, "another thing", True, id="one of unknown age stands"),
        pytest.param(AFTER, None, False, id="a newer one that says the same is no matter"),
    ],
)
async def test_a_newer_answer_is_not_written_over(
    world: World, updated: str | None, says: str | None, *, kept: bool
) -> None:
    current = response("a") | ({"disposition": says} if says else {}) | ({"meta": {"lastUpdated": updated}})
    sink = await world.run(known={"a": current})
    assert (sink.written, world.anew) == ((["b"], ["a"]) if kept else (["a", "b"], []))


@pytest.mark.anyio
async def test_an_answer_that_somebody_changed_while_we_wrote_is_decided_anew(world: World) -> None:
    await world.run(refused={"a": CONFLICT})
    assert world.anew == ["a"]
    assert world.report.unanswered == []
    assert world.report.written == {Action.CREATED: 1}
    assert world.report.tally.claims == 1


@pytest.mark.anyio
async def test_an_answer_that_was_refused_leaves_its_claim_unanswered(world: World) -> None:
    await world.run(refused={"a": "422"})
    assert world.report.unanswered == [Unanswered("a", "the answer could not be written: 422")]
    assert world.report.tally.claims == 1


@pytest.mark.anyio
async def test_what_names_a_place_in_a_file_of_ours_is_decided_anew(world: World) -> None:
    noted = response("a") | {"processNote": [{"text": "Warning (structure): x. Place: Claim.0000.ndjson, line 1."}]}
    outcomes = [{"resourceType": "OperationOutcome", "id": "c"}]
    written(world.answers, [noted, response("b")], [], outcomes)
    sink = await world.run()
    assert (sink.written, world.anew) == (["b"], ["a", "c"])
