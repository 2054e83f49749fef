"""How much of this machine a run over files takes."""

from __future__ import annotations

import os

from adapter.settings import Settings
from adapter.sync.files import Way


def way_of(settings: Settings) -> Way:
    """As the settings have it; where they name no number of processes, one for each processor."""
    return Way(settings.processes or available(), memory=settings.memory)


def available() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
