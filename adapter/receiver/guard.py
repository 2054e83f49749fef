"""Stands before every address that asks who one is: the proxy's word on the client certificate, and slow guessing.

The certificate comes on top of the secret, never instead: a header can be sent by anybody, and only a proxy that takes
it out of what comes from outside makes it mean something. Were that forgotten, the secret still holds.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapter.receiver.door import NotAdmitted
from adapter.receiver.rate_limit import Refusals
from adapter.receiver.replies import refused
from adapter.receiver.submit.operation import PATH

_GUARDED = ("/subscriptions/", PATH)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The header by which the proxy says that it verified a client certificate, and its value when it did."""

    header: bytes
    value: bytes

    @classmethod
    def of(cls, written: str) -> ClientCertificate:
        """From ``Name: value``."""
        name, _, value = written.partition(":")
        return cls(name.strip().lower().encode(), value.strip().encode())

    def is_shown(self, scope: Scope) -> bool:
        """Whether the header is there once; twice means that one of them came from outside."""
        found = [value for name, value in scope["headers"] if name.lower() == self.header]
        return len(found) == 1 and hmac.compare_digest(found[0], self.value)


class Guard:
    """An ASGI application before another one."""

    def __init__(self, app: ASGIApp, refusals: Refusals, certificate: ClientCertificate | None = None) -> None:
        self._app = app
        self._refusals = refusals
        self._certificate = certificate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_GUARDED):
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        address = client[0] if client else None

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (401, 403):
                self._refusals.count(address)
            await send(message)

        await (self._turned_away(scope, address) or self._app)(scope, receive, watched)

    def _turned_away(self, scope: Scope, address: str | None) -> ASGIApp | None:
        """The answer to a request that comes no further."""
        if (wait := self._refusals.wait(address)) > 0:
            return refused(NotAdmitted("refused too often of late", "throttled", status=429, retry_after=wait))
        if self._certificate is not None and not self._certificate.is_shown(scope):
            return refused(NotAdmitted("no verified client certificate", "forbidden", status=403))
        return None
