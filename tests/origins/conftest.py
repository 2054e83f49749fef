"""Two servers of this machine: ours, and another one that nobody asked us to call. Both note who sent them what."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from auth.loopback import serving
from command_line import command
from origins.pair import Leading, Pair

__all__ = ["command"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ADAPTER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def both() -> Iterator[Pair]:
    ours, theirs = Leading(), Leading()
    with serving(ours) as home, serving(theirs) as elsewhere:
        yield Pair(ours, theirs, home, elsewhere)


@pytest.fixture
def pair(both: Pair) -> Pair:
    both.ours.forget()
    both.theirs.forget()
    return both
