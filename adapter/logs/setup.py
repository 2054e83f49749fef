"""Logging as it is from the start of a process to its end: one handler, and a hook for whatever nobody catches."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import TextIO

from adapter.logs import events
from adapter.logs.digest import Digests
from adapter.logs.output import StderrHandler
from adapter.logs.settings import LogFormat, LogLevel, LogSettings

log = events.logger(__name__)
QUIET_UNLESS_FILTERED = ("httpx", "httpcore")
"""Libraries that log whole URLs, and that ``adapter.sources.gate`` keeps quiet; behind the filter they may speak."""


def begin() -> None:
    """As long as no settings are read: warnings for people; and no crash tells a value."""
    configure(LogFormat.CONSOLE, LogLevel.WARNING)
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warned
    logging.captureWarnings(False)


def follow(settings: LogSettings) -> None:
    """As the settings want it."""
    configure(settings.log_format, settings.log_level)
    key = settings.digest_key
    events.use(Digests(key.get_secret_value().encode()) if key else Digests())


def configure(form: LogFormat, level: LogLevel) -> None:
    """One handler of ours at the root; a second call puts its handler in place of the first's."""
    root = logging.getLogger()
    for each in [each for each in root.handlers if isinstance(each, StderrHandler)]:
        root.removeHandler(each)
    root.addHandler(StderrHandler(form))
    root.setLevel(level.value)
    _take_over()
    for name in QUIET_UNLESS_FILTERED:
        logging.getLogger(name).setLevel(logging.NOTSET)


def _take_over() -> None:
    """What libraries have put up to print by themselves, as uvicorn does, is taken down."""
    for each in [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]:
        printing = [one for one in each.handlers if type(one) is logging.StreamHandler]
        for one in printing:
            each.removeHandler(one)
        each.propagate = each.propagate or bool(printing)


def _crashed(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    log.critical("process.crashed", failed=error)


def _thread_crashed(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        log.critical("thread.crashed", failed=args.exc_value)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        log.error("destructor.failed", failed=args.exc_value)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning by its class and place; its text may quote a value."""
    place = f"{filename.rpartition('/')[2]}:{lineno}"
    log.warning("python.warning", category=category.__name__, at=place)
