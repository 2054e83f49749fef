"""The ``Authorization`` header: sent to the configured server, to no other, and once more after a 401."""

from __future__ import annotations

import base64
import re
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable

import httpx

from adapter.auth.secret_files import Secret
from adapter.errors import AccessRefused, Step, UsageError
from adapter.sources.origin import origin

UNAUTHORIZED = 401
_HEADER = "Authorization"


class HomeAuth(httpx.Auth):
    """Adds a header to the requests to one server."""

    def __init__(self, base: str) -> None:
        self._home = origin(httpx.URL(base))

    @abstractmethod
    async def header(self, refused: str | None = None) -> str:
        """The header's value; after a 401, one other than ``refused`` if there is any."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if origin(request.url) != self._home:
            request.headers.pop(_HEADER, None)
            yield request
            return
        sent = await self.header()
        request.headers[_HEADER] = sent
        response = yield request
        if response.status_code != UNAUTHORIZED:
            return
        another = await self.header(refused=sent)
        if another != sent:
            await _discard(response)
            request.headers[_HEADER] = another
            yield request


class StaticAuth(HomeAuth):
    """A header made of one secret, as HTTP Basic and a bearer token are."""

    def __init__(self, base: str, secret: Secret, written: Callable[[str], str]) -> None:
        super().__init__(base)
        self._secret, self._written = secret, written
        self._written(secret.current())

    async def header(self, refused: str | None = None) -> str:
        try:
            return self._written(self._secret.current(again=refused is not None))
        except UsageError as error:  # fit at the start, and no longer
            raise AccessRefused(str(error), step=Step.TOKEN) from error


def bearer(token: str) -> str:
    """The header of a bearer token; https://www.rfc-editor.org/rfc/rfc6750.

    Raises:
        UsageError: no header can carry it.
    """
    if not re.fullmatch(r"[!-~]+", token):
        raise UsageError("the token is empty or holds characters that no HTTP header can carry")
    return f"Bearer {token}"


def basic(user: str) -> Callable[[str], str]:
    """Makes the header of a password; https://www.rfc-editor.org/rfc/rfc7617."""

    def written(password: str) -> str:
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"

    return written


async def _discard(response: httpx.Response) -> None:
    """Let go of an answer unread: httpx would read the whole of it, however much that is, before it asks again."""
    unread = response.stream
    response.stream = httpx.ByteStream(b"")
    if isinstance(unread, httpx.AsyncByteStream):
        await unread.aclose()
