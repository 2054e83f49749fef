"""Whether the files of a folder are still as the scan found them.

A file may be written in place while a run reads it, and a handle that is open sees old and new text alike. So whoever
reads files looks at each before and after: what is decided is what was scanned. A second look costs one ``stat``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from adapter.errors import SourceError
from adapter.sources.guarded import state_of


class Entered(NamedTuple):
    """A file as the scan entered it; ``state`` is empty of a copy of ours, which nobody else writes."""

    path: Path
    shown: str
    state: str


def refuse_changed(files: Iterable[Entered]) -> None:
    """Look at files again.

    Raises:
        SourceError: one of them is not as it was.
    """
    for path, shown, state in files:
        if state and state_of(path) != state:
            raise changed(shown)


def changed(shown: str) -> SourceError:
    """What ends a run whose input does not hold still."""
    return SourceError(f"{shown} changed while it was read", "run it again when nothing writes to the folder")
