"""Alterations of FHIR input for property tests: places in resources, what is removed there or put in their place."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from table.judge import NOW, Row, store_of
from table.plans import with_plans
from table.rows import TABLE
from table.world import World, changed

from adapter.answers.answer import Answer
from adapter.coverage.finding import Decision
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Reconciliation
from adapter.sync.files import Order, sync_files

Json = dict[str, Any]
Steps = tuple[str | int, ...]

WRITTEN = ("ClaimResponse.ndjson", "OperationOutcome.ndjson", "Provenance.ndjson", "decisions.ndjson")
ROWS: dict[str, Row] = {each.id: each for each in TABLE}


@dataclass(frozen=True)
class Place:
    """An element of a resource of a world; without steps it is the resource itself."""

    number: int
    kind: str
    id: str
    steps: Steps

    def __str__(self) -> str:
        """``Claim/base item.0.net``."""
        return f"{self.kind}/{self.id} {'.'.join(map(str, self.steps))}".rstrip()

    @property
    def path(self) -> str:
        """The place without ids and indexes: ``Claim.item.net``."""
        return ".".join([self.kind, *(each for each in self.steps if isinstance(each, str))])


def places(world: World, *, whole: bool = True) -> list[Place]:
    """Every element of every resource that may be absent or wrong: all but what a resource is and is called."""
    found: list[Place] = []
    for number, each in enumerate(world.resources):
        paths = [steps for steps in _paths(each) if steps not in {(), ("resourceType",), ("id",)}]
        found += [
            Place(number, each["resourceType"], each["id"], steps) for steps in ([()] if whole else []) + list(paths)
        ]
    return found


def _paths(element: Any, steps: Steps = ()) -> Iterator[Steps]:
    yield steps
    if isinstance(element, dict):
        for name, value in element.items():
            yield from _paths(value, (*steps, name))
    elif isinstance(element, list):
        for index, value in enumerate(element):
            yield from _paths(value, (*steps, index))


def element_at(world: World, place: Place) -> Any:
    """The element at a place of a resource with that type and id; nothing where there is none."""
    here: Any = next(
        (each for each in world.resources if (each["resourceType"], each["id"]) == (place.kind, place.id)), None
    )
    for step in place.steps:
        known = isinstance(here, dict) and step in here
        listed = isinstance(here, list) and isinstance(step, int) and step < len(here)
        here = here[step] if known or listed else None
    return here


def removed(world: World, place: Place) -> World:
    """The world without an element (or a whole resource); what becomes empty by it goes with it."""
    if not place.steps:
        del world.resources[place.number]
    else:
        _remove(world.resources[place.number], place.steps)
    return world


def _remove(element: Any, steps: Steps) -> None:
    first, *rest = steps
    if rest:
        _remove(element[first], tuple(rest))
    if not rest or element[first] in ({}, []):
        del element[first]


def replaced(world: World, place: Place, value: Any) -> World:
    """The world with something else in the place of an element."""
    holder: Any = world.resources[place.number]
    for step in place.steps[:-1]:
        holder = holder[step]
    holder[place.steps[-1]] = deepcopy(value)
    return world


def world_of(row: str) -> World:
    return changed(*ROWS[row].changes)


# --- what comes of a world


@dataclass(frozen=True)
class Outcome:
    """The answers to the claims of a world and the claims that got none, with the reason."""

    answers: Mapping[str | None, Answer]
    unanswered: tuple[str, ...]

    def decision(self, claim: str = "base") -> str:
        """The strongest decision of a claim's lines; OO for an OperationOutcome, VOID for a cancelled answer."""
        answer = self.answers.get(claim)
        if answer is None:
            return "NONE"
        if answer.determination is None:
            return "OO" if answer.outcome is not None else "VOID"
        return answer.determination.decision.name


def outcome_of(world: World, adjudicator: Adjudicator | None = None) -> Outcome:
    """Decide every claim of a world that is in scope."""
    adjudicator = adjudicator or with_plans()
    reconciliation = Reconciliation(adjudicator, store_of(world), datetime.fromisoformat(NOW))
    claims = [each for each in reconciliation.store.all("Claim") if adjudicator.in_scope(each)]
    answers = {each.claim: each for each in reconciliation.answer(claims)}
    return Outcome(answers, tuple(f"{each.claim}: {each.problem}" for each in reconciliation.unanswered))


def decision_of(world: World, line: int = 0) -> Decision:
    """The decision of one line of the base claim, which must have been decided."""
    outcome = outcome_of(world)
    determination = outcome.answers["base"].determination
    assert determination is not None, outcome.answers["base"].outcome
    return determination.lines[line].decision


def files_of(resources: list[Any], *, several: bool = False) -> dict[str, Any]:
    """What a run over files writes, each resource a line; the place of a fault apart, which is about the file."""
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name, "in"), Path(name, "out")
        source.mkdir()
        lines = [json.dumps(each) for each in resources]
        for number, part in enumerate([lines[:5], lines[5:]] if several else [lines]):
            (source / f"{number}.ndjson").write_text("\n".join(part), encoding="utf-8")
        report = sync_files(Order(source, out, datetime.fromisoformat(NOW)), with_plans(), lambda *_: None)
        assert not report.unanswered, report.unanswered
        written: dict[str, Any] = {file: (out / file).read_bytes() for file in WRITTEN}
        summary = json.loads((out / "summary.json").read_bytes())
    outcomes = [json.loads(line) for line in written["OperationOutcome.ndjson"].splitlines()]
    for issue in (issue for each in outcomes for issue in each["issue"]):
        issue.pop("diagnostics", None)
    return written | {
        "OperationOutcome.ndjson": outcomes,
        "summary.json": {name: summary[name] for name in summary if name not in ("elapsed_seconds", "read")},
    }
