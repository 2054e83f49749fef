"""What must hold for any input: the two entrances that fuzzers push at, each an assertion of everything promised."""

from __future__ import annotations

import gzip
import tempfile
from datetime import datetime
from functools import cache
from pathlib import Path

import orjson

from adapter.answers.answer import Answer
from adapter.bootstrap import build
from adapter.evidence.store import EvidenceStore
from adapter.limits import Limits
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Reconciliation
from adapter.settings import Settings
from adapter.sources.files import Reading, read_files

NOW = datetime.fromisoformat("2026-01-31T12:00:00-05:00")
FILES = ("x.json", "x.ndjson", "x.json.gz", "x.ndjson.gz")
SMALL = Limits(max_file_bytes=200_000, max_unpacked_bytes=400_000, max_json_bytes=100_000, max_claim_lines=50)


@cache
def adjudicator(*, lenient: bool = False) -> Adjudicator:
    return build(Settings(), lenient=lenient)


def check_reading(content: bytes, name: str) -> None:
    """Nothing escapes, every issue has its place, and of NDJSON no line goes missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        reading = Reading()
        found = list(read_files(path, reading, SMALL))
    assert reading.files == 1
    assert len(found) == reading.resources
    assert all(each.kind and each.key for each in found)
    assert all(issue.where.startswith(f"{name}, line ") for issue in reading.issues)
    orjson.dumps([[each.text, each.expression, each.where] for each in reading.issues])
    if name == "x.ndjson" and not any("file" in each.text or "not JSON but" in each.text for each in reading.issues):
        told = {each.line for each in found} | {int(each.where.rpartition(" ")[2]) for each in reading.issues}
        silent = [line for number, line in _lines(content) if number not in told]
        assert reading.not_fhir == sum(1 for line in silent if not _is_bundle(line))


def _lines(content: bytes) -> list[tuple[int, bytes]]:
    plain = content.removeprefix(b"\xef\xbb\xbf")
    return [(number, line) for number, line in enumerate(plain.split(b"\n"), start=1) if line.strip()]


def _is_bundle(line: bytes) -> bool:
    """A Bundle with nothing in it is the one line that leaves no trace."""
    value = orjson.loads(line)
    return isinstance(value, dict) and value.get("resourceType") == "Bundle"


def check_deciding(content: bytes, *, lenient: bool = False) -> list[Answer]:
    """Every claim in scope gets an answer that can be written, and the same one when asked again."""
    first, second = (_answers(content, lenient=lenient) for _ in range(2))
    assert [_written(each) for each in first] == [_written(each) for each in second]
    assert all((each.response is None) != (each.outcome is None) for each in first)
    return first


def _answers(content: bytes, *, lenient: bool) -> list[Answer]:
    chosen = adjudicator(lenient=lenient)
    store = EvidenceStore()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_bytes(content)
        store.extend(read_files(path, Reading(), SMALL))
    claims = [each for each in store.all("Claim") if chosen.in_scope(each)]
    reconciliation = Reconciliation(chosen, store, NOW)
    answers = reconciliation.answer(claims)
    assert not reconciliation.unanswered, reconciliation.unanswered
    assert {each.claim for each in answers} >= {each.id for each in claims}
    return answers


def _written(answer: Answer) -> bytes:
    return orjson.dumps([answer.claim, answer.response, answer.provenance, answer.outcome])


def packed(content: bytes, name: str) -> bytes:
    """The content as a file of that name would hold it."""
    return gzip.compress(content, mtime=0) if name.endswith(".gz") else content
