"""Who hears of each request to the server: the metrics and the traces. It says nothing but what traces ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

import httpx

Answered = Callable[[int], None]
"""Told the status of an answer that is all here."""


def unheard(_status: int) -> None:
    """Nobody wants to know."""


class RequestWitness:
    """Hears nothing, unless a witness says otherwise."""

    def attempt(self, _request: httpx.Request, _number: int) -> AbstractContextManager[Answered]:
        """Around one attempt at a request, the first with number 1; what it yields is told the status.

        A witness may give the request a header. Where no whole answer came the fault goes through it, as it is.
        """
        return nullcontext(unheard)


@dataclass(frozen=True)
class RequestWitnesses(RequestWitness):
    """Several as one."""

    each: Sequence[RequestWitness] = ()

    @contextmanager
    def attempt(self, request: httpx.Request, number: int) -> Iterator[Answered]:
        with ExitStack() as stack:
            told = [stack.enter_context(one.attempt(request, number)) for one in self.each]

            def answered(status: int) -> None:
                for one in told:
                    one(status)

            yield answered
