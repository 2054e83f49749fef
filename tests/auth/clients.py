"""Keys on the disk, and clients of a server that lets in only whom it knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapter.auth.access import access_to
from adapter.auth.scopes import Need
from adapter.errors import AccessRefused, SourceError
from adapter.settings import Settings
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience

Json = dict[str, Any]
QUICK = Patience(attempts=3, first_wait=0)
NEVER_SAID = ("Jane", "token-", "eyJ", "s3cret", '"d"')
"""What no message may repeat: a server's free text, a token, an assertion, a password, a private key."""


@dataclass(frozen=True)
class KeyFile:
    """A private key on the disk, and what is registered of it."""

    path: Path
    jwks: Json
    kid: str


def client_to(url: str, settings: Settings, need: Need = Need.ANSWER) -> FhirClient:
    """As the commands make it, only impatient."""
    access = access_to(url, settings, need, timeout=10, patience=QUICK)
    return FhirClient(
        url, auth=access.auth, verify=access.verify, elsewhere=access.elsewhere, timeout=10, patience=QUICK
    )


async def refusal(client: FhirClient) -> AccessRefused:
    """The refusal of a read: one line, and nothing in it that must not be."""
    async with client:
        with pytest.raises(SourceError) as caught:
            await client.read("Claim", "a")
    assert isinstance(caught.value, AccessRefused), caught.value
    message = str(caught.value)
    assert f"step {caught.value.step}" in message
    assert "\n" not in message
    assert not [each for each in NEVER_SAID if each in message], message
    assert caught.value.exit_code == 4
    return caught.value
