"""The crash proof in short: two kills under a small load, on either database; ``crash.run`` does the whole of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.load import copies
from crash.nodes import fleet
from crash.postgres import Postgres, postgres_missing, running_postgres
from crash.proof import Plan, prove
from crash.worlds import small

PLAN = Plan(claims=12, kills=2, stops=1, stop_seconds=0.5, patience=60)


@pytest.fixture
def postgresql() -> Iterator[Postgres]:
    missing = postgres_missing()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)  # a build that silently tests less is worse than a red one
    if missing:
        pytest.skip(missing)
    with running_postgres() as postgres:
        yield postgres


def test_on_sqlite_nothing_is_lost_and_nothing_is_there_twice(tmp_path: Path) -> None:
    survive(None, 1, tmp_path)


def test_on_postgresql_two_nodes_lose_nothing_and_do_nothing_twice(postgresql: Postgres, tmp_path: Path) -> None:
    survive(postgresql, 2, tmp_path)


def survive(database: Postgres | None, count: int, folder: Path) -> None:
    with small() as world, fleet(world.url, folder, count, database) as nodes:
        figures = prove(world, nodes, PLAN, print)
        answers = {f"ClaimResponse/{each['id']}" for several in world.answers().values() for each in several}
        assert figures.faults == []
        assert (figures.kills, figures.stops, figures.starts) == (2, 1, count + 2)
        assert figures.notifications > figures.writes / 2
        assert answers.isdisjoint(world.server.repeated), "an answer was written again although it says the same"
        assert _provenances(world.server.of("Provenance")) == {each: world.server.writes[each] for each in answers}


def _provenances(found: list[dict[str, object]]) -> dict[str, int]:
    """How many there are of each ClaimResponse: one for each of its versions."""
    targets = (str(each["target"][0]["reference"]) for each in found)  # type: ignore[index]
    return dict(Counter(target.partition("/_history")[0] for target in targets))


def test_the_load_is_the_same_for_the_same_seed_and_ends_as_the_stories_do() -> None:
    once, again, other = (copies(20, seed) for seed in (3, 3, 4))
    assert once == again != other
    assert [each.final for each in once] != []
    by_name = [sorted(each.final, key=lambda one: (one["resourceType"], one["id"])) for each in (once[7], other[7])]
    assert by_name[0] == by_name[1]


def test_the_load_has_evidence_before_and_after_its_claim_and_updates_of_both() -> None:
    orders = [[step["resourceType"] for step in copy.steps] for copy in copies(50, 1)]
    assert any(order[0] == "Claim" for order in orders)
    assert any(order[-1] == "Claim" for order in orders)
    assert any(order.count("Claim") == 2 for order in orders)
    versions = Counter((step["resourceType"], step["id"]) for copy in copies(50, 1) for step in copy.steps)
    assert {kind for (kind, _), count in versions.items() if count == 3} >= {"Claim", "Encounter"}
