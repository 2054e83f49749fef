"""The settings by which a server lets us in. Secrets print as stars; what contradicts itself stops the start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from adapter.errors import UsageError
from adapter.sources.origin import written_origins

_WAYS = ("token", "token_file", "basic_user", "client_id")
_NEEDS = (
    ("basic_password", "basic_user"),
    ("basic_password_file", "basic_user"),
    ("client_id", "private_key_file"),
    ("private_key_file", "client_id"),
    ("private_key_id", "private_key_file"),
    ("scopes", "client_id"),
    ("client_key_file", "client_certificate_file"),
    ("client_key_password", "client_certificate_file"),
)
"""A setting, and the one without which it means nothing."""


class AccessSettings(BaseSettings):
    """At most one of a token, a user and a client id; a client certificate goes with any of them, or alone."""

    token: SecretStr | None = None
    """Bearer token for the FHIR server."""
    token_file: Path | None = None
    """File with the bearer token; read again whenever it changed."""
    basic_user: str | None = Field(None, pattern=r"^[^:\x00-\x1f\x7f]+$")
    """User of HTTP Basic; https://www.rfc-editor.org/rfc/rfc7617 allows no colon in it."""
    basic_password: SecretStr | None = None
    """Password of that user."""
    basic_password_file: Path | None = None
    """File with that password; read again whenever it changed."""
    client_id: str | None = Field(None, min_length=1)
    """Client id that the server gave us for SMART Backend Services."""
    private_key_file: Path | None = None
    """Our private key for it: a JWK, a JWK Set or PEM, as ``coaching-adapter keys new`` makes it."""
    private_key_id: str | None = Field(None, min_length=1)
    """Which key of a JWK Set, or the ``kid`` under which a PEM is registered."""
    scopes: str | None = Field(None, pattern=r"^[!#-\[\]-~]+( +[!#-\[\]-~]+)*$")
    """Scopes to ask for, separated by blanks, in place of those that the command needs."""
    client_certificate_file: Path | None = None
    """Certificate (PEM, with its chain) that we show a server by TLS."""
    client_key_file: Path | None = None
    """Its private key; none where it stands in the file of the certificate."""
    client_key_password: SecretStr | None = None
    """Password of that key."""
    ca_bundle: Path | None = None
    """Authorities (PEM) that certificates of servers are checked by, in place of the public ones."""
    allowed_origins: str | None = None
    """Origins beside the configured server's, separated by blanks: of its token endpoint and of its export files."""
    allow_plain_http: bool = False
    """Show a token or password also to a server of another machine that is not https: everybody on the way reads it."""

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: str | None) -> str | None:
        written_origins(value or "")
        return value


def refuse_contradictions(settings: AccessSettings) -> None:
    """Refuse settings that name two ways in, or half of one.

    Raises:
        UsageError: one sentence for each fault, with the names of the settings.
    """
    if faults := list(_faults({name for name in AccessSettings.model_fields if getattr(settings, name) is not None})):
        raise UsageError("; ".join(faults))


def setting(name: str) -> str:
    """The environment variable of a setting."""
    return f"ADAPTER_{name.upper()}"


def file_of(name: str) -> str:
    """How a message calls the file that a setting names."""
    return f"the file of {setting(name)}"


def _faults(given: set[str]) -> Iterator[str]:
    ways = [setting(name) for name in _WAYS if name in given]
    if len(ways) > 1:
        yield f"{' and '.join(ways)} are different ways to be let in: set only one"
    passwords = given & {"basic_password", "basic_password_file"}
    if len(passwords) > 1:
        yield "ADAPTER_BASIC_PASSWORD and ADAPTER_BASIC_PASSWORD_FILE both give the password: set only one"
    if "basic_user" in given and not passwords:
        yield "ADAPTER_BASIC_USER needs ADAPTER_BASIC_PASSWORD or ADAPTER_BASIC_PASSWORD_FILE"
    yield from (
        f"{setting(name)} needs {setting(need)}" for name, need in _NEEDS if name in given and need not in given
    )
