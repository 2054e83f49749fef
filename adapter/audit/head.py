"""The file beside an audit file that says where its chain begins and ends; it is also the lock of whoever writes.

Its content has always the same length and is written in place, so that a crash leaves the old or the new. It may be
behind by what was written last; it is never ahead of what is on the disk.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass

import orjson

from adapter.audit.chain import Chain, Head

LENGTH = 512
START = Head()


@dataclass(frozen=True, slots=True)
class Ends:
    """``base`` is the last line that is no longer kept, ``head`` the last one there is."""

    base: Head = START
    head: Head = START


class Unreadable(ValueError):
    """The head file was changed, or another key made it."""


def read_ends(handle: int, chain: Chain) -> Ends | None:
    """What an open head file says; None for an empty one.

    Raises:
        Unreadable: it is not as we wrote it.
    """
    data = os.pread(handle, LENGTH, 0)
    if not data:
        return None
    try:
        told = orjson.loads(data)
        ends = Ends(parse_head(told["base"]), parse_head(told["head"]))
        known = hmac.compare_digest(str(told["hash"]), _digest(ends, chain))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable from error
    if not known:
        raise Unreadable
    return ends


def write_ends(handle: int, ends: Ends, chain: Chain) -> None:
    """Write both ends; raises OSError."""
    told = {"base": str(ends.base), "head": str(ends.head), "hash": _digest(ends, chain)}
    data = orjson.dumps(told).ljust(LENGTH - 1) + b"\n"
    if os.pwrite(handle, data, 0) != len(data):
        raise OSError(0, "it was written in part only")


def _digest(ends: Ends, chain: Chain) -> str:
    return chain.digest(f"ends {ends.base} {ends.head}".encode())


def parse_head(text: str) -> Head:
    """A head as it is printed.

    Raises:
        ValueError: it is none.
    """
    number, _, digest = text.partition(":")
    if len(digest) != len(Head().hash) or not number.isdecimal():
        raise ValueError("no head")
    return Head(int(number), digest)
