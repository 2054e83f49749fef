"""The answers of a run read back from the folder they were written to, one by one, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from adapter.answers.answer import Answer
from adapter.answers.operation_outcome import NAMELESS, UNREADABLE
from adapter.errors import WriteError
from adapter.evidence.references import Json, objects, parse_reference

_NO_CLAIM = re.compile(rf"({UNREADABLE}|{NAMELESS})[0-9a-f]{{24}}")
"""The ids of OperationOutcomes of input in which no claim could be recognised, and of claims without an id."""


def answers_in(folder: Path) -> Iterator[Answer]:
    """ClaimResponses with their Provenances, then the OperationOutcomes of claims; of input without a claim none.

    Raises:
        WriteError: the files do not belong together, so that nobody knows which Provenance is whose.
    """
    provenances = resources_in(folder / "Provenance.ndjson")
    waiting = next(provenances, None)
    for response in resources_in(folder / "ClaimResponse.ndjson"):
        own = None
        if waiting is not None and _target(waiting) == f"ClaimResponse/{response.get('id')}":
            own, waiting = waiting, next(provenances, None)
        yield Answer(claim_of_response(response), response, own)
    if waiting is not None:
        raise WriteError(f"a Provenance in {folder} is about no ClaimResponse there")
    for outcome in resources_in(folder / "OperationOutcome.ndjson"):
        if (claim := claim_of_outcome(outcome)) is not None:
            yield Answer(claim, outcome=outcome)


def claim_of_response(response: Json) -> str:
    """The id of the claim that an answer of ours is to.

    Raises:
        WriteError: it names none.
    """
    pointer = parse_reference(response.get("request"))
    if pointer is None or not pointer.local:
        raise WriteError("a ClaimResponse of ours names no claim")
    return pointer.local.partition("/")[2]


def claim_of_outcome(outcome: Json) -> str | None:
    """The id of the claim that could not be processed; None where it has none, or no claim could be recognised."""
    id = outcome.get("id")
    return id if isinstance(id, str) and _NO_CLAIM.fullmatch(id) is None else None


def resources_in(path: Path) -> Iterator[Json]:
    """What stands on the lines of a file that we wrote."""
    with path.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def _target(provenance: Json) -> str | None:
    return next((each.get("reference") for each in objects(provenance.get("target"))), None)
