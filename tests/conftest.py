"""Logging as each test found it: commands that run in this process set it up for the whole of it."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from adapter.logs import events
from adapter.logs.digest import Digests
from adapter.logs.output import StderrHandler
from adapter.logs.setup import QUIET_UNLESS_FILTERED


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
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
