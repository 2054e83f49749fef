"""What a run is, and how far it has come; plain values, free of the database they are kept in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from adapter.evidence.references import Json

MOST_IDS = 1_000
"""Claims that one item looks at by their ids."""

UNFINISHED = "unfinished"
"""In the totals of a run that left something beside an answer to the next one."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What decides beside the evidence, each part as a digest: processes of another basis must not share a run."""

    program: str
    mappings: str
    settings: str

    @property
    def digest(self) -> str:
        return sha256(" ".join((self.program, self.mappings, self.settings)).encode()).hexdigest()[:12]

    def differences(self, other: Basis) -> tuple[str, ...]:
        """The parts in which they differ."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != getattr(other, each.name))


@dataclass(frozen=True, slots=True)
class Window:
    """Claims changed at or after ``since`` and before ``until``, FHIR instants; None: without that bound."""

    since: str | None = None
    until: str | None = None
    claims: int | None = None
    """How many there were when the run was cut."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a server is answered: all that changed before the instant; ``marks`` are those of ``Checkpoint``."""

    instant: str
    marks: Mapping[str, str] = field(default_factory=dict)


def latest(one: Reached | None, other: Reached | None) -> Reached | None:
    """Whichever came further."""
    known = [each for each in (one, other) if each is not None]
    return max(known, key=lambda each: datetime.fromisoformat(each.instant), default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """A run as it was begun."""

    server: str
    asked: str | None
    """``--since`` as it was given: ``auto``, an instant, or nothing. It and the server are the range of a run."""
    since: str | None
    started: str | None
    """The server's clock when the run was cut; None when the server does not tell."""
    instant: str
    """When all its claims are decided, whoever decides them."""
    basis: Basis
    windows: tuple[Window, ...]
    query: str = ""
    """The name of the checkpoint that a run of everything, or of all that changed, moves when it is complete."""
    reaches: Reached | None = None
    """How far it moves that; None for a run that moves nothing."""
    kinds: tuple[str, ...] = ()
    """Types in which something may have changed since the last run, of claims that have not."""


class Look(StrEnum):
    """What an item of a run looks at."""

    WINDOW = "window"
    FIND = "find"
    """Evidence that changed or was deleted, for the names of the claims that this concerns."""
    CONCERNED = "concerned"
    """Those claims."""
    AGAIN = "again"
    """Claims that refer to others, once all are decided: a claim may replace one of another window."""
    LATER = "later"
    """Claims that changed while the run went on, and so may have left a window before it was read."""


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of a run: what one process does at a time."""

    run: str
    number: int
    look: Look
    server: str
    instant: str
    window: Window = Window()
    ids: tuple[str, ...] = ()
    kind: str = ""
    """What a ``FIND`` looks at; of Claim only those that were deleted."""

    @property
    def id(self) -> str:
        return f"{self.run}/{self.number:05}"


class State(StrEnum):
    """How far a run or an item has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    INCOMPLETE = "incomplete"
    """It ended, and some claims got no answer."""
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in (State.DONE, State.INCOMPLETE, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class ItemState:
    """An item, and what became of it."""

    item: Item
    state: State
    process: str | None
    """Who works on it, or did."""
    attempts: int
    seconds: float | None
    tally: Json | None
    failed: str | None
    """Why it was given up; the claims of its window are not all answered then."""


@dataclass(frozen=True, slots=True)
class RunState:
    """A run, and how far it has come. ``begun`` and ``ended`` are seconds since 1970."""

    id: str
    plan: Plan
    state: State
    begun: float
    ended: float | None
    totals: Json | None
    """What it did, once it is over."""

    @property
    def complete(self) -> bool:
        return self.state is State.DONE

    @property
    def finished(self) -> bool:
        """As ``complete``, and nothing is missing beside an answer: the next run may go on behind this one."""
        return self.complete and UNFINISHED not in (self.totals or {})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A process left a run to others, because it would decide by something else."""

    process: str
    differs: tuple[str, ...]


def first_items(plan: Plan, run: str) -> list[Item]:
    """One item for each window of a run, and one for each type of evidence that may have changed."""
    windows = [
        Item(run, number, Look.WINDOW, plan.server, plan.instant, window)
        for number, window in enumerate(plan.windows, start=1)
    ]
    # Where there are windows, a claim that changed itself is in one of them or is looked at later.
    window = Window(plan.since, plan.started if plan.windows else None)
    finds = [
        Item(run, number, Look.FIND, plan.server, plan.instant, window, kind=kind)
        for number, kind in enumerate(plan.kinds, start=len(windows) + 1)
    ]
    return windows + finds


def named_items(plan: Plan, run: str, look: Look, claims: Iterable[str], first: int) -> list[Item]:
    """Items for claims by their ids, numbered from ``first``."""
    each_once = sorted(set(claims))
    some = [tuple(each_once[begin : begin + MOST_IDS]) for begin in range(0, len(each_once), MOST_IDS)]
    return [Item(run, number, look, plan.server, plan.instant, ids=ids) for number, ids in enumerate(some, first)]


def last_items(plan: Plan, run: str, first: int) -> list[Item]:
    """What changed since the run was cut, where that can be told."""
    if plan.started is None:
        return []
    return [Item(run, first, Look.LATER, plan.server, plan.instant, Window(since=plan.started))]
