"""Asks the servers that grant access. They get a credential of ours, and answer in a few lines of JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import orjson

from adapter.errors import AccessRefused, Step
from adapter.evidence.references import Json
from adapter.sources.faults import tls_fault
from adapter.sources.gate import Verify, http_client
from adapter.sources.origin import Allowed
from adapter.sources.patience import BUSY, Busy, Patience, retry_after
from adapter.sources.sending import sent

MOST_BYTES = 1_000_000
Make = Callable[[httpx.AsyncClient], httpx.Request]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, and the JSON object in it when there is one."""

    status: int
    body: Json | None

    @property
    def told(self) -> str:
        """What it is, for the message that it is not what was hoped for."""
        if httpx.codes.is_redirect(self.status):
            return f"{self.status}, a redirect,"
        return str(self.status) if self.status != httpx.codes.OK else "something else than a JSON object"


class Asking:
    """One request and its answer, again a few times while a server is busy or away; a redirect is an answer."""

    def __init__(self, verify: Verify, timeout: float, patience: Patience, allowed: Allowed) -> None:
        self._verify, self._timeout, self._patience = verify, timeout, patience
        self.allowed = allowed
        """Where a server may send us for a token."""

    async def ask(self, step: Step, what: str, server: str, make: Make) -> Reply:
        """Send what ``make`` makes, anew for each attempt: an assertion counts only once.

        ``server`` is what messages call whom is asked.

        Raises:
            AccessRefused: of this step; the server cannot be reached, is busy for long, or answers without end.
        """
        try:
            return await self._persist(make, server, step)
        except Busy as busy:
            problem = f"{server} answered {busy.status} to {what}, also when asked again"
            raise AccessRefused(problem, "try again later", step=step) from busy
        except httpx.RequestError as error:
            if tls_fault(error) is not None:
                problem, hint = (
                    f"no trusted TLS connection to {server} for {what}",
                    "check its certificate, or ours",
                )
            else:
                problem, hint = f"{server} did not answer {what} ({type(error).__name__})", "is the address right?"
            raise AccessRefused(problem, hint, step=step) from error

    async def _persist(self, make: Make, server: str, step: Step) -> Reply:
        async def once() -> Reply:
            try:
                async with asyncio.timeout(self._timeout), self._client() as http:
                    return await self._exchange(http, make(http), server, step)
            except TimeoutError as error:
                raise httpx.ReadTimeout("it trickles") from error

        return await self._patience.persist(once)

    async def _exchange(self, http: httpx.AsyncClient, request: httpx.Request, server: str, step: Step) -> Reply:
        response = await sent(http, request)
        try:
            return await self._reply(response, server, step)
        finally:
            await response.aclose()

    async def _reply(self, response: httpx.Response, server: str, step: Step) -> Reply:
        if response.status_code in BUSY:
            raise Busy(response.status_code, retry_after(response))
        content = bytearray()
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > MOST_BYTES:
                raise AccessRefused(f"{server} sends an answer of more than {MOST_BYTES} bytes", step=step)
        return Reply(response.status_code, _json_object(bytes(content)))

    def _client(self) -> httpx.AsyncClient:
        """A fresh one: it is used once in minutes, and so belongs to no event loop."""
        return http_client(self.allowed, verify=self._verify, timeout=self._timeout)


def _json_object(content: bytes) -> Json | None:
    try:
        read = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None
