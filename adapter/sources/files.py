"""Reads FHIR from files: JSON, Bundles and NDJSON, each also gzipped, in folders walked recursively.

What cannot be read, or is over a limit, becomes an issue with file and line, and everything else is read on. A JSON
file that is no FHIR is passed over and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from adapter.evidence.store import Located
from adapter.limits import DEFAULT, Limits
from adapter.sources.guarded import plain_text
from adapter.sources.reader import FileReader
from adapter.sources.walk import Reading, files_under

__all__ = ["Reading", "read_files", "read_sent"]
SENT = "the body"
"""How what was sent is called, where a file has its name."""


def read_files(source: Path, reading: Reading, limits: Limits = DEFAULT) -> Iterator[Located]:
    """Every resource under ``source``, files in the order of their names.

    Raises:
        SourceError: there is no such file or folder, or it may not be read.
    """
    bundles = count()
    for path, shown in files_under(source, reading):
        yield from FileReader(path, source, shown, reading, limits, bundles).read()


def read_sent(content: bytes, reading: Reading, limits: Limits = DEFAULT) -> list[Located]:
    """The resources of one document that somebody sent: of a resource, a Bundle, or the Parameters of an operation.

    Raises:
        InputError: over the limit of a document, or no JSON at all. What is wrong inside becomes an issue, as of files.
    """
    reader = FileReader(Path(SENT), Path(), SENT, reading, limits, count())
    return list(reader.sent(plain_text(content)))
