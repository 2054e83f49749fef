"""Writes answers to a folder: one NDJSON file per kind, written beside and renamed into place.

A crash leaves the old output or the new, never half of one. The order of lines depends only on what is in them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from adapter.answers.answer import Answer
from adapter.answers.decisions import decision_lines
from adapter.errors import UsageError
from adapter.evidence.references import Json


def write_answers(answers: Sequence[Answer], out: Path, summary: Json) -> None:
    """Write everything of one run.

    Raises:
        UsageError: the folder cannot be written.
    """
    ordered = sorted(answers, key=_order)
    contents = {
        "ClaimResponse.ndjson": _ndjson(each.response for each in ordered if each.response),
        "OperationOutcome.ndjson": _ndjson(each.outcome for each in ordered if each.outcome),
        "Provenance.ndjson": _ndjson(each.provenance for each in ordered if each.provenance),
        "decisions.ndjson": _ndjson(line for each in ordered for line in decision_lines(each)),
        "summary.json": orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
    }
    try:
        _into_place(contents, out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}). Name another folder with --out.") from error


def _order(answer: Answer) -> tuple[str, str]:
    resource = answer.response or answer.outcome or {}
    return (answer.claim or "", str(resource.get("id", "")))


def _ndjson(values: Iterable[Any]) -> bytes:
    return b"".join(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE) for value in values)


def _into_place(contents: dict[str, bytes], out: Path) -> None:
    """All files are complete on disk before the first takes its place."""
    out.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".adapter-", dir=out))
    try:
        for name, content in contents.items():
            with (beside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in contents:
            (beside / name).replace(out / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
