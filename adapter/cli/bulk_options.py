"""The options of ``sync --bulk``: what it is told, and what does not go together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from adapter.cli.commands import Choice
from adapter.errors import UsageError
from adapter.session.time import instant_in

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class Asked(Protocol):
    """What a run of ``sync`` is told."""

    @property
    def out(self) -> Path | None: ...
    @property
    def dry_run(self) -> bool: ...
    @property
    def since(self) -> str | None: ...
    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def bulk(self) -> bool: ...
    @property
    def group(self) -> str | None: ...


def refuse_misuse(choice: Choice, run: Asked) -> None:
    """Options that do not go together.

    Raises:
        UsageError: one sentence on the first of them.
    """
    if run.group is not None and not run.bulk:
        raise UsageError("--group names the Group of a bulk export; add --bulk.")
    if not run.bulk:
        return
    if not choice.is_server:
        raise UsageError("--bulk asks a server for an export; files are read as they are.")
    if run.ids:
        raise UsageError("--claim reads single claims; leave out --bulk.")
    if run.group is not None and not _ID.fullmatch(run.group):
        raise UsageError(f"--group {run.group!r} is no id of a Group.")
    if run.since not in (None, "auto"):
        since_instant(run.since or "")


def since_instant(text: str) -> datetime:
    """An instant, as ``_since`` has to be.

    Raises:
        UsageError: it is none; servers refuse a mere date.
    """
    found = instant_in(text)
    if found is None:
        raise UsageError(f"--since {text!r} is neither auto nor an instant such as 2026-01-31T12:00:00Z.")
    return found
