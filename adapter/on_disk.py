"""Whether what was written outlives a loss of power."""

from __future__ import annotations

import os
from pathlib import Path


def force(path: Path) -> None:
    """What a file holds, or the names in a folder, are on the disk afterwards.

    Raises:
        OSError: the disk takes no more, or the file system does not do that for folders.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
