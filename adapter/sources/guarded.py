"""Reads one file without being held up, led astray or filled up by it.

A pipe would wait for ever, a device never ends, a link may lead anywhere and a gzip file may hold a thousand times its
size. Each is refused by name, and no more is read than the limits allow.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from adapter.errors import InputError
from adapter.limits import Limits

PIECE = 1 << 20
RATIO_FROM = 10_000_000
"""Bytes from which the ratio of unpacked to packed counts: small files may well pack a thousandfold."""
GZIP_MAGIC = b"\x1f\x8b"
_BEGINNINGS = (
    (b"PK\x03\x04", "a zip archive, which is not read: unpack it"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xff\xfe\x00\x00", "text in UTF-32, where FHIR JSON is in UTF-8"),
    (b"\x00\x00\xfe\xff", "text in UTF-32, where FHIR JSON is in UTF-8"),
    (b"\xff\xfe", "text in UTF-16, where FHIR JSON is in UTF-8"),
    (b"\xfe\xff", "text in UTF-16, where FHIR JSON is in UTF-8"),
    (GZIP_MAGIC, "gzip, where the name says otherwise: name it .gz"),
    (b"BZh", "bzip2, which is not read: unpack it"),
    (b"\xfd7zXZ\x00", "xz, which is not read: unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstandard, which is not read: unpack it"),
    (b"%PDF", "a PDF document"),
)
_UTF8_MARK = b"\xef\xbb\xbf"


def read_guarded(path: Path, root: Path, limits: Limits) -> bytes:
    """The content of a file below ``root``, unpacked where its name ends in ``.gz``, without a byte order mark.

    Raises:
        InputError: no regular file, a link out of the folder, unreadable, too large, or known to be no JSON.
    """
    try:
        _refuse_stray_link(path, root)
        with open(path, "rb", opener=_without_waiting) as file:
            found = os.fstat(file.fileno())
            _refuse_odd_file(found)
            _refuse_empty_gzip(path, found)
            if found.st_size > limits.max_file_bytes:
                raise over_limit("the file", limits.max_file_bytes, "bytes", "MAX_FILE_BYTES")
            packed = path.name.lower().endswith(".gz")
            content = _unpacked(file, limits) if packed else _whole(file, limits.max_file_bytes, "MAX_FILE_BYTES")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the file cannot be read ({type(error).__name__})") from error
    return plain_text(content)


def guarded_lines(
    path: Path, root: Path, limits: Limits, spool: IO[bytes] | None = None
) -> Iterator[tuple[int, bytes]]:
    """Where each line of a file below ``root`` begins, in bytes, and the line; the whole is never held.

    Of a file whose name ends in ``.gz`` it is the unpacked text that counts, and a copy of it goes to ``spool``, for
    nothing can be read again from the middle of a packed one. Of a line over the limit only the beginning comes.

    Raises:
        InputError: as ``read_guarded``, but for the size; also in the middle of a damaged file.
    """
    try:
        _refuse_stray_link(path, root)
        with open(path, "rb", opener=_without_waiting) as file:
            found = os.fstat(file.fileno())
            _refuse_odd_file(found)
            _refuse_empty_gzip(path, found)
            if not path.name.lower().endswith(".gz"):
                yield from _lines(file, limits)
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _lines_unpacked(unpacked, file, limits, spool)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the file cannot be read ({type(error).__name__})") from error


def _lines_unpacked(
    unpacked: gzip.GzipFile, file: IO[bytes], limits: Limits, spool: IO[bytes] | None
) -> Iterator[tuple[int, bytes]]:
    checked = 0
    for start, line in _lines(unpacked, limits, spool):
        if start > checked:
            checked = start + PIECE
            _refuse_ratio(start, file.tell(), limits)
        yield start, line


def _lines(
    file: IO[bytes] | gzip.GzipFile, limits: Limits, spool: IO[bytes] | None = None
) -> Iterator[tuple[int, bytes]]:
    most = limits.max_json_bytes + 1
    start, whole = 0, True
    for piece in iter(partial(file.readline, most), b""):
        if spool is not None:
            spool.write(piece)
        if start == 0:
            _refuse_other_formats(piece)
            mark = len(_UTF8_MARK) if piece.startswith(_UTF8_MARK) else 0
            yield mark, piece[mark:]
        elif whole:  # else it is the rest of a line that is over the limit
            yield start, piece
        start += len(piece)
        whole = piece.endswith(b"\n")


def state_of(path: Path) -> str:
    """What tells whether a file is still as it was; empty when nobody can tell.

    That is its size, when it was written, and when the system noted a change of it: a copy may set the second back.
    """
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def plain_text(content: bytes) -> bytes:
    """What was read as the UTF-8 that FHIR JSON is in, without a byte order mark.

    Raises:
        InputError: it begins as another format does.
    """
    _refuse_other_formats(content)
    return content.removeprefix(_UTF8_MARK)


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for somebody to write at the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_stray_link(path: Path, root: Path) -> None:
    if path == root or not path.is_symlink():
        return
    if not Path(os.path.realpath(path, strict=True)).is_relative_to(root.resolve()):
        raise InputError("the link leads out of the folder, so it is not followed")


def _refuse_odd_file(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise InputError("no regular file but a pipe, a device or the like")


def _refuse_empty_gzip(path: Path, found: os.stat_result) -> None:
    """Of no text at all, gzip makes a header and a sum; where neither is, somebody's writing was broken off."""
    if found.st_size == 0 and path.name.lower().endswith(".gz"):
        raise InputError("the file is empty, where gzip of no text is not")


def _whole(file: IO[bytes], limit: int, setting: str) -> bytes:
    """All of a file, piece by piece, because what a file says of its size need not be true."""
    content = io.BytesIO()
    while piece := file.read(PIECE):
        content.write(piece)
        if content.tell() > limit:
            raise over_limit("the file", limit, "bytes", setting)
    return content.getvalue()


def _unpacked(file: IO[bytes], limits: Limits) -> bytes:
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=file) as unpacked:
        while piece := unpacked.read(PIECE):
            content.write(piece)
            _refuse_bomb(content.tell(), file.tell(), limits)
    return content.getvalue()


def _refuse_bomb(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.max_unpacked_bytes:
        raise over_limit("unpacked, the file", limits.max_unpacked_bytes, "bytes", "MAX_UNPACKED_BYTES")
    _refuse_ratio(unpacked, packed, limits)


def _refuse_ratio(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > RATIO_FROM and unpacked > packed * limits.max_unpack_ratio:
        raise over_limit("unpacked, the file", limits.max_unpack_ratio, "times its size", "MAX_UNPACK_RATIO")


def _refuse_other_formats(content: bytes) -> None:
    for beginning, name in _BEGINNINGS:
        if content.startswith(beginning):
            raise InputError(f"not JSON but {name}")


def over_limit(what: str, limit: int, unit: str, setting: str) -> InputError:
    """The refusal of what is over a limit; it names the setting that would let it in."""
    return InputError(f"{what} is over the limit of {limit} {unit} (ADAPTER_{setting})", "too-long")
