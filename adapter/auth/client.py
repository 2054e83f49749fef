"""Who we are to a server, and how we prove it: a JWT that counts once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapter.auth.keys import SigningKey  # cryptography is slow to import

ASSERTION_SECONDS = 120
"""How long an assertion counts. At most 300 is allowed; what is left bears a clock that goes wrong."""


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client of SMART Backend Services."""

    client_id: str
    key: SigningKey
    scopes: Sequence[str] = ()
    """What to ask for in place of what the command needs."""

    def assertion(self, audience: str, now: float) -> str:
        """What the token endpoint ``audience`` knows us by; ``now`` in seconds since 1970.

        https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#authenticating-to-the-token-endpoint
        """
        import jwt

        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "exp": int(now) + ASSERTION_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self.key.private, self.key.algorithm, {"kid": self.key.kid, "typ": "JWT"})
