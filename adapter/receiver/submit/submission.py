"""What an integrator submits to ``Claim/$submit``: claims, and evidence that belongs to them.

It is read as a file is. Its resources count as if they had been put on the configured server, each under its own id: so
a Bundle may name that server by another address (a proxy's), but not several servers, whose ids would be confused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapter.errors import InputError, Issue
from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.limits import Limits
from adapter.receiver.refusal import Refusal
from adapter.sources.files import Reading, read_sent

_STATUS = {"too-long": 413}
"""HTTP statuses of what cannot be read, other than 400."""


@dataclass(frozen=True, slots=True)
class Submission:
    """``claims`` in the order they were sent; ``sent`` is everything, they among it."""

    claims: tuple[Located, ...]
    sent: tuple[Located, ...]


def read_submission(body: bytes, base: str, limits: Limits, *, most_claims: int) -> Submission:
    """A body as claims and evidence of the server with that base URL.

    Raises:
        Refusal: 400 for what is no JSON or no FHIR, every fault of it; 413 over a limit; 422 without a claim, or with
            claims and servers that cannot be told apart.
    """
    sent = tuple(_at_home(_read(body, limits), base))
    claims = tuple(each for each in sent if each.kind == "Claim")
    if not claims:
        raise _unprocessable("required", "there is no Claim in what was sent; send a Claim, or a Bundle that has one")
    if len(claims) > most_claims:
        problem = f"{len(claims)} claims are over the limit of {most_claims} together (ADAPTER_CHUNK_SIZE)"
        raise Refusal(413, (Issue("too-costly", problem, "Bundle.entry"),))
    if len({each.key for each in claims}) < len(claims):
        raise _unprocessable("duplicate", "two of the claims have the same id; send each once", "Claim.id")
    return Submission(claims, sent)


def _read(body: bytes, limits: Limits) -> list[Located]:
    reading = Reading()
    try:
        found = read_sent(body, reading, limits)
    except InputError as error:
        where = f"line {error.line}"
        raise Refusal(_STATUS.get(error.code, 400), (Issue(error.code, error.problem, where=where),)) from error
    if reading.not_fhir:
        raise Refusal(400, (Issue("structure", "the body is no FHIR resource: it has no resourceType"),))
    if reading.issues:
        raise Refusal(400, tuple(reading.issues))
    return found


def _at_home(sent: Sequence[Located], base: str) -> list[Located]:
    """The resources as they would be on the server with that base URL."""
    written = {each.base for each in sent if each.base is not None and not each.base.startswith("urn:")}
    if len(written) > 1:
        problem = "the fullUrls are of several servers; send what is on the configured one, or name entries by urn:uuid"
        raise _unprocessable("conflict", problem, "Bundle.entry.fullUrl")
    return [_moved(each, next(iter(written), base), base) for each in sent]


def _moved(located: Located, old: str, base: str) -> Located:
    _make_relative(located.resource, f"{old}/")
    here = located.id is not None and (located.full_url is None or located.base == old)
    return replace(located, full_url=f"{base}/{located.local}") if here else located


def _make_relative(resource: Json, old: str) -> None:
    """Make its references to a server relative, in place: nobody else holds what was just read."""
    waiting: list[Any] = [resource]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(written := value.get("reference"), str):
                value["reference"] = written.removeprefix(old)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _unprocessable(code: str, problem: str, expression: str = "") -> Refusal:
    return Refusal(422, (Issue(code, problem, expression),))
