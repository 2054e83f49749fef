"""A file as it comes over the wire: unpacked where it is gzip, and refused where it is a bomb or ends too early."""

from __future__ import annotations

import zlib

from adapter.errors import SourceError
from adapter.limits import Limits
from adapter.sources.guarded import GZIP_MAGIC, RATIO_FROM
from adapter.sources.wire import CutShort

_GZIP_WINDOW = 31  # zlib's word for "gzip, any window"


class Unpacker:
    """Feed it the pieces; gzip is told by ``encoding``, the header ``Content-Encoding``, or by its first bytes.

    Raises:
        SourceError: another encoding, broken gzip, or one that unpacks to more than any honest one.
        CutShort: at the end, of gzip that is not whole.
    """

    def __init__(self, encoding: str, limits: Limits, what: str) -> None:
        if encoding.strip().lower() not in ("", "identity", "gzip", "x-gzip"):
            raise SourceError(f"{what} comes in an encoding that was not asked for")
        self._limits, self._what = limits, what
        self._gzip = zlib.decompressobj(_GZIP_WINDOW) if "gzip" in encoding.lower() else None
        self._begun = False
        self._packed = self._plain = 0

    def feed(self, piece: bytes) -> bytes:
        if not self._begun and piece:
            self._begun = True
            if self._gzip is None and piece.startswith(GZIP_MAGIC):
                self._gzip = zlib.decompressobj(_GZIP_WINDOW)
        self._packed += len(piece)
        plain = piece if self._gzip is None else self._unpacked(piece)
        self._plain += len(plain)
        if self._plain > RATIO_FROM and self._plain > self._packed * self._limits.max_unpack_ratio:
            times = self._limits.max_unpack_ratio
            raise SourceError(f"{self._what} unpacks to more than {times} times its size (ADAPTER_MAX_UNPACK_RATIO)")
        return plain

    def end(self) -> None:
        if self._gzip is not None and self._begun and not self._gzip.eof:
            raise CutShort("gzip that is not whole")

    def _unpacked(self, piece: bytes) -> bytes:
        plain = b""
        try:
            while piece and self._gzip is not None:
                if self._gzip.eof:  # one gzip after another is one file
                    self._gzip = zlib.decompressobj(_GZIP_WINDOW)
                plain += self._gzip.decompress(piece)
                piece = self._gzip.unused_data
        except zlib.error as error:
            raise SourceError(f"{self._what} is damaged gzip") from error
        return plain
