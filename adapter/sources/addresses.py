"""Addresses: the base URL that was given, and those that a server tells, which must not lead elsewhere."""

from __future__ import annotations

from urllib.parse import urljoin

import httpx

from adapter.errors import UsageError
from adapter.sources.origin import origin
from adapter.sources.wire import Unserved, shown


def checked_base(base_url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        UsageError: it is none.
    """
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL as error:
        raise UsageError("the FHIR base URL is malformed") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError("the FHIR base URL must begin with http:// or https:// and name a server")
    if url.query or url.fragment:
        raise UsageError(f"the FHIR base URL {shown(base_url)} must not have a query or fragment")
    return str(url).rstrip("/")


def own_address(base: str, written: object, told: str) -> str:
    """An address that a server told, made absolute; ``told`` says what for: "links to a next page".

    Raises:
        Unserved: none, malformed, or on another server, which would get our token.
    """
    if not isinstance(written, str):
        raise Unserved(f"{shown(base)} {told} without an address")
    try:
        address = httpx.URL(urljoin(f"{base}/", written))
    except (httpx.InvalidURL, ValueError) as error:
        raise Unserved(f"{shown(base)} {told} by a malformed address") from error
    if origin(address) != origin(httpx.URL(base)):
        raise Unserved(
            f"{shown(base)} {told} on another server, {shown(str(address), path=False)}",
            "use the address by which the server knows itself",
        )
    return str(address)
