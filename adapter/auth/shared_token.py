"""One token for all who need it: whoever finds it old renews it, and the others wait for that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapter.errors import AccessRefused

MARGIN = 30.0
"""Seconds before its end from which a token is renewed, so that none ends on its way; of a short life, half of it."""


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A token and its life in seconds."""

    value: str
    seconds: float


class SharedToken:
    """The token in use; ``ticks`` counts seconds."""

    def __init__(self, grant: Callable[[], Awaitable[Token]], ticks: Callable[[], float]) -> None:
        self._grant, self._ticks = grant, ticks
        self._renewing = asyncio.Lock()
        self._value: str | None = None
        self._good_until = 0.0
        self._tries = 0
        self._failure: AccessRefused | None = None

    async def current(self, refused: str | None = None) -> str:
        """The token, a new one where it is old or was ``refused``.

        Raises:
            AccessRefused: none was granted, to us or to whom we waited for.
        """
        seen = self._tries
        if (value := self._good(refused)) is not None:
            return value
        async with self._renewing:
            if (value := self._good(refused)) is not None:
                return value
            if self._tries != seen and self._failure is not None:
                raise self._failure
            return await self._renew()

    async def _renew(self) -> str:
        asked = self._ticks()
        self._failure = None
        try:
            token = await self._grant()
        except AccessRefused as failure:
            self._failure = failure
            raise
        finally:
            self._tries += 1
        self._value = token.value
        self._good_until = asked + token.seconds - min(MARGIN, token.seconds / 2)
        return token.value

    def _good(self, refused: str | None) -> str | None:
        return self._value if self._value != refused and self._ticks() < self._good_until else None
