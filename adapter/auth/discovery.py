"""What a server says about how to get a token: its ``.well-known/smart-configuration``.

https://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from adapter.auth.asking import Asking
from adapter.errors import AccessRefused, Step
from adapter.evidence.references import Json
from adapter.sources.origin import Allowed, is_loopback, is_private
from adapter.sources.refusals import shown

METHOD = "private_key_jwt"
_ANOTHER_WAY = "is it SMART Backend Services that this server offers?"


@dataclass(frozen=True, slots=True)
class Discovered:
    """Where a token is asked for, and what the server knows of scopes."""

    token_endpoint: str
    """As it was written, for an assertion names it to the letter."""
    capabilities: tuple[str, ...]
    scopes: tuple[str, ...]


async def discover(base: str, algorithm: str, asking: Asking) -> Discovered:
    """Ask the server of a base URL.

    Raises:
        AccessRefused: it does not say, or says what we will not or cannot do.
    """
    url = f"{base}/.well-known/smart-configuration"
    what = "the request for its SMART configuration"
    accept = {"Accept": "application/json"}
    reply = await asking.ask(
        Step.DISCOVERY, what, shown(base), lambda http: http.build_request("GET", url, headers=accept)
    )
    if reply.status != httpx.codes.OK or reply.body is None:
        raise _refused(f"{shown(base)} answered {reply.told} to {what}", _ANOTHER_WAY)
    configuration = reply.body
    _refuse_other_ways(configuration, algorithm, shown(base))
    endpoint = _checked_endpoint(configuration.get("token_endpoint"), base, asking.allowed)
    return Discovered(endpoint, _texts(configuration, "capabilities"), _texts(configuration, "scopes_supported"))


def _refuse_other_ways(configuration: Json, algorithm: str, server: str) -> None:
    """Of a list that is there, ours must be one; a list that is not there says nothing."""
    methods = _texts(configuration, "token_endpoint_auth_methods_supported")
    if methods and METHOD not in methods:
        raise _refused(f"{server} does not list {METHOD} among its ways to get a token", _ANOTHER_WAY)
    algorithms = _texts(configuration, "token_endpoint_auth_signing_alg_values_supported")
    if algorithms and algorithm not in algorithms:
        raise _refused(f"{server} does not list {algorithm}, the algorithm of our key", "make a key for another one")


def _checked_endpoint(written: object, base: str, allowed: Allowed) -> str:
    """The token endpoint, to which nobody on the way listens in.

    A server elsewhere that sends us to this machine is refused: what runs here is none of its business.
    """
    try:
        url = httpx.URL(written) if isinstance(written, str) else None
        host = url.host if url is not None else ""  # an xn--... that stands for no name is found out here
    except (httpx.InvalidURL, ValueError):
        url, host = None, ""
    if not isinstance(written, str) or url is None or not host:
        raise _refused(f"{shown(base)} names no token endpoint", _ANOTHER_WAY)
    if not is_private(url) or (url.scheme == "http" and not is_loopback(httpx.URL(base))):
        raise _refused(f"{shown(base)} names a token endpoint that is not https")
    if url.userinfo or url.fragment:
        raise _refused(f"{shown(base)} names a token endpoint with a user or a fragment in it")
    if url not in allowed:
        problem = f"{shown(base)} names a token endpoint on another server, {shown(written, path=False)}"
        raise _refused(problem, "if that is where its tokens come from, name it in ADAPTER_ALLOWED_ORIGINS")
    return written


def _texts(configuration: Json, name: str) -> tuple[str, ...]:
    found = configuration.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _refused(problem: str, hint: str = "") -> AccessRefused:
    return AccessRefused(problem, hint, step=Step.DISCOVERY)
