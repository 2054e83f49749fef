"""A secret is shown to nobody on the way: plain HTTP is for this machine, or where a setting allows it."""

from __future__ import annotations

import pytest

from adapter.auth.access import access_to
from adapter.auth.scopes import Need
from adapter.errors import UsageError
from adapter.settings import load_settings

TOKEN = {"TOKEN": "s3cret"}
BASIC = {"BASIC_USER": "me", "BASIC_PASSWORD": "s3cret"}
ALLOWED = {"ALLOW_PLAIN_HTTP": "true"}


@pytest.mark.parametrize(
    ("base", "given", "refused"),
    [
        pytest.param("http://fhir.test/r4", TOKEN, True, id="a token"),
        pytest.param("http://fhir.test/r4", BASIC, True, id="a password"),
        pytest.param("http://10.0.0.7/r4", TOKEN, True, id="a private address"),
        pytest.param("http://localhost.fhir.test/r4", TOKEN, True, id="a name that begins like ours"),
        pytest.param("http://fhir.test/r4", TOKEN | {"ALLOW_PLAIN_HTTP": "false"}, True, id="not allowed"),
        pytest.param("http://fhir.test/r4", TOKEN | ALLOWED, False, id="allowed"),
        pytest.param("http://fhir.test/r4", {}, False, id="no secret"),
        pytest.param("http://127.0.0.1:1/r4", TOKEN, False, id="this machine"),
        pytest.param("http://[::1]:1/r4", BASIC, False, id="this machine by IPv6"),
        pytest.param("https://fhir.test/r4", TOKEN, False, id="https"),
    ],
)
def test_no_token_or_password_goes_over_plain_http(
    monkeypatch: pytest.MonkeyPatch, base: str, given: dict[str, str], refused: bool
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"ADAPTER_{name}", value)
    if not refused:
        access_to(base, load_settings(), Need.READ)
        return
    with pytest.raises(UsageError, match=r"is not https.*ADAPTER_ALLOW_PLAIN_HTTP") as raised:
        access_to(base, load_settings(), Need.READ)
    assert (raised.value.exit_code, "s3cret" in str(raised.value)) == (2, False)
