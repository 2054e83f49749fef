"""What a run is, and how far it has come; plain values, free of the database they are kept in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256

from adapter.evidence.references import Json


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

    @property
    def whole(self) -> bool:
        """Whether everything before ``started`` is answered once it is complete."""
        return self.started is not None and self.asked in (None, "auto")


class Look(StrEnum):
    """What an item of a run looks at."""

    WINDOW = "window"
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """A process left a run to others, because it would decide by something else."""

    process: str
    differs: tuple[str, ...]


def closing_items(plan: Plan, run: str, related: Sequence[str], first: int, most: int) -> list[Item]:
    """What is looked at when all windows are done."""
    named = [tuple(related[begin : begin + most]) for begin in range(0, len(related), most)]
    items = [
        Item(run, number, Look.AGAIN, plan.server, plan.instant, ids=some) for number, some in enumerate(named, first)
    ]
    if plan.started is not None:
        number = first + len(items)
        items.append(Item(run, number, Look.LATER, plan.server, plan.instant, Window(since=plan.started)))
    return items


def window_items(plan: Plan, run: str) -> list[Item]:
    """One item for each window of a run."""
    return [
        Item(run, number, Look.WINDOW, plan.server, plan.instant, window)
        for number, window in enumerate(plan.windows, start=1)
    ]
