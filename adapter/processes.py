"""Other processes of this machine."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_BEGAN = 19
"""Place of the start time in ``/proc/PID/stat``, counted from what stands behind the name; proc(5) has it as 22."""


def is_alive(process: int) -> bool:
    """Whether a process of this number is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def name_of(process: int) -> str:
    """A name that no other process of this machine ever has: its number, and when it began, in the kernel's words.

    The number alone, which is given to others later, where the kernel does not tell.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()[:8]
        began = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()[_BEGAN]
    except (OSError, IndexError):
        return str(process)
    return f"{process}.{boot}.{began}"


def is_over(name: str) -> bool:
    """Whether a process of this name, or of this number alone, is there no more; never of what is no such name."""
    number, _, began = name.partition(".")
    if not number.isdecimal():
        return False
    return not is_alive(int(number)) or (began != "" and name_of(int(number)) not in (name, number))
