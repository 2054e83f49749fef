"""Who is let in: the right secret at the right address, and nobody learns more than a status."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from pydantic import SecretStr

from adapter.receiver.door import Credentials, Door, NotAdmitted

SECRET, OTHER = "0123456789abcdef", "fedcba9876543210"
BODY = b'{"resourceType": "Claim", "id": "1"}'
DOOR = Door({"claims": SecretStr(SECRET), "notes": SecretStr(OTHER)})


def signed(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(Credentials(f"Bearer {SECRET}", None), id="the secret"),
        pytest.param(Credentials(f"bearer  {SECRET}", None), id="a scheme has no case"),
        pytest.param(Credentials(None, signed()), id="a signature"),
        pytest.param(Credentials(None, signed().upper()), id="a signature in capitals"),
        pytest.param(Credentials("Basic abc", signed()), id="a signature, and a header of a proxy"),
    ],
)
def test_who_proves_it_is_let_in(shown: Credentials) -> None:
    DOOR.check("claims", shown, BODY)


@pytest.mark.parametrize(
    ("name", "shown", "status"),
    [
        pytest.param("claims", Credentials(None, None), 401, id="nothing shown"),
        pytest.param("claims", Credentials(f"Bearer {OTHER}", None), 403, id="the secret of another address"),
        pytest.param("claims", Credentials(SECRET, None), 403, id="the secret without Bearer"),
        pytest.param("claims", Credentials("Bearer ", None), 403, id="an empty secret"),
        pytest.param("claims", Credentials(f"Basic {SECRET}", None), 403, id="another scheme"),
        pytest.param("claims", Credentials("Bearer é", None), 403, id="no ASCII"),
        pytest.param("claims", Credentials(None, ""), 403, id="an empty signature"),
        pytest.param("claims", Credentials(None, signed(BODY + b" ")), 403, id="the signature of another body"),
        pytest.param("claims", Credentials(None, signed(secret=OTHER)), 403, id="signed with another secret"),
        pytest.param("claims", Credentials(f"Bearer {SECRET}", "00"), 403, id="a wrong signature beside the secret"),
        pytest.param("other", Credentials(f"Bearer {SECRET}", None), 404, id="no such address"),
        pytest.param("", Credentials(f"Bearer {SECRET}", None), 404, id="no address"),
    ],
)
def test_who_does_not_is_sent_away(name: str, shown: Credentials, status: int) -> None:
    with pytest.raises(NotAdmitted) as raised:
        DOOR.check(name, shown, BODY)
    assert raised.value.status == status
    assert SECRET not in str(raised.value)
