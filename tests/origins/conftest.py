"""Two servers of this machine: ours, and another one that nobody asked us to call. Both note who sent them what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from auth.loopback import serving
from command_line import command, no_settings
from origins.pair import Leading, Pair

__all__ = ["command", "no_settings"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
