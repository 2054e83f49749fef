"""What holds of all tests: the FHIR server they share, logging as each found it, and how they are shared out."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
from hapi_fixtures import hapi_url, java

from adapter.logs import events
from adapter.logs.digest import Digests
from adapter.logs.output import StderrHandler
from adapter.logs.setup import QUIET_UNLESS_FILTERED

__all__ = ["hapi_url", "java"]

SLOW_FIRST = ("servers", "crash", "runs", "benchmarks")
"""Folders that wait for servers and processes; begun first, for a long one at the end has everybody wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which ``--dist loadfile`` gives out files; within a file it stays its author's."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return SLOW_FIRST.index(folder) if folder in SLOW_FIRST else len(SLOW_FIRST)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Commands that run in this process set logging up for the whole of it."""
    root = logging.getLogger()
    quiet = [logging.getLogger(each) for each in QUIET_UNLESS_FILTERED]
    levels = {each: each.level for each in (root, *quiet)}
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = hooks
    for each, level in levels.items():
        each.setLevel(level)
    for handler in [each for each in root.handlers if isinstance(each, StderrHandler)]:
        root.removeHandler(handler)
    events.use(Digests())


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a command keeps by default beside the ledger does not end up in a home directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield
