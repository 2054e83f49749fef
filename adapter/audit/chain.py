"""The hash chain over audit events: what stands in a line, and whether lines belong together. No I/O.

A line is an AuditEvent as one line of JSON that ends in an extension of ours: its number, the hash of the line before
and its own. Its own hash is taken over the bytes of the event as they stand before that extension, with the number and
the hash before: whoever changes, removes, inserts or swaps a line breaks the chain there. With a key the hash is an
HMAC, which nobody can make anew who can merely write the file.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

EXTENSION = "https://fhir-coaching-adapter.example/StructureDefinition/audit-chain"
NOTHING = "0" * 64
"""The hash before the first line of all."""
_TAIL = (
    ',"extension":[{"url":"' + EXTENSION + '","extension":[{"url":"number","valueInteger":%d},'
    '{"url":"previous","valueString":"%s"},{"url":"hash","valueString":"%s"}]}]}\n'
)
_READ = re.compile(
    re.escape(_TAIL.rstrip("\n"))
    .replace("%d", "([1-9][0-9]{0,17})")
    .replace("%s", "([0-9a-f]{64})", 1)
    .replace("%s", "([0-9a-f]{64})", 1)
    .encode()
)
LONGEST_TAIL = 512
"""Bytes that hold the extension of any line."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of a chain: how many lines there are, and its hash."""

    number: int = 0
    hash: str = NOTHING

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Link:
    """What a line says of itself."""

    event: bytes
    """Its event, without the closing brace."""
    number: int
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        return Head(self.number, self.hash)


@dataclass(frozen=True, slots=True)
class Chain:
    """Makes and checks hashes; ``key`` makes them HMACs."""

    key: bytes | None = None

    def digest(self, data: bytes) -> str:
        """The hash of bytes, or their HMAC."""
        if self.key is None:
            return hashlib.sha256(data).hexdigest()
        return hmac.new(self.key, data, hashlib.sha256).hexdigest()

    def lines(self, events: Iterable[bytes], head: Head) -> tuple[bytes, Head]:
        """Events (JSON objects on one line, without an extension of their own) as the lines that follow a head."""
        written = []
        for event in events:
            body = event[:-1]
            own = self._hash(body, head.number + 1, head.hash)
            written.append(body + (_TAIL % (head.number + 1, head.hash, own)).encode())
            head = Head(head.number + 1, own)
        return b"".join(written), head

    def fault(self, line: bytes, before: Head | None) -> str | None:
        """What is wrong with a line that should follow a head (None: whatever came before); None when nothing is."""
        link = read_link(line)
        if link is None:
            return "it is no line of an audit chain, or was changed"
        if before is not None and link.number != before.number + 1:
            return f"it says it is number {link.number}, where {before.number + 1} should stand"
        if not hmac.compare_digest(self._hash(link.event, link.number, link.previous), link.hash):
            return "its content does not have its hash: it was changed, or another key made it"
        if before is not None and link.previous != before.hash:
            return "it does not follow the line before, which was changed or replaced"
        return None

    def _hash(self, body: bytes, number: int, previous: str) -> str:
        return self.digest(f"{number} {previous} ".encode() + body)


def read_link(line: bytes) -> Link | None:
    """What a line (without its end) says of itself; None for one that is none of a chain."""
    start = line.rfind(b',"extension":[{"url":"' + EXTENSION.encode())
    match = _READ.fullmatch(line, start) if start >= 0 else None
    return Link(line[:start], int(match[1]), match[2].decode(), match[3].decode()) if match else None
