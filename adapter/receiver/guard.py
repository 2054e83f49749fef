"""Stands before every address that asks who one is: the proxy's word on the client certificate.

The certificate comes on top of the secret, never instead: a header can be sent by anybody, and only a proxy that takes
it out of what comes from outside makes it mean something. Were that forgotten, the secret still holds.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.receiver.door import NotAdmitted
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

    def __init__(self, app: ASGIApp, certificate: ClientCertificate | None = None) -> None:
        self._app = app
        self._certificate = certificate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"].startswith(_GUARDED) and not self._is_verified(scope):
            app = refused(NotAdmitted("no verified client certificate", "forbidden", status=403))
        await app(scope, receive, send)

    def _is_verified(self, scope: Scope) -> bool:
        return self._certificate is None or self._certificate.is_shown(scope)
