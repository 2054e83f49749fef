"""The answers of a run read back from the folder they were written to, one by one, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from adapter.answers.answer import Answer
from adapter.errors import WriteError
from adapter.evidence.references import Json, objects, parse_reference

_NO_CLAIM = re.compile(r"unreadable-[0-9a-f]{24}")
"""The ids of OperationOutcomes of input in which no claim could be recognised."""


def answers_in(folder: Path) -> Iterator[Answer]:
    """ClaimResponses with their Provenances, then the OperationOutcomes of claims; of input without a claim none.

    Raises:
        WriteError: the files do not belong together, so that nobody knows which Provenance is whose.
    """
    provenances = _resources(folder / "Provenance.ndjson")
    waiting = next(provenances, None)
    for response in _resources(folder / "ClaimResponse.ndjson"):
        own = None
        if waiting is not None and _target(waiting) == f"ClaimResponse/{response.get('id')}":
            own, waiting = waiting, next(provenances, None)
        pointer = parse_reference(response.get("request"))
        if pointer is None or not pointer.local:
            raise WriteError(f"a ClaimResponse in {folder} names no claim")
        yield Answer(pointer.local.partition("/")[2], response, own)
    if waiting is not None:
        raise WriteError(f"a Provenance in {folder} is about no ClaimResponse there")
    yield from _outcomes(folder)


def _outcomes(folder: Path) -> Iterator[Answer]:
    for outcome in _resources(folder / "OperationOutcome.ndjson"):
        id = outcome.get("id")
        if isinstance(id, str) and _NO_CLAIM.fullmatch(id) is None:
            yield Answer(id, outcome=outcome)


def _target(provenance: Json) -> str | None:
    return next((each.get("reference") for each in objects(provenance.get("target"))), None)


def _resources(path: Path) -> Iterator[Json]:
    with path.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)
