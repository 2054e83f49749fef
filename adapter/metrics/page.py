"""The page that Prometheus reads, and who may read it.

It holds no identifier, but tells how much is decided and how. So it is open where only this machine can ask, and else
wants a bearer token: on another address without a token nobody gets it.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import SecretStr

from adapter.metrics.meters import WithoutBirthdays

PATH = "/metrics"
_WORDS = {401: "a bearer token is asked for\n", 403: "not authorized\n"}


class Reply(NamedTuple):
    status: int
    media_type: str
    body: bytes


class Page:
    """What is answered to GET; ``guarded`` unless only this machine can ask."""

    def __init__(self, registry: CollectorRegistry, token: SecretStr | None, *, guarded: bool) -> None:
        self._told = WithoutBirthdays(registry)
        self._token = token
        self._guarded = guarded

    def reply(self, authorization: str | None, accept: str | None) -> Reply:
        """The page in the format asked for, else 401 without a token and 403 with a wrong one or none set."""
        if refused := self._refused(authorization):
            return Reply(refused, "text/plain; charset=utf-8", _WORDS[refused].encode())
        encode, media_type = choose_encoder(accept or "")
        return Reply(200, media_type, encode(self._told))

    def _refused(self, authorization: str | None) -> int | None:
        if self._token is None:
            return 403 if self._guarded else None
        if authorization is None:
            return 401
        scheme, _, shown = authorization.partition(" ")
        due = self._token.get_secret_value().encode()
        return None if scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), due) else 403


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there; a name that is no address counts as one that others do."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
