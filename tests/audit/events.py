"""A chain of events for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from adapter.audit.chain import Chain, Head
from adapter.audit.event import Who
from adapter.audit.file import AuditFile
from adapter.audit.verify import Verdict, verify

KEY = b"a key of the tests, long enough"
WHO = Who("fhir-coaching-adapter 1", "urn:client", "machine", "operator", "https://fhir.test/r4", "run-1")
PLENTY = 10**9


def event(number: int, recorded: str = "2026-01-01T00:00:00.000+00:00") -> bytes:
    return orjson.dumps({"resourceType": "AuditEvent", "id": str(number), "recorded": recorded})


def torn(length: int, digest: str) -> bytes:
    return orjson.dumps({"resourceType": "AuditEvent", "torn": length, "hash": digest})


@dataclass
class Audit:
    """An audit file in a folder of its own."""

    path: Path
    key: bytes | None = None
    most_bytes: int = PLENTY

    def opened(self) -> AuditFile:
        return AuditFile(self.path, Chain(self.key), torn, self.most_bytes)

    def add(self, *numbers: int) -> None:
        self.opened().append([event(each) for each in numbers])

    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True)

    def write(self, lines: list[bytes]) -> None:
        self.path.write_bytes(b"".join(lines))

    def verdict(self, expected: Head | None = None) -> Verdict:
        return verify(self.path, Chain(self.key), expected)
