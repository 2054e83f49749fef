"""What is written to the FHIR server: the stories, renamed for each copy, with earlier versions of what they end as.

A copy is one claim with all that speaks about it. Its parts come in any order, some after the claim and some before,
and some are first written wrong and put right later, so that the decision changes on the way.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

STORIES = Path(__file__).parents[2] / "fixtures" / "stories"
OTHER_FORM = {"urn-uuid-references"}
"""Its references lead into its own Bundle, so that its resources cannot be put one by one."""
EARLY = frozenset({"Organization", "Location", "Practitioner", "Patient"})
"""HAPI indexes a reference only when its target is there already; a claim of an unknown patient is found by nobody."""
CHANGING = 0.4
"""Share of the resources that can change which have another version first."""
RETURNING = 0.3
"""Share of those which are first right, then wrong, then right again."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One claim with its evidence: what must be there first, then every version in the order of its writing."""

    claim: str
    early: tuple[Json, ...]
    steps: tuple[Json, ...]

    @property
    def final(self) -> list[Json]:
        """The resources as they are at the end."""
        return list({_name(each): each for each in (*self.early, *self.steps)}.values())


def copies(count: int, seed: int, first: int = 0) -> list[Copy]:
    """As many claims as asked for, of every story in turn, numbered from ``first``; the same for the same seed."""
    rng = random.Random(seed)
    stories = sorted(path.parent.name for path in STORIES.glob("*/0_bundle.json") if path.parent.name not in OTHER_FORM)
    return [_copy(stories[number % len(stories)], number, rng) for number in range(first, first + count)]


def mixed(some: Sequence[Copy], rng: random.Random) -> Iterator[Json]:
    """The steps of all copies in a random order that keeps that of each copy."""
    by_copy = {id(copy): iter(copy.steps) for copy in some}
    turns = [by_copy[id(copy)] for copy in some for _ in copy.steps]
    rng.shuffle(turns)
    return (next(turn) for turn in turns)


def kinds(some: Sequence[Copy]) -> list[str]:
    """The types of what arrives late, each of which must be subscribed to."""
    return sorted({each["resourceType"] for copy in some for each in copy.steps})


def _copy(story: str, number: int, rng: random.Random) -> Copy:
    text = (STORIES / story / "0_bundle.json").read_text(encoding="utf-8")
    entries = json.loads(text.replace(story, f"{story}-{number}"))["entry"]
    resources = [{name: value for name, value in entry["resource"].items() if name != "meta"} for entry in entries]
    early = [each for each in resources if each["resourceType"] in EARLY]
    histories = [list(_history(each, rng)) for each in resources if each["resourceType"] not in EARLY]
    return Copy(f"{story}-{number}", tuple(early), tuple(_interleaved(histories, rng)))


def _interleaved(histories: list[list[Json]], rng: random.Random) -> Iterator[Json]:
    """All versions in a random order which keeps that of each resource."""
    turns = [history for history in histories for _ in history]
    rng.shuffle(turns)
    for history in turns:
        yield history.pop(0)


def _history(resource: Json, rng: random.Random) -> Iterator[Json]:
    spoilers = SPOILERS.get(resource["resourceType"], ())
    if spoilers and rng.random() < CHANGING:
        if rng.random() < RETURNING:
            yield resource
        yield rng.choice(spoilers)(deepcopy(resource))
    yield resource


def _with(**elements: Any) -> Callable[[Json], Json]:
    return lambda resource: resource | elements


def _without_end(element: str) -> Callable[[Json], Json]:
    def spoil(resource: Json) -> Json:
        period = {name: value for name, value in resource.get(element, {}).items() if name != "end"}
        return resource | {element: period}

    return spoil


def _two_units(claim: Json) -> Json:
    claim["item"][0] |= {"quantity": {"value": 2}}
    return claim


SPOILERS: dict[str, tuple[Callable[[Json], Json], ...]] = {
    "Claim": (_with(status="draft"), _two_units),
    "Coverage": (_with(status="cancelled"), _with(period={"start": "2017-01-01", "end": "2020-12-31"})),
    "DocumentReference": (_with(status="entered-in-error"),),
    "Encounter": (_with(status="cancelled"), _without_end("period")),
    "Procedure": (_with(status="not-done"), _without_end("performedPeriod")),
}
"""How a resource is wrong before it is right: each of these can change a decision."""


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
