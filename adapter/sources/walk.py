"""The files of a folder that can hold FHIR, in the order of their names; what reading found besides resources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from adapter.errors import Issue, SourceError

JSON_SUFFIXES = (".json",)
NDJSON_SUFFIXES = (".ndjson", ".jsonl")
OURS = ".adapter-"
"""How folders begin that a run keeps its own files in; they are no input."""


@dataclass
class Reading:
    """What reading found besides resources: how many files, what was no FHIR, what could not be read and why."""

    files: int = 0
    resources: int = 0
    not_fhir: int = 0
    other_files: int = 0
    issues: list[Issue] = field(default_factory=list)


def files_under(source: Path, reading: Reading) -> Iterator[tuple[Path, str]]:
    """Every file with a known ending under ``source``, counted, with its name for messages.

    Raises:
        SourceError: there is no such file or folder, or it may not be read.
    """
    if not _exists(source):
        raise SourceError(f"{source} does not exist", "Name a file, a folder or a FHIR base URL.")
    for path in _walk(source, reading):
        reading.files += 1
        yield path, _shown(path.name if path == source else str(path.relative_to(source)))


def is_ndjson(path: Path) -> bool:
    """Whether a file has a resource on each line, by its name."""
    return _plain_name(path.name).endswith(NDJSON_SUFFIXES)


def _exists(source: Path) -> bool:
    try:
        return source.exists()
    except OSError as error:
        raise SourceError(f"{source} cannot be read ({error.strerror})") from error


def _shown(name: str) -> str:
    """A file's name as it can be written anywhere, also where it is no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _walk(source: Path, reading: Reading) -> Iterator[Path]:
    """Files with a known ending; links to folders are not followed, so no loop can hold us."""
    if source.is_file():
        yield source
        return
    if not source.is_dir():
        raise SourceError(f"{source} is no file and no folder", "Name a file, a folder or a FHIR base URL.")

    def refuse(error: OSError) -> None:
        raise SourceError(f"{error.filename} cannot be read ({error.strerror})")

    for folder, folders, names in os.walk(source, onerror=refuse):
        folders[:] = sorted(each for each in folders if not each.startswith(OURS))
        for name in (each for each in folders if (Path(folder) / each).is_symlink()):
            shown = _shown(str((Path(folder) / name).relative_to(source)))
            problem = "a link to a folder, which is not followed: it may lead out of here, or round in a circle"
            reading.issues.append(Issue("structure", problem, "Resource", f"{shown}, line 1"))
        for name in sorted(names):
            if _plain_name(name).endswith(JSON_SUFFIXES + NDJSON_SUFFIXES):
                yield Path(folder) / name
            else:
                reading.other_files += 1


def _plain_name(name: str) -> str:
    return name.lower().removesuffix(".gz")
