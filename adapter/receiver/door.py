"""Who may notify us. Each Subscription has an address of its own, and a secret that only its server knows.

The server proves it by ``Authorization: Bearer <secret>`` (R4's ``channel.header``) or, as Medplum does, by
``X-Signature``, the HMAC-SHA256 of the body in hexadecimal. A forged notification could only make us read our server.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from adapter.errors import InputError


@dataclass(eq=False)
class NotAdmitted(InputError):
    """A request that is not let in; it learns nothing but the HTTP status."""

    status: int = field(default=401, kw_only=True)
    retry_after: float | None = field(default=None, kw_only=True)
    """Seconds after which it may be let in."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows at the door."""

    authorization: str | None
    signature: str | None


class Door:
    """The addresses that Subscriptions name, each with its secret."""

    def __init__(self, secrets: Mapping[str, SecretStr]) -> None:
        self._secrets = {name: secret.get_secret_value().encode() for name, secret in secrets.items()}

    def secret_of(self, name: str) -> bytes:
        """The secret of an address.

        Raises:
            NotAdmitted: 404 for an address that is none of ours.
        """
        secret = self._secrets.get(name)
        if secret is None:
            raise NotAdmitted("no subscription has this address", "not-found", status=404)
        return secret

    def check(self, name: str, shown: Credentials, body: bytes) -> None:
        """Let a request in.

        Raises:
            NotAdmitted: 404 for an address that is none of ours, 401 without a proof, 403 with a wrong one.
        """
        secret = self.secret_of(name)
        if shown.signature is not None:
            proven = _same(shown.signature.lower(), hmac.new(secret, body, hashlib.sha256).hexdigest())
        elif shown.authorization is not None:
            scheme, _, token = shown.authorization.partition(" ")
            proven = scheme.lower() == "bearer" and _same(token.strip(), secret.decode())
        else:
            raise NotAdmitted("not authenticated", "login", status=401)
        if not proven:
            raise NotAdmitted("not authorized", "forbidden", status=403)


def _same(shown: str, due: str) -> bool:
    """Compared in constant time, so that no answer tells how much of a guess was right."""
    return hmac.compare_digest(shown.encode(), due.encode())
