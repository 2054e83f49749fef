"""Runs rows of the table through the adapter: a Bundle in, the answers of its claims out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

from table.expected import Actual, Expected, differences
from table.plans import with_plans
from table.world import BASE, Change, World, changed

from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Reconciliation

NOW = "2026-01-31T12:00:00-05:00"


@dataclass(frozen=True)
class Row:
    """A row of the table: the number it has there, what is changed, and the expected answer of each claim."""

    number: str
    case: str
    changes: tuple[Change, ...]
    expected: Mapping[str, Expected]
    zone: str | None = None
    differs: str = ""
    """Why the adapter departs from the contract today."""

    @property
    def id(self) -> str:
        return f"row {self.number}: {self.case}" if self.number[:1].isdigit() else f"{self.number}: {self.case}"


@dataclass(frozen=True)
class Answers:
    """What came of one case: the answer of each claim, and the claims that got none though they are in scope."""

    found: Mapping[str, Actual] = field(default_factory=dict)
    unanswered: tuple[str, ...] = ()


def store_of(world: World) -> EvidenceStore:
    store = EvidenceStore()
    for number, each in enumerate(world.resources):
        store.add(Located(each, world.url(each), bundle=0, entry=f"Bundle.entry[{number}].resource"))
    return store


def decide(world: World, adjudicator: Adjudicator | None = None, now: str = NOW) -> Answers:
    """The answers to every claim in scope of a case."""
    adjudicator, store = adjudicator or with_plans(), store_of(world)
    reconciliation = Reconciliation(adjudicator, store, datetime.fromisoformat(now))
    claims = [each for each in store.all("Claim") if adjudicator.in_scope(each)]
    answers = reconciliation.answer(claims)
    found = {str(each.claim): Actual(each.response, each.outcome) for each in answers}
    unanswered = [f"Claim/{each.claim}: {each.problem}" for each in reconciliation.unanswered]
    return Answers(found, tuple(unanswered))


@cache
def plain_notes() -> int:
    """How many notes the base case has: those that stand on every claim of Cigna's."""
    return len(decide(changed()).found[BASE].notes)


def judged(row: Row) -> tuple[dict[str, Actual], list[str]]:
    """The answers to the claims of a row, and every difference from what is expected."""
    adjudicator = replace(with_plans(), site_timezone=row.zone)
    answers = decide(changed(*row.changes), adjudicator)
    actual = {name: answers.found.get(name, Actual(None, None)) for name in row.expected}
    return actual, [*answers.unanswered, *_differences(row, actual)]


def _differences(row: Row, actual: Mapping[str, Actual]) -> Iterator[str]:
    for name, expected in row.expected.items():
        named = "" if name == BASE else f"{name}: "
        yield from (f"{named}{each}" for each in differences(expected, actual[name], plain_notes()))


def shown(row: Row, actual: Mapping[str, Actual]) -> tuple[str, str]:
    """Expected and actual in a few words, the base claim first."""
    names = sorted(row.expected, key=lambda each: each != BASE)
    labels = {name: "" if name == BASE else f"{name}: " for name in names}
    expected = " / ".join(f"{labels[name]}{row.expected[name]}" for name in names)
    return expected, " / ".join(f"{labels[name]}{actual[name]}" for name in names)
