"""Which trace the work in hand belongs to; W3C Trace Context: https://www.w3.org/TR/trace-context/.

Without OpenTelemetry we are what that page calls a participant that records nothing: the ``traceparent`` of a
notification is kept with it in the inbox, and goes out again as it came with each request to the FHIR server. What is
worked off together may belong to several traces; then none goes out, for a request has one parent. ``tracestate`` is
the text of others, which has no place in our database, and ends here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

from adapter.sources.witness import Answered, RequestWitness, unheard

HEADER = "traceparent"
_WRITTEN = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_PARENTS: ContextVar[tuple[str, ...]] = ContextVar("parents", default=())
"""A context goes along with tasks, and through the portal to the thread that talks to the server."""


def read_traceparent(values: Sequence[str]) -> str | None:
    """The header as it is passed on; None where it is absent, sent twice or not as the specification has it."""
    found = _WRITTEN.fullmatch(values[0].strip()) if len(values) == 1 else None
    if found is None:
        return None
    version, trace, parent, flags, more = found.groups()
    if version == "ff" or not int(trace, 16) or not int(parent, 16) or (version == "00" and more):
        return None
    return f"00-{trace}-{parent}-{flags}"  # of later versions we know what version 00 has


def parents() -> tuple[str, ...]:
    """The ``traceparent`` of whatever led to the work in hand, each once."""
    return _PARENTS.get()


def parent() -> str | None:
    """The one to pass on."""
    known = _PARENTS.get()
    return known[0] if len(known) == 1 else None


@contextmanager
def within(traceparents: Iterable[str | None]) -> Iterator[None]:
    """What is done meanwhile belongs to these."""
    token = _PARENTS.set(tuple(dict.fromkeys(each for each in traceparents if each)))
    try:
        yield
    finally:
        _PARENTS.reset(token)


class Spans:
    """Records nothing. With OpenTelemetry, ``metrics.spans`` is in its place."""

    @contextmanager
    def span(self, _name: str) -> Iterator[None]:
        """A piece of work, within which its own ``traceparent`` is the one to pass on; a fault goes through."""
        yield


NO_SPANS = Spans()


class PassingOn(RequestWitness):
    """Gives each request to the server the ``traceparent`` of the work it is for."""

    @contextmanager
    def attempt(self, request: httpx.Request, _number: int) -> Iterator[Answered]:
        put(request)
        yield unheard


def put(request: httpx.Request) -> None:
    """Give a request the header, in place of one from an attempt before."""
    request.headers.pop(HEADER, None)
    if (known := parent()) is not None:
        request.headers[HEADER] = known
