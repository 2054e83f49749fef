"""Our own log lines: ``log = events.logger(__name__)``, then ``log.warning("what.happened", key=value)``.

``claim`` and ``patient`` are given as ids and ``changed`` as ``Type/id``: only their digests go on. ``failed`` is given
as the exception: its class and lines of code go on, and of a ``SourceError``, which promises to hold nothing of a
record, its sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog
from structlog.stdlib import BoundLogger, filter_by_level

from adapter.errors import SourceError
from adapter.logs.digest import Digests
from adapter.logs.faults import kind, trace
from adapter.logs.keys import only_listed

Fields = MutableMapping[str, Any]


class Event(dict[str, str | int | float]):
    """What was let through; the message of a log record, so that no handler can get at anything else."""


class _Known:
    """What the process logs by; a random key until settings name one."""

    digests = Digests()
    told = False
    """Whether it was said that digests will not last."""


def use(digests: Digests) -> None:
    """Stand for claims and patients by these from now on."""
    _Known.digests = digests
    _Known.told = digests.lasting


def digests() -> Digests:
    """What the process logs by."""
    return _Known.digests


def logger(name: str) -> BoundLogger:
    """The logger of a module."""
    found: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[filter_by_level, _digested, _explained, _listed],
        wrapper_class=BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return found


_DIGESTED: Mapping[str, Callable[[Digests, str], str]] = {
    "claim": Digests.of_claim,
    "patient": Digests.of_patient,
    "changed": Digests.of_change,
}


def _digested(_logger: object, _method: str, fields: Fields) -> Fields:
    for key in _DIGESTED.keys() & fields.keys():
        _tell_once()
        fields[key] = _DIGESTED[key](_Known.digests, str(fields[key]))
    return fields


def _tell_once() -> None:
    if not _Known.told:
        _Known.told = True
        logger(__name__).warning("digest.key_is_random", do="set ADAPTER_DIGEST_KEY")


def _explained(_logger: object, _method: str, fields: Fields) -> Fields:
    error = fields.get("failed")
    if isinstance(error, BaseException):
        fields.update(failed=kind(error), trace=trace(error))
        told = next((each for each in (error, error.__cause__) if isinstance(each, SourceError)), None)
        if told is not None:
            fields["reason"] = str(told)
    return fields


def _listed(_logger: object, _method: str, fields: Fields) -> tuple[tuple[Event], dict[str, Any]]:
    return (Event(only_listed(fields)),), {}
