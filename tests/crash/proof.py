"""Load and harm at once, then rest, then the verdict."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain, count
from typing import Any

from crash.load import Copy, copies, kinds, mixed
from crash.nodes import Fleet, Node
from crash.verdict import due, lost, wrong
from crash.worlds import World

Json = dict[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to the service while it works."""

    claims: int
    kills: int
    stops: int = 0
    """How often the FHIR server is stopped for a while."""
    database_stops: int = 0
    """How often PostgreSQL is."""
    stop_seconds: float = 5.0
    lost: int = 0
    """How many nodes die for good, the last of all harm."""
    outage: float = 0.0
    """Seconds that all nodes stay dead once, while others go on writing."""
    payload: str = "full-resource"
    writers: int = 3
    seed: int = 1
    patience: float = 300.0
    """Seconds for everything to come to rest after the last write."""


@dataclass
class Figures:
    """What happened."""

    claims: int = 0
    writes: int = 0
    kills: int = 0
    starts: int = 0
    stops: int = 0
    database_stops: int = 0
    outages: int = 0
    lost: int = 0
    notifications: int = 0
    """Received, as the nodes themselves counted; a lower bound, for a kill takes the count since the last look."""
    load_seconds: float = 0.0
    rest_seconds: float = 0.0
    """From the last write and the last restart until nothing was left to do."""
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        return asdict(self)


class Pace:
    """How many writes are done; writers do not run far ahead of the harm that is due."""

    def __init__(self, total: int, harm: Sequence[int]) -> None:
        self._changed = threading.Condition()
        self._due = list(harm)
        self._slack = max(20, total // 20)
        self.done = 0
        self.failed = False

    def step(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.failed or not self._due or self.done < self._due[0] + self._slack)
            if self.failed:
                raise RuntimeError("given up, for another part of this failed")
            self.done += 1
            self._changed.notify_all()

    def wait_for_next(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.failed or self.done >= self._due[0])
            if self.failed:
                raise RuntimeError("given up, for another part of this failed")

    def harmed(self) -> None:
        with self._changed:
            self._due.pop(0)
            self._changed.notify_all()

    def fail(self) -> None:
        with self._changed:
            self.failed = True
            self._changed.notify_all()


def prove(world: World, fleet: Fleet, plan: Plan, tell: Tell) -> Figures:
    """Run it; ``faults`` of the result is empty when every claim ended in its one right answer."""
    figures, work = Figures(plan.claims), copies(plan.claims, plan.seed)
    tell(f"{len(work)} claims of {len(kinds(work))} types of evidence")
    world.load(list(chain.from_iterable(each.early for each in work)))
    for node in fleet.nodes:
        node.start()
    fleet.wait_until_ready()
    world.subscribe(fleet, kinds(work), plan.payload)
    tell("subscribed; the load begins")
    begun = time.monotonic()
    _load_and_harm(world, fleet, plan, work, figures, tell)
    figures.load_seconds = round(time.monotonic() - begun, 1)
    tell(f"{figures.writes} writes, {_harmed(figures)}; waiting for rest")
    begun = time.monotonic()
    figures.faults = _rested(fleet, world, plan, begun, tell)
    figures.rest_seconds = round(time.monotonic() - begun, 1)
    figures.faults += list(lost(work, world.of))
    figures.faults += list(wrong(world.answers(), due(work, fleet.folder)))
    figures.starts = sum(node.starts for node in fleet.nodes)
    figures.notifications = sum(node.received for node in fleet.nodes)
    return figures


def _load_and_harm(world: World, fleet: Fleet, plan: Plan, work: Sequence[Copy], figures: Figures, tell: Tell) -> None:
    rng = random.Random(plan.seed)
    total = sum(len(each.steps) for each in work)
    harm = _harm(plan, total, rng)
    pace = Pace(total, [at for at, _ in harm])
    shares = [list(mixed(work[number :: plan.writers], rng)) for number in range(plan.writers)]
    with ThreadPoolExecutor(plan.writers + 1) as pool:
        parts = [pool.submit(_guarded, pace, partial(_write, world, share, pace)) for share in shares]
        watching = pool.submit(_watch, fleet, parts, lambda: tell(f"{pace.done} of {total} writes, {_harmed(figures)}"))
        # Here, for the kernel ends a child with the very thread that started it.
        _guarded(pace, partial(_do_harm, world, fleet, plan, harm, pace, figures, rng))
        for part in (*parts, watching):
            part.result()
    figures.writes = pace.done


def _watch(fleet: Fleet, parts: Sequence[Future[None]], tell: Callable[[], None]) -> None:
    """Have the nodes counted and the progress told until all is written."""
    for turn in count():
        if all(part.done() for part in parts):
            return
        for node in fleet.alive:
            node.is_ready(fleet.http)
        if turn % 10 == 0:
            tell()
        time.sleep(0.5)


def _harmed(figures: Figures) -> str:
    stops = f"{figures.stops} stops of the server, {figures.database_stops} of the database"
    return f"{figures.kills} kills, {stops}, {figures.outages} outages, {figures.lost} nodes lost"


def _guarded(pace: Pace, part: Callable[[], None]) -> None:
    try:
        part()
    except BaseException:
        pace.fail()
        raise


def _harm(plan: Plan, total: int, rng: random.Random) -> list[tuple[int, str]]:
    """What is done to whom, and after how many writes."""
    what = ["kill"] * plan.kills + ["stop"] * plan.stops + ["database"] * plan.database_stops
    what += ["outage"] if plan.outage else []
    rng.shuffle(what)
    what += ["lose"] * plan.lost
    return list(zip(sorted(rng.randrange(total) for _ in what), what, strict=True))


def _write(world: World, share: Sequence[Json], pace: Pace) -> None:
    for resource in share:
        pace.step()
        world.put(resource)


def _do_harm(
    world: World,
    fleet: Fleet,
    plan: Plan,
    harm: Sequence[tuple[int, str]],
    pace: Pace,
    figures: Figures,
    rng: random.Random,
) -> None:
    for _, what in harm:
        pace.wait_for_next()
        time.sleep(rng.uniform(0, 1))
        if what == "kill":
            _kill([rng.choice(fleet.alive)], rng.uniform(0, 2))
            figures.kills += 1
        elif what == "stop":
            world.restart(plan.stop_seconds)
            figures.stops += 1
        elif what == "database" and fleet.postgres is not None:
            fleet.postgres.restart(plan.stop_seconds)
            figures.database_stops += 1
        elif what == "lose":
            rng.choice(fleet.alive).lose()
            figures.lost += 1
        else:
            _kill(fleet.alive, plan.outage)
            figures.outages += 1
        pace.harmed()


def _kill(nodes: Sequence[Node], seconds: float) -> None:
    for node in nodes:
        node.kill()
    time.sleep(seconds)
    for node in nodes:
        node.start()


def _rested(fleet: Fleet, world: World, plan: Plan, begun: float, tell: Tell) -> list[str]:
    """Wait until nothing is left to do; returns what still is when patience ends."""
    while True:
        left = list(_left(fleet, world))
        if not left or time.monotonic() > begun + plan.patience:
            return left
        tell(f"not at rest: {left[0]}")
        time.sleep(2)


def _left(fleet: Fleet, world: World) -> Iterator[str]:
    fleet.wait_until_ready()
    if waiting := fleet.waiting():
        yield f"{waiting} rows of the inbox are not worked off"
        return  # sync would only compete with them
    if given_up := fleet.failures():
        yield f"{len(given_up)} failures, such as {given_up[0]['changed']}: {given_up[0]['reason']}"
    report = fleet.run("sync", world.url, "--dry-run", "--format", "json")
    if report.exit_code != 0:
        yield f"sync --dry-run ended with {report.exit_code}: {report.exception or report.stderr.strip()}"
        return
    changes = json.loads(report.stdout)["changes"]
    todo = [f"{each['claim']}: {each['action']}" for each in changes if each["action"] != "unchanged"]
    if todo:
        yield f"sync --dry-run finds {len(todo)} things to do, such as {todo[0]}"
