"""SMART Backend Services: a signed assertion for a token, the token for the server.

https://hl7.org/fhir/smart-app-launch/backend-services.html and client-confidential-asymmetric.html beside it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

import httpx

from adapter.auth.asking import Asking, Reply
from adapter.auth.client import Client
from adapter.auth.discovery import Discovered, discover
from adapter.auth.header import HomeAuth, bearer
from adapter.auth.scopes import Need, missing, scopes_for
from adapter.auth.shared_token import SharedToken, Token
from adapter.errors import AccessRefused, Step, UsageError
from adapter.evidence.references import Json
from adapter.sources.refusals import shown

USUAL_SECONDS = 300
"""A token's life where the server does not tell; the most that SMART recommends."""
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HINTS = {
    "invalid_client": "are ADAPTER_CLIENT_ID and the public key registered, and is this machine's clock right?",
    "invalid_grant": "is the client registered for client_credentials?",
    "unauthorized_client": "is the client registered for client_credentials?",
    "unsupported_grant_type": "is it SMART Backend Services that this server offers?",
    "invalid_request": "",
    "invalid_scope": "have these scopes registered for the client, or name in ADAPTER_SCOPES those that are",
}
"""The errors of https://www.rfc-editor.org/rfc/rfc6749#section-5.2; what else a server writes is not repeated."""


class BackendServices(HomeAuth):
    """A token by ``private_key_jwt``, renewed before it ends and once when it is refused, by one for all who wait."""

    def __init__(
        self,
        base: str,
        client: Client,
        need: Need,
        asking: Asking,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(base)
        self._base, self._client, self._need = base, client, need
        self._shown = f"the token endpoint that {shown(base)} names"  # its address are the words of that server
        self._asking, self._clock = asking, clock
        self._discovered: Discovered | None = None
        self._token = SharedToken(self._granted, ticks)

    async def header(self, refused: str | None = None) -> str:
        return bearer(await self._token.current(refused.removeprefix("Bearer ") if refused else None))

    async def _granted(self) -> Token:
        if self._discovered is None:
            self._discovered = await discover(self._base, self._client.key.algorithm, self._asking)
        found = self._discovered
        scopes = self._client.scopes or scopes_for(self._need, found.capabilities, found.scopes)
        try:
            reply = await self._asking.ask(
                Step.TOKEN,
                "the request for a token",
                self._shown,
                lambda http: self._form(http, scopes, found),
            )
            return _token(reply, scopes, self._shown)
        except AccessRefused:
            self._discovered = None  # it may have moved
            raise

    def _form(self, http: httpx.AsyncClient, scopes: Sequence[str], found: Discovered) -> httpx.Request:
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(scopes),
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._client.assertion(found.token_endpoint, self._clock()),
        }
        return http.build_request("POST", found.token_endpoint, data=form, headers={"Accept": "application/json"})


def _token(reply: Reply, asked: Sequence[str], server: str) -> Token:
    """The token of an answer.

    Raises:
        AccessRefused: there is none, it is of a kind we do not know, or it allows less than was asked for.
    """
    if reply.status != httpx.codes.OK or reply.body is None:
        raise _refusal(reply, server)
    body = reply.body
    value, kind = body.get("access_token"), body.get("token_type")
    if not isinstance(value, str) or not isinstance(kind, str) or kind.lower() != "bearer":
        raise AccessRefused(f"{server} granted no bearer token", step=Step.TOKEN)
    try:
        bearer(value)
    except UsageError as error:
        raise AccessRefused(f"{server} granted a token that no header can carry", step=Step.TOKEN) from error
    _refuse_less(body, asked, server)
    return Token(value, _lifetime(body.get("expires_in"), server))


def _refuse_less(body: Json, asked: Sequence[str], server: str) -> None:
    """A server may grant less; one that says nothing granted all. https://www.rfc-editor.org/rfc/rfc6749#section-5.1"""
    granted = body.get("scope")
    if granted is None:
        return
    lacking = missing(granted.split(), asked) if isinstance(granted, str) else list(asked)
    if lacking:
        problem = f"the token that {server} granted lacks {', '.join(lacking)}"
        raise AccessRefused(problem, _HINTS["invalid_scope"], step=Step.SCOPE)


def _refusal(reply: Reply, server: str) -> AccessRefused:
    written = (reply.body or {}).get("error")
    code = written if isinstance(written, str) and written in _HINTS else ""
    said = f"{reply.status} ({code})" if code else reply.told
    step = Step.SCOPE if code == "invalid_scope" else Step.TOKEN
    return AccessRefused(f"{server} answered {said} to the request for a token", _HINTS.get(code, ""), step=step)


def _lifetime(written: object, server: str) -> float:
    """Seconds; some servers write the number as text."""
    if written is None:
        return USUAL_SECONDS
    text = str(written)
    if isinstance(written, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise AccessRefused(f"{server} granted a token without a lifetime in whole seconds", step=Step.TOKEN)
    return int(text)
