"""What never came is asked for: after the grace period, from the server's own list of events, else by a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapter.errors import UsageError
from adapter.notifications.model import Heard, Kind
from adapter.notifications.sequence import RETRIED, EventLog, Gap
from adapter.receiver.event_logs import EventLogs, Key, totals
from adapter.receiver.lookout import Lookout, Timing

KEY = Key("claims", "s1")
GRACE, SWEEP = 10.0, 1000.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class World:
    """Event logs in a file, a server that can be asked, a clock that is set, and what was put into the inbox."""

    def __init__(self, logs: EventLogs) -> None:
        self.logs = logs
        self.now = 10_000.0
        self.put: list[list[str]] = []
        self.asked: list[tuple[int, int]] = []
        self.answer: Sequence[str] | None = None
        self.since_start: int | None = None
        self.lookout = Lookout(logs, self, self.put.append, Timing(SWEEP, GRACE), lambda: self.now)

    async def events(self, _subscription: str, gap: Gap) -> Sequence[str] | None:
        self.asked.append((gap.first, gap.last))
        return self.answer

    async def status(self, key: Key, at: float) -> Heard:
        return Heard(key.name, at, key.subscription, Kind.STATUS, since_start=self.since_start)

    def hear(self, *numbers: int, kind: Kind = Kind.EVENT, period: int | None = None) -> None:
        self.logs.note([Heard(KEY.name, self.now, KEY.subscription, kind, numbers, None, period)])

    async def after(self, seconds: float) -> list[list[str]]:
        """What one look puts after that time."""
        self.now += seconds
        self.put.clear()
        await self.lookout.look()
        return list(self.put)

    @property
    def log(self) -> EventLog:
        return self.logs.all()[KEY]


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[EventLogs]:
    with EventLogs(f"sqlite:///{tmp_path / 'events.sqlite'}") as logs:
        yield logs


@pytest.fixture
async def world(anyio_backend: str, logs: EventLogs) -> World:
    """After the sweep of the start."""
    world = World(logs)
    assert await world.after(0) == [["*"]]
    return world


@pytest.mark.anyio
async def test_a_sweep_at_the_start_and_then_on_a_schedule(world: World) -> None:
    assert await world.after(0.8 * SWEEP) == []
    assert await world.after(0.4 * SWEEP) == [["*"]]
    assert await world.after(1) == []


@pytest.mark.anyio
async def test_a_gap_waits_for_stragglers_and_is_then_asked_for_once(world: World) -> None:
    world.answer = ["Claim/2", "Encounter/3"]
    world.hear(1)
    world.hear(4)
    assert await world.after(GRACE - 0.1) == []
    assert await world.after(0.1) == [["Claim/2", "Encounter/3"]]
    assert world.asked == [(2, 3)]
    assert await world.after(GRACE) == []
    assert totals(world.logs.all()) == {
        "received": 2,
        "duplicates": 0,
        "gaps": 2,
        "recovered": 2,
        "restarts": 0,
        "open": 0,
    }


@pytest.mark.anyio
async def test_a_straggler_within_the_grace_period_leaves_nothing_to_ask(world: World) -> None:
    world.hear(1)
    world.hear(3)
    world.hear(2)
    assert await world.after(2 * GRACE) == []
    assert world.asked == []
    assert world.log.missed == 0


@pytest.mark.anyio
async def test_a_server_without_events_is_swept(world: World) -> None:
    world.answer = None
    world.hear(1)
    world.hear(3)
    assert await world.after(GRACE) == [["*"]]
    assert (world.log.missed, world.log.recovered) == (1, 1)


@pytest.mark.anyio
async def test_a_restart_of_the_counter_is_swept_once(world: World) -> None:
    world.hear(1, 2, 3)
    assert await world.after(RETRIED + 1) == []
    world.hear(4)
    world.hear(1)
    assert await world.after(0) == [["*"]]
    assert await world.after(0) == []
    assert world.log.restarts == 1


@pytest.mark.anyio
async def test_heartbeats_that_stop_are_asked_after_and_swept(world: World) -> None:
    world.hear(1, period=60)
    assert await world.after(120) == []
    world.since_start = 3
    assert await world.after(1) == [["*"]], "what the server counted meanwhile waits for its grace period"
    assert [(each.first, each.last) for each in world.log.gaps] == [(2, 3)]
    assert world.log.heard == world.now
    world.answer = ["Claim/2"]
    assert await world.after(GRACE) == [["Claim/2"]]


def test_logs_of_two_subscriptions_are_kept_apart_and_changed_as_one_step(logs: EventLogs) -> None:
    logs.note([Heard("a", 1.0, "s1", numbers=(1,)), Heard("b", 2.0, "s1", numbers=(9,)), Heard("a", 3.0, "s1")])
    logs.note([Heard("a", 4.0, "s1", numbers=(2,))])
    found = logs.all()
    assert {key: (each.received, each.highest) for key, each in found.items()} == {
        Key("a", "s1"): (3, 2),
        Key("b", "s1"): (1, 9),
    }
    with pytest.raises(ZeroDivisionError):
        logs.change(Key("a", "s1"), lambda _log: 1 / 0)  # type: ignore[arg-type,return-value] # it raises
    assert logs.all() == found


def test_two_nodes_count_as_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'events.sqlite'}"
    with EventLogs(url) as one, EventLogs(url) as other:
        for number in range(1, 21):
            (one, other)[number % 2].note([Heard("claims", 1.0, "s1", numbers=(number,))])
        (log,) = other.all().values()
    assert (log.received, log.highest, log.gaps) == (20, 20, ())


def test_a_database_belongs_to_one_server(logs: EventLogs) -> None:
    for _ in range(2):
        logs.belong_to("https://fhir.test/r4")
    with pytest.raises(UsageError, match="ADAPTER_DATABASE_URL"):
        logs.belong_to("https://fhir.test/r5")
    logs.belong_to("https://fhir.test/r4")


@pytest.mark.anyio
async def test_it_goes_on_after_any_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    async def look() -> None:
        looks.append(1)
        if len(looks) < 3:
            raise RuntimeError("a fault of ours")
        raise _Enough

    async def no_pause(_seconds: float) -> None:
        return None

    monkeypatch.setattr(world.lookout, "look", look)
    monkeypatch.setattr("adapter.receiver.lookout.asyncio.sleep", no_pause)
    with pytest.raises(_Enough):
        await world.lookout.run()
    assert len(looks) == 3


class _Enough(BaseException):
    """Ends what never ends by itself."""
