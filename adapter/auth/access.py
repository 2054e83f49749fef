"""From settings to what an HTTP client needs to be let in. All files are read before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx

from adapter.auth.asking import Asking
from adapter.auth.backend_services import BackendServices
from adapter.auth.client import Client
from adapter.auth.header import StaticAuth, basic, bearer
from adapter.auth.scopes import Need
from adapter.auth.secret_files import Given, InFile, Secret
from adapter.auth.settings import AccessSettings, file_of
from adapter.auth.tls import elsewhere, tls
from adapter.errors import UsageError
from adapter.sources.gate import Elsewhere, Verify
from adapter.sources.origin import allowed_from, is_private
from adapter.sources.patience import Patience
from adapter.sources.refusals import shown


@dataclass(frozen=True, slots=True)
class Access:
    """What a client of one server is given."""

    auth: httpx.Auth | None
    verify: Verify
    elsewhere: Elsewhere


def access_to(
    base: str, settings: AccessSettings, need: Need, *, timeout: float = 60.0, patience: Patience | None = None
) -> Access:
    """How the server of a base URL is asked.

    Raises:
        UsageError: a file that a setting names is not as it should be, or the address does not go with the settings.
    """
    url = httpx.URL(base)
    verify = tls(settings)
    if settings.client_certificate_file is not None and url.scheme != "https":
        raise UsageError(f"{shown(base)} is not https, so ADAPTER_CLIENT_CERTIFICATE_FILE cannot be shown to it")
    beside = elsewhere(settings)
    asking = Asking(verify, timeout, patience or Patience(), allowed_from(base, beside.origins))
    auth = _auth(base.rstrip("/"), settings, need, asking)
    return Access(auth, verify, beside)


def check_access(settings: AccessSettings) -> None:
    """Read every file that the settings name.

    Raises:
        UsageError: as above.
    """
    base = "https://localhost"
    _auth(base, settings, Need.READ, Asking(tls(settings), 1, Patience(), allowed_from(base)))


def _auth(base: str, settings: AccessSettings, need: Need, asking: Asking) -> httpx.Auth | None:
    client_id, key_file = settings.client_id, settings.private_key_file
    if client_id is not None and key_file is not None:
        if not is_private(httpx.URL(base)):
            raise UsageError(f"{shown(base)} is not https, as SMART Backend Services must be")
        return BackendServices(base, _client(settings, client_id, key_file), need, asking)
    secret = _secret(settings)
    if secret is None:
        return None
    if not is_private(httpx.URL(base)) and not settings.allow_plain_http:
        problem = f"{shown(base)} is not https, so that anybody on the way could read the token or password"
        raise UsageError(f"{problem}; in a network that is yours alone ADAPTER_ALLOW_PLAIN_HTTP=true lets it be sent")
    return StaticAuth(base, secret, bearer if settings.basic_user is None else basic(settings.basic_user))


def _secret(settings: AccessSettings) -> Secret | None:
    """The token or password that is set; there is at most one."""
    for given in (settings.token, settings.basic_password):
        if given is not None:
            return Given(given)
    for path, name in ((settings.token_file, "token_file"), (settings.basic_password_file, "basic_password_file")):
        if path is not None:
            return InFile(path, file_of(name))
    return None


def _client(settings: AccessSettings, client_id: str, key_file: Path) -> Client:
    from adapter.auth.keys import load_signing_key  # cryptography is slow to import

    key = load_signing_key(key_file, file_of("private_key_file"), settings.private_key_id)
    return Client(client_id, key, tuple((settings.scopes or "").split()))
